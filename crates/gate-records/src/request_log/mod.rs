//! The log of requests (contract §1.11).

mod entry;
mod log;
mod query;

pub use entry::{Level, LogEntry};
pub use log::{LogWriter, RequestLog};
pub use query::{LogQueryError, LogsInHour};
