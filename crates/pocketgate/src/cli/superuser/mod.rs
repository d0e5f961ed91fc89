//! `pocketgate superuser …`: who may administer the gateway. Works whether or not one runs.
//!
//! One file is one command, or the three that say who and which password; the others are what they share.

mod account;
mod command;
mod delete;
mod list;
mod open;

pub(crate) use command::SuperuserArgs;
