//! What the tests of this crate start a server with.

mod config;

pub(crate) use config::{config, proxy};
