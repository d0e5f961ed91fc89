//! `/api/realtime`: changes of records, as server-sent events (contract §1.9).
//!
//! ```text
//!  GET  ── connect ──▶ client in the hub ── PB_CONNECT, frames, heartbeats ──▶ event stream
//!  POST ── subscribe ─▶ its topics, and who it is
//!  committed changes ─▶ hub ── each client, each topic: rule, filter ──▶ frame ──▶ its queue
//! ```

mod client;
mod connect;
mod event_stream;
mod frame;
mod hub;
mod subscribe;
#[cfg(test)]
mod tests;
mod topic;

pub(crate) use connect::connect;
pub use hub::Hub;
pub(crate) use subscribe::subscribe;
