//! `/api/logs`: the log of requests (contract §1.11).

mod list;
mod stats;
#[cfg(test)]
mod tests;
mod truncate;
mod view;

pub(crate) use list::list;
pub(crate) use stats::stats;
pub(crate) use truncate::truncate;
pub(crate) use view::view;
