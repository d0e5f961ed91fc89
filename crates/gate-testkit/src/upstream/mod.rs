//! The service behind the gateway, played by the test.

mod behaviour;
mod blackhole;
mod by_hand;
mod collector;
mod echo;
mod h2;
mod ledger;
mod listening;
mod misbehaving;
mod peer;
mod pocketbase;
mod reply;
mod sidecar;
mod sse;
mod tls;

pub use behaviour::Behaviour;
pub use blackhole::Blackhole;
pub use by_hand::ByHand;
pub use collector::{Collector, CollectorMood};
pub use echo::Echo;
pub use h2::{H2Behaviour, H2ByHand, H2Peer, H2Request, H2Upstream};
pub use ledger::{Ledger, ReceivedBody, ReceivedRequest, RequestHead};
pub use listening::Upstream;
pub use misbehaving::{
    Answer, CloseAfterRequest, CloseIdle, EarlyResponse, Informational, OneByte, ResetBeforeHead,
    StallAfterHead,
};
pub use peer::Peer;
pub use pocketbase::PocketBase;
pub use sidecar::{Mood, Sidecar};
pub use sse::{SseStream, SseUpstream};
pub use tls::TestAuthority;
