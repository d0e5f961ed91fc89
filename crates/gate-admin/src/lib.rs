//! The control plane's HTTP side: the REST API in PocketBase's dialect, and the page at `/_/`.
//!
//! Owns how a request becomes a call and an outcome becomes a response: routes, error bodies, CORS, security headers.
//! Knows nothing of sockets or SQL: the data plane hands it in-memory connections, other crates hold the records.
//!
//! One file is one endpoint (`health.rs`); endpoints of one resource share a folder named after it. All of them are
//! listed in `router.rs`.

mod catch_panic;
mod cors;
mod error;
mod health;
mod json;
mod page;
mod router;
mod security_headers;
mod serve;
#[cfg(test)]
mod testing;

pub use serve::serve;
