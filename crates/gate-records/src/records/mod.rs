//! Records: reading and writing them as PocketBase does, for somebody who may or may not.

mod auth_record;
mod record;
mod request;

pub use auth_record::{AuthRecord, Origin};
pub use record::{Record, Visibility};
pub use request::{Context, RequestInfo};
