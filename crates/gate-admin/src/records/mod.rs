//! `/api/collections/{collection}/records`: the records themselves (contract §1.2, §1.3).

mod create;
mod delete;
mod error;
mod list;
mod shown;
#[cfg(test)]
mod tests;
mod update;
mod view;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use list::list;
pub(crate) use shown::{collection, written};
pub(crate) use update::update;
pub(crate) use view::view;
