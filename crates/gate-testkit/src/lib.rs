//! Scripted clients and upstreams that misbehave by name, and the real binary between them.
//!
//! Owns everything a black-box test needs: [`Gateway`] runs the binary under test, [`Upstream`]
//! plays the service behind it and records what arrives, [`RawClient`] plays the caller in front. [`PostgreSql`] is the database beside it.
//! Knows nothing about the product's crates: it reads HTTP with small parsers of its own, so that
//! a mistake in the codec cannot hide behind the same mistake in the test.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test that cannot go on stops with a panic that says why"
)]

mod client;
mod deadline;
mod gateway;
mod pattern;
#[cfg(unix)]
mod postgres;
mod seed;
#[cfg(test)]
mod tests;
mod token;
mod upstream;
mod wire;

pub use client::{BodyEnd, RawClient, Response, ResponseError, ResponseHead};
pub use deadline::{PATIENCE, eventually, quickest_of, within};
pub use gateway::{Gateway, GatewayBuilder, LogLine, Pocketgate, ProcessOutput, Proxy, Signal};
pub use pattern::{Pattern, sha256_hex};
#[cfg(unix)]
pub use postgres::PostgreSql;
pub use seed::seed;
pub use token::auth_token;
pub use upstream::{
    Answer, Behaviour, Blackhole, ByHand, CloseAfterRequest, CloseIdle, Collector, CollectorMood,
    EarlyResponse, Echo, H2Behaviour, H2ByHand, H2Peer, H2Request, H2Upstream, Informational, Ledger, Mood,
    OneByte, Peer, PocketBase, ReceivedBody, ReceivedRequest, RequestHead, ResetBeforeHead, Sidecar,
    SseStream, SseUpstream, StallAfterHead, TestAuthority, Upstream,
};
pub use wire::Fields;
