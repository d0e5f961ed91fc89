//! The record API, call by call, over a real database.

mod accounts;
mod attacks;
mod crud;
mod listing;
mod proxies;
mod secrets;
