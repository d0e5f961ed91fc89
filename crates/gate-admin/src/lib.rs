//! The control plane's HTTP side: the REST API in PocketBase's dialect, and the page at `/_/`.
//!
//! Owns how a request becomes a call and an outcome becomes a response: routes, error bodies, CORS, security headers.
//! Knows nothing of sockets or SQL: the data plane hands it in-memory connections, other crates hold the records.
//!
//! A handler takes what it needs of a request from extractors: `Caller` or `Superuser` (`caller.rs`), `Payload`, `Query`,
//! `ListParameters` (`list.rs`), `ClientAddress`; it calls one of the `Services` and answers `Json` or `ApiError`.
//! `?fields=`, CORS, ids and logs are layers around all routes.
//!
//! One file is one endpoint (`health.rs`); endpoints of one resource share a folder named after it. All of them are
//! listed in `router.rs`.

mod auth;
mod backups;
mod batch;
mod caller;
mod catch_panic;
mod client_address;
mod collections;
mod cors;
mod crons;
mod error;
mod fields_filter;
mod finish;
mod gateway;
mod headers;
mod health;
mod json;
mod list;
mod logs;
mod page;
mod path;
mod payload;
mod query;
mod rate_limit;
mod realtime;
mod records;
mod request_id;
mod request_info;
mod request_log;
mod router;
mod secrets;
mod security_headers;
mod serve;
mod services;
mod settings;
#[cfg(test)]
mod testing;

pub use crons::run_crons;
pub use gateway::{LastMinute, MetricsAccess, serve_metrics, tell_status};
pub use rate_limit::Windows;
pub use realtime::Hub;
pub use request_log::log_forwarded;
pub use serve::serve;
pub use services::{Authenticate, Authenticating, Services};
