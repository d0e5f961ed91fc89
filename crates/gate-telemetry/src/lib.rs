//! What is said about a request afterwards: the closed set of ways it can end ([`Reason`]), what is counted ([`metrics`]) and
//! the process's log ([`log`]).
//!
//! Knows nothing about HTTP parsing, upstreams or the store.

pub mod log;
pub mod metrics;
mod reason;

pub use reason::{Reason, Side};
