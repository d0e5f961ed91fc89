//! Why no connection to an upstream came to be.

use gate_snapshot::ForbiddenAddress;
use gate_telemetry::Reason;
use std::io;
use std::net::IpAddr;

/// Why no connection came to be. Nothing was sent of the request: a retry elsewhere is always safe.
///
/// The texts name internal addresses and are for the log alone (H42).
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The upstream's name has no address and never had one.
    #[error("failed to resolve {host}: {cause}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        cause: String,
    },
    /// The name leads to an address no upstream may have.
    #[error("{host} leads to {address}, which {reason}")]
    Forbidden {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What is wrong with that.
        reason: ForbiddenAddress,
    },
    /// Every address refused, or none could be reached.
    #[error("failed to connect to {target}: {cause}")]
    Connect {
        /// The address whose attempt was the last to fail.
        target: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The forward proxy of the environment would not open a tunnel.
    #[error("forward proxy refused the tunnel: {0}")]
    Tunnel(String),
    /// The handshake failed: certificate, name, protocol.
    #[error("TLS handshake with {host} failed: {cause}")]
    Tls {
        /// The name the certificate was checked against.
        host: String,
        /// What the handshake says.
        cause: io::Error,
    },
    /// The HTTP/2 connection preface failed.
    #[error("HTTP/2 handshake failed: {0}")]
    Http2(h2::Error),
    /// Resolving and connecting took longer than `dial`.
    #[error("connecting took longer than the dial timeout")]
    ConnectTimeout,
    /// The handshake took longer than `tls`.
    #[error("the TLS handshake took longer than the tls timeout")]
    TlsTimeout,
    /// The control plane of this process does not take connections (any more).
    #[error("the control plane is not running")]
    ControlPlaneGone,
}

impl DialError {
    /// The reason a request ends with because of this.
    pub fn reason(&self) -> Reason {
        match self {
            DialError::Resolve { .. } => Reason::UpstreamDns,
            DialError::Forbidden { .. } => Reason::UpstreamForbidden,
            DialError::Connect { cause, .. } if is_ours(cause) => Reason::Overloaded,
            DialError::Connect { .. } | DialError::Tunnel(_) => Reason::UpstreamConnect,
            DialError::Tls { .. } | DialError::Http2(_) => Reason::UpstreamTls,
            DialError::ConnectTimeout => Reason::TimeoutConnect,
            DialError::TlsTimeout => Reason::TimeoutTls,
            DialError::ControlPlaneGone => Reason::Overloaded,
        }
    }
}

/// The upstream was never asked: this process, or this machine, has no descriptors left.
fn is_ours(error: &io::Error) -> bool {
    cfg!(unix) && error.raw_os_error().is_some_and(|code| [EMFILE, ENFILE].contains(&code))
}

/// Too many open files in the process; the number is the same on every Unix.
const EMFILE: i32 = 24;
/// Too many open files on the machine; likewise.
const ENFILE: i32 = 23;
