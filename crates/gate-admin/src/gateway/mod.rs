//! `/api/gateway`: what PocketBase has no word for.

mod breaker;
mod explain;
mod status;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use breaker::act as act_on_breaker;
pub(crate) use explain::explain;
pub(crate) use status::show as status;
pub use watch::tell_status;
