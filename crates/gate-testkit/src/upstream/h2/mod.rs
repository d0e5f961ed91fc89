//! An upstream that speaks HTTP/2 over TLS.

mod behaviour;
mod by_hand;
mod exchange;
mod listening;

pub use behaviour::H2Behaviour;
pub use by_hand::{H2ByHand, H2Peer, H2Request};
pub use listening::H2Upstream;
