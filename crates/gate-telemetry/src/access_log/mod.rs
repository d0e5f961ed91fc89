//! The access log: one line about every request, however it ended.
//!
//! A worker writes its lines into a buffer of its own ([`AccessLog`]) and hands whole buffers to one thread
//! ([`AccessLogs`]), which gives them to the system. No worker ever waits for that thread.

mod config;
mod dropped;
mod entry;
mod escape;
mod excerpt;
mod json;
mod lines;
mod log;
mod log_file;
mod mask;
mod number;
mod sample;
mod text;
mod timestamp;
mod writer;

pub use config::{AccessLogConfig, AccessLogError, Sink};
pub use entry::AccessEntry;
pub use excerpt::TakeEntry;
pub use log::{AccessLog, AccessLogs};
pub use mask::SENSITIVE_PARAMETERS;
