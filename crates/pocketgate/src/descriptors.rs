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
