//! The immutable compiled configuration: the one thing the data plane and the control plane share.
//!
//! The control plane compiles its records into a [`Snapshot`] and puts it into a [`Published`]; each worker of the
//! data plane takes the newest one and keeps it for the life of a request. Nothing in here changes after it was
//! built, does I/O, or knows where a record came from. Who calls is no configuration: [`Identities`] is how a worker
//! asks the control plane about a token.

mod identity;
mod proxy;
mod published;
mod retired;
mod routes;
mod slices;
mod snapshot;
mod timeouts;
mod upstream;
mod upstream_addresses;

pub use gate_rules::AccessRule;
pub use identity::{
    Answer, Identities, Identity, IdentityField, Question, TooManyQuestions, Verdict, identities,
};
pub use proxy::{HeaderValue, InjectedHeader, Proxy, ProxyFields, ProxyId, TEMPLATE_PARTS_MAX, TemplatePart};
pub use published::{HeldSnapshot, Published, Reader};
pub use retired::Retired;
pub use routes::{Matched, RouteTable};
pub use slices::in_slices;
pub use snapshot::Snapshot;
pub use timeouts::Timeouts;
pub use upstream::{Scheme, Upstream, UpstreamError, UpstreamId};
pub use upstream_addresses::{ForbiddenAddress, UpstreamAddresses};
