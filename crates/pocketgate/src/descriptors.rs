//! How many sockets and files the process may have open.

/// Raises the soft limit to the hard one: a proxied connection takes two descriptors, and the usual soft limit of
/// 1,024 is kept low only for programs that use `select`.
///
/// A limit that cannot be raised is lived with. Other platforms than Unix have no such limit.
pub(crate) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current == limit.maximum {
            return;
        }
        let raised = Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, limit = limit.current, "failed to raise the descriptor limit");
        }
    }
}

/// How many clients can be connected with the descriptors there are, each with a request on its way to an upstream.
pub(crate) fn connections() -> usize {
    #[cfg(unix)]
    if let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        return (limit.saturating_sub(RESERVED) / 2).max(1);
    }
    usize::MAX
}

/// For the database, the log, event loops and listeners, lookups, and the connections that are being turned away.
#[cfg(unix)]
const RESERVED: usize = 100;
