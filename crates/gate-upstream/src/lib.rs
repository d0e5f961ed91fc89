//! Resolve, dial, TLS, pool: how a connection to an upstream comes to be.
