//! `pocketgate proxies …`: edit the proxies of a data directory, whether or not a gateway runs on it.
//!
//! One file is one command; the others are what they share.

mod add;
mod command;
mod diff;
mod document;
mod export;
mod fields;
mod import;
mod list;
mod masked;
mod records;
mod remove;
mod strict_value;
mod update;

pub(crate) use command::ProxiesArgs;
