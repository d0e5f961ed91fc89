//! Records: reading and writing them as PocketBase does, for somebody who may or may not.

mod access;
mod accounts;
mod assign;
mod auth_record;
mod change;
mod error;
mod follower;
mod list;
mod preview;
mod proxies;
mod record;
mod request;
mod rows;
mod secrets;
mod seen;
mod service;
mod write;
mod writing;

pub(crate) use auth_record::COLLECTION_ORIGIN;
pub use auth_record::{AuthRecord, Origin};
pub use change::{Action, RecordChange};
pub use error::RecordError;
pub use follower::Follower;
pub use list::{ListQuery, Page};
pub use record::{Record, Visibility};
pub use request::{Context, RequestInfo};
pub use seen::{Filter, Interest, Seen};
pub use service::{BatchError, Records};
pub use write::{Write, WriteKind, Written};
