//! The records of `_proxies`: their fields, and what each one accepts.

mod check;
mod headers;
mod members;
mod path;
mod record;
mod timeouts;

pub use check::CheckedProxy;
pub(crate) use check::path_alone;
pub use record::ProxyRecord;
