//! `pocketgate secrets …`: what injected headers carry and nobody reads. Works whether or not a gateway runs.
//!
//! One file is one command; the others are what they share.

mod command;
mod list;
mod open;
mod remove;
mod rotate;
mod set;

pub(crate) use command::SecretsArgs;
pub(crate) use open::open_secrets;
