//! Scripted clients and upstreams that misbehave by name.
