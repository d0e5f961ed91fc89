//! The records of `_proxies`: their fields, and what each one accepts.

mod check;
mod headers;
mod members;
mod path;
mod record;
#[cfg(test)]
mod tests;
mod timeouts;
mod traffic;

pub use check::CheckedProxy;
pub use path::normalise_path;
pub use record::ProxyRecord;
