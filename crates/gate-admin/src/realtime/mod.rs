//! `/api/realtime`: changes of records, as server-sent events (contract §1.9).
//!
//! ```text
//!  GET  ── connect ──▶ client in the hub ── PB_CONNECT, frames, heartbeats ──▶ event stream
//!  POST ── subscribe ─▶ its topics, and who it is, as far as there is room
//!  committed changes ─▶ hub ── each client, each topic: rule, filter ──▶ frame ──▶ its queue
//!  every ten seconds ─▶ whose token is it still? ── nobody's: a guest
//! ```

mod client;
mod connect;
mod event_stream;
mod frame;
mod hub;
mod queue;
mod room;
mod subscribe;
mod subscriber;
#[cfg(test)]
mod tests;
mod topic;
mod watch_caller;

pub(crate) use connect::connect;
pub use hub::Hub;
pub(crate) use subscribe::subscribe;
