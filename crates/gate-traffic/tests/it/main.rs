//! What a proxy's traffic is held to, through the crate's public face.

#![cfg_attr(
    not(loom),
    expect(
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used,
        reason = "a panic is how a test fails"
    )
)]

#[cfg(not(loom))]
mod bell;
#[cfg(not(loom))]
mod breaker;
#[cfg(loom)]
mod breaker_loom;
#[cfg(not(loom))]
mod breaker_model;
#[cfg(not(loom))]
mod breaker_threads;
#[cfg(not(loom))]
mod limiter;
#[cfg(loom)]
mod limiter_loom;
#[cfg(not(loom))]
mod limiter_model;
#[cfg(not(loom))]
mod limiter_threads;
#[cfg(loom)]
mod orders;
#[cfg(not(loom))]
mod rate_limiter;
#[cfg(not(loom))]
mod rate_limiter_table;
#[cfg(not(loom))]
mod retry_budget;
