//! How a connection to an upstream comes to be: resolve, dial, TLS, pool.
//!
//! Owns name resolution and its cache (one per process), the TLS configuration (one per process), and the pools of idle
//! connections (one per worker). But for the plain client with which the control plane asks other services, it knows
//! nothing about HTTP messages; nor does it about routes or access rules. It is the only crate that knows rustls and the
//! DNS library.

mod connect;
mod control_plane;
mod dial;
mod error;
mod forward_proxy;
mod http2_connection;
mod http_client;
mod pool;
mod resolver;
mod stream;
mod tls;
mod trial;

pub use control_plane::{ControlPlane, control_plane};
pub use dial::{Connected, Dialer, DialerConfig, Protocol};
pub use error::DialError;
pub use forward_proxy::{ForwardProxies, ForwardProxy};
pub use http_client::{HttpAnswer, HttpClient, HttpError, HttpQuestion};
pub use http2_connection::{Http2Connection, StreamLease};
pub use pool::{Lease, Pool, PoolLimits};
pub use resolver::Resolver;
pub use stream::UpstreamStream;
pub use trial::{Trial, TrialLimits};
