//! What the configuration makes of a request: which proxy it belongs to, what rules see of it, what is sent on.
//!
//! Pure functions over a parsed head and a snapshot, asked by the data plane for every request and by the control plane
//! when somebody wants to know in advance. Does no I/O, keeps no state, and knows nothing about connections or records.

mod answered_here;
mod fields;
mod reserved;
mod route;
mod rule_context;
mod target;
#[cfg(test)]
mod testing;
mod token;

pub use answered_here::{is_preflight_for_us, is_websocket_handshake};
pub use fields::{Sender, Withheld, fits, is_injected, withheld};
pub use route::{Route, Unroutable, route};
pub use rule_context::RuleContext;
pub use target::target;
pub use token::token;
