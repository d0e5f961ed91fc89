//! How much may pass to an upstream, and when: limits with their queues, rates, breakers, retry budgets.
//!
//! Owns the live state of each proxy, which outlives edits and is shared by all workers, and the configuration that steers it.
//! Does no I/O and reads no clock: whoever asks says what time it is. Knows nothing about HTTP, records or connections.

mod config;

pub use config::{
    BreakerConfig, CallerLimits, QueueConfig, RateLimitBy, RateLimitConfig, RetryConfig, RetryOn,
    TrafficConfig,
};
