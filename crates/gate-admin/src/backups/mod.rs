//! `/api/backups`: copies of the store (contract §1.11).

mod create;
mod list;

pub(crate) use create::create;
pub(crate) use list::list;
