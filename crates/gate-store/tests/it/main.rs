//! The store from outside: what every kind of database must do, and what SQLite in particular must survive.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

mod adoption;
mod backup;
mod changes;
mod conformance;
mod crash;
mod logs;
#[cfg(unix)]
mod migrate;
mod opening;
mod pocketbase;
#[cfg(unix)]
mod postgres;
mod proxies;
mod rows;
mod sqlite;
