//! `/api/gateway`: what PocketBase has no word for.

mod breaker;
mod explain;
mod last_minute;
mod metrics;
mod requests;
mod status;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use breaker::act as act_on_breaker;
pub(crate) use explain::explain;
pub use last_minute::LastMinute;
pub(crate) use metrics::show as metrics;
pub use metrics::{MetricsAccess, serve_metrics};
pub(crate) use requests::{end as end_request, list as requests};
pub(crate) use status::show as status;
pub use watch::tell_status;
