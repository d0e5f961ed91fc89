//! The binary under test.

mod binary;
mod builder;
mod log;
mod process;
mod proxy;
mod running;

pub use binary::{Pocketgate, ProcessOutput};
pub use builder::GatewayBuilder;
pub use log::LogLine;
pub use process::Signal;
pub use proxy::Proxy;
pub use running::Gateway;
