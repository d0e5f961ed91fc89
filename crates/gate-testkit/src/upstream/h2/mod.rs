//! An upstream that speaks HTTP/2 over TLS.

mod behaviour;
mod exchange;
mod listening;

pub use behaviour::H2Behaviour;
pub use listening::H2Upstream;
