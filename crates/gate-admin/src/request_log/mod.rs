//! What gets into the request log (contract §1.11): every request to the API, and some of those that are forwarded.

mod asked;
mod forwarded;

pub(crate) use asked::add;
pub use forwarded::log_forwarded;
