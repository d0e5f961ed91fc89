//! The closed set of ways a request can end, and the process's log.
