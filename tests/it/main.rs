//! The black-box suite: the real binary, real sockets, one module per behaviour.
//!
//! A test that shows a requirement carries its row, `r005_us1_ac3_…`; `README.md` beside this
//! directory lists the rows and those that are shown elsewhere or come later.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops with a panic that says why"
)]

mod access_log;
mod access_rules;
mod accounting;
mod administrator;
mod attempts;
mod buffers;
mod canaries;
mod cancel;
mod circuit_breaker;
mod cli;
mod concurrency;
mod control_plane;
mod cors;
mod crate_graph;
mod dev_proxy;
mod edits;
mod event_streams;
mod expect_continue;
mod forward_proxy;
mod framing;
mod header_templates;
mod headers;
mod http2_connections;
mod identity;
mod idle;
mod import_export;
mod in_flight;
mod injection;
mod keep_alive;
#[cfg(unix)]
mod kill_while_writing;
mod lifecycle;
mod memory;
mod metrics;
mod mixed;
mod overload;
mod pocketbase_db;
mod pocketbase_upstream;
mod pool;
#[cfg(unix)]
mod postgresql;
mod rate_limit;
mod realtime;
mod refusals;
mod reload;
mod request_id;
mod requirement_rows;
mod retry;
mod routing;
mod scarcity;
mod setup;
#[cfg(unix)]
mod shared_database;
mod smuggling;
mod streaming;
mod syscalls;
mod timeouts;
mod traces;
mod upstream_addresses;
mod upstream_http2;
mod upstream_tls;
