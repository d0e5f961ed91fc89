//! The immutable compiled configuration: the one thing the data plane and the control plane share.
//!
//! The control plane compiles its records into a [`Snapshot`] and puts it into a [`Published`]; each worker of the
//! data plane takes the newest one and keeps it for the life of a request. Nothing in here changes after it was
//! built, does I/O, or knows where a record came from.

mod proxy;
mod published;
mod routes;
mod snapshot;
mod timeouts;
mod upstream;

pub use proxy::{AccessRule, HeaderValue, InjectedHeader, Proxy, ProxyId};
pub use published::{HeldSnapshot, Published, Reader};
pub use routes::{Matched, RouteTable};
pub use snapshot::Snapshot;
pub use timeouts::Timeouts;
pub use upstream::{Scheme, Upstream, UpstreamError, UpstreamId};
