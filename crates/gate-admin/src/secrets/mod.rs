//! `/api/secrets`: secrets as the fork has them (contract §3.3, D-23). The same records are at
//! `/api/collections/_secrets/records`.

mod body;
mod create;
mod delete;
mod error;
mod list;
#[cfg(test)]
mod tests;
mod update;
mod view;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use list::list;
pub(crate) use update::update;
pub(crate) use view::view;
