//! What is said about a request afterwards: what it is called ([`RequestId`]), the closed set of ways it can end ([`Reason`]),
//! what is counted ([`metrics`]), the line it gets ([`access_log`]), and the process's log ([`log`]).
//!
//! Knows nothing about HTTP parsing, upstreams or the store.

pub mod access_log;
pub mod log;
pub mod metrics;
mod reason;
mod request_id;

pub use reason::{Reason, Side};
pub use request_id::RequestId;
