//! `pocketgate backup …`: copies of the records of a data directory.

mod command;
mod create;
mod list;
mod restore;

pub(super) use command::BackupArgs;
