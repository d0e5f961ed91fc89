//! How much may pass to an upstream, and when: limits with their queues, rates, breakers, retry budgets.
//!
//! Owns the live state of each proxy, which outlives edits and is shared by all workers, and the configuration that steers it.
//! Does no I/O and reads no clock: whoever asks says what time it is. Knows nothing about HTTP, records or connections.

mod breaker;
mod breaker_word;
mod caller;
mod callers;
mod config;
mod counts;
mod failure_window;
mod jitter;
mod limiter;
mod queue;
mod rate_limiter;
mod recovery;
mod retry_budget;
mod shards;
mod sliding_window;
mod sync;
mod traffic;

pub use breaker::{Breaker, BreakerStatus, Open, Permit, Phase, Transitions};
pub use caller::CallerKey;
pub use callers::{CallerLimiter, CallerRefusal, CallerSlot};
pub use config::{
    BreakerConfig, CallerLimits, QueueConfig, RateLimitBy, RateLimitConfig, RetryConfig, RetryOn,
    TrafficConfig,
};
pub use failure_window::WindowCounts;
pub use limiter::{Admission, Limiter, Place, QueueRefusal, Slot};
pub use rate_limiter::{RateLimiter, RateVerdict};
pub use retry_budget::RetryBudget;
pub use traffic::{Guards, ProxyTraffic};
