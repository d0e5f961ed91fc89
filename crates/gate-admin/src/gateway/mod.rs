//! `/api/gateway`: what PocketBase has no word for.

mod explain;

pub(crate) use explain::explain;
