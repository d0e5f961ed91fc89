//! The data plane: listener, pipeline, relay.
