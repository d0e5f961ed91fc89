//! What both ends of the wire share: header fields and counted connections.

mod counted;
mod fields;

pub(crate) use counted::{Connection, Counted};
pub use fields::Fields;
pub(crate) use fields::latin1;
