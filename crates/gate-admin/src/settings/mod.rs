//! `/api/settings` (contract §1.11).

mod update;
mod view;

pub(crate) use update::update;
pub(crate) use view::view;
