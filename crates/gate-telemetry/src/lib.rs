//! What is said about a request while it runs ([`in_flight`]) and afterwards: what it is called ([`RequestId`]), the closed set of ways it can end ([`Reason`]),
//! what is counted ([`metrics`]) and shown ([`exposition`]), the line it gets ([`access_log`]), what is told of it among what
//! others did for the same purpose ([`trace`]), and the process's log ([`log`]).
//!
//! Knows nothing about HTTP parsing, upstreams or the store.

pub mod access_log;
pub mod exposition;
pub mod in_flight;
pub mod log;
pub mod metrics;
mod process;
mod reason;
mod request_id;
pub mod trace;

pub use process::ProcessUsage;
pub use reason::{Reason, Side};
pub use request_id::RequestId;
