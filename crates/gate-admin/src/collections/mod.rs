//! `/api/collections`: the definitions, which can be read and not changed (contract §1.11, D-17).

mod list;
mod meta;
mod read_only;
mod view;

pub(crate) use list::list;
pub(crate) use meta::{oauth2_providers, scaffolds};
pub(crate) use read_only::refuse;
pub(crate) use view::view;
