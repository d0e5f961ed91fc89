//! The data plane: listener, pipeline, relay.
//!
//! Owns the workers: N threads, each with its own listening socket, event loop, connection pool and buffers. Knows nothing about SQL,
//! records, JSON value trees or the admin API; configuration reaches it as a [`gate_snapshot::Snapshot`] and nothing else, and
//! the control plane is one more upstream.
//!
//! The life of a request is in `pipeline.rs`, top to bottom.

mod access;
mod admit;
mod allow;
mod attempts;
mod buffer;
mod buffer_pool;
mod client;
mod condition;
mod connect;
mod connection;
mod connection_limit;
mod count;
mod deadline;
mod event_count;
mod event_stream;
mod fault;
mod finish;
mod forwarded;
mod http1;
mod http2;
mod identify;
mod in_flight;
mod known_tokens;
mod listener;
mod memory;
#[cfg(test)]
mod panics;
mod pipeline;
mod preflight;
mod questions;
mod read_head;
mod record;
mod recycled;
mod refusal;
mod relay;
mod request_transfer;
mod response_head;
mod route;
mod seldom;
mod server;
mod ticker;
mod told;
mod trace;
mod transfer;
mod upstream_answer;
mod upstream_head;
mod watchdog;
mod worker;

pub use connection_limit::ConnectionLimits;
pub use forwarded::{TrustedProxies, TrustedProxyError};
pub use server::{Server, ServerConfig, StartError};
