//! Who a request is made for: what the data plane asks.

mod handed_out;
mod identity;
mod introspection;
mod shared_database;
mod sources;

pub use identity::{Identity, Unavailable};
pub use introspection::{HoldTimes, Introspection, IntrospectionConfig};
use shared_database::SharedDatabase;
pub use sources::Identities;
