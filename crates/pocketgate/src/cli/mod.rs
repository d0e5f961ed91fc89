//! The command line: what a person typed becomes a command that runs.
//!
//! One file is one command; a command with commands of its own is a folder.

mod access_log;
mod backup;
mod command_line;
mod completions;
mod contradictions;
mod data_directory;
pub(crate) mod environment;
#[cfg(test)]
mod guide;
mod list;
mod metrics;
mod migrate_store;
mod password;
mod private_file;
mod proxies;
mod runtime;
mod secrets;
mod serve;
mod stdout;
mod superuser;
mod switch;
#[cfg(test)]
mod tests;
mod traces;
mod unrepeated;
mod usage;
mod version;

pub(crate) use command_line::run;
pub(crate) use data_directory::DataDirectory;
pub(crate) use secrets::open_secrets;
pub(crate) use serve::ServeArgs;
