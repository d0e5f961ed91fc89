//! What went wrong with a request: a reason, and the cause for the log.

use gate_telemetry::Reason;
use std::error::Error;
use std::fmt;

/// What went wrong with a request.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The word for it.
    pub(crate) reason: Reason,
    /// The whole cause, for the log alone: it may name internal addresses (H42). Boxed: faults are rare, results are many.
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
    /// Whether the connection was a reused one that ended before any byte of a response, with nothing sent that could not
    /// be sent again, or an HTTP/2 upstream said that it never looked at the request: one more try on a new connection is safe
    /// (RFC 9110 §9.2.2, RFC 9112 §9.3.1, RFC 9113 §8.7), and there is time for it.
    pub(crate) stale_connection: bool,
}

impl Fault {
    /// A fault with nothing more to say than its reason.
    pub(crate) fn new(reason: Reason) -> Self {
        Fault { reason, cause: None, stale_connection: false }
    }

    /// A fault and its cause.
    pub(crate) fn because(reason: Reason, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Fault { reason, cause: Some(cause.into()), stale_connection: false }
    }

    /// The fault itself, from a result that is done with.
    pub(crate) fn take(&mut self) -> Self {
        Fault { cause: self.cause.take(), ..*self }
    }

    /// Whether no connection was made, so that nothing was sent.
    pub(crate) fn is_of_connecting(&self) -> bool {
        matches!(
            self.reason,
            Reason::UpstreamConnect
                | Reason::UpstreamDns
                | Reason::UpstreamTls
                | Reason::TimeoutConnect
                | Reason::TimeoutTls
        )
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Fault::new(reason)
    }
}

impl fmt::Display for Fault {
    /// The reason and the whole chain of causes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.label())?;
        let mut cause: Option<&dyn Error> = self.cause.as_deref().map(|cause| cause as &dyn Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
