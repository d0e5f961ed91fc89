//! Who a request is made for: what the data plane asks.

mod handed_out;
mod identity;
mod introspection;
mod sources;

pub use identity::{Identity, Unavailable};
pub use introspection::{HoldTimes, Introspection, IntrospectionConfig};
pub use sources::Identities;
