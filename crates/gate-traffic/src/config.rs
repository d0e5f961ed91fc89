//! What a proxy's traffic is held to: plain values, checked by whoever made them.

use std::time::Duration;

/// Everything a proxy's traffic is held to. The default holds it to nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficConfig {
    /// Requests at one time, over all workers; 0 = unlimited (`maxConcurrent`).
    pub max_concurrent: u32,
    /// Waiting for one of those places.
    pub queue: QueueConfig,
    /// Requests of one caller at one time.
    pub callers: CallerLimits,
    /// Requests in a time; `None` = unlimited.
    pub rate: Option<RateLimitConfig>,
    /// When to leave a failing upstream alone; `None` = never.
    pub breaker: Option<BreakerConfig>,
    /// Further attempts; `None` = none.
    pub retry: Option<RetryConfig>,
}

/// Waiting for a place (`queueConfig`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// How many may wait; 0 = who finds no place is refused at once.
    pub max_waiting: u32,
    /// How long each of them waits.
    pub timeout: Duration,
    /// Callers take turns, so that one with many requests does not keep the others waiting.
    pub per_identity: bool,
    /// Whoever would be refused is counted and let through.
    pub dry_run: bool,
}

/// Requests of one caller at one time (`limits`); 0 = unlimited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerLimits {
    /// Of one identity; of one address, for a guest.
    pub per_identity: u32,
    /// From one address: an IPv4 address, or an IPv6 network of 64 bits.
    pub per_ip: u32,
    /// Whoever would be refused is counted and let through.
    pub dry_run: bool,
}

/// Requests in a time (`rateLimit`).
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimitConfig {
    /// How many in a window; at least 1.
    pub requests: u32,
    /// How long a window is.
    pub window: Duration,
    /// Whose requests are counted together.
    pub by: RateLimitBy,
    /// How many may come at once after a quiet time; at least 1.
    pub burst: u32,
    /// Whoever would be refused is counted and let through.
    pub dry_run: bool,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitBy {
    /// One identity's; one address's, for guests.
    #[default]
    Identity,
    /// One address's.
    Ip,
    /// Everybody's.
    Proxy,
}

/// When a failing upstream is left alone (`circuitBreaker`).
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerConfig {
    /// So many failures in a row trip it; 1 to 100.
    pub failure_threshold: u32,
    /// How long it stays open before a probe.
    pub recovery_timeout: Duration,
    /// How many probes at one time; 1 to 10.
    pub half_open_requests: u32,
    /// This share of failures within the window trips it; from 0 to 1, 0 = the share does not matter.
    pub failure_rate: f64,
    /// The window of that share.
    pub window: Duration,
    /// So many requests must have been seen in it.
    pub min_requests: u32,
    /// The wait doubles with every probe that fails, up to this.
    pub max_recovery_timeout: Duration,
}

/// Further attempts (`retryConfig`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryConfig {
    /// How many after the first; at least 1.
    pub attempts: u32,
    /// After which failures.
    pub on: RetryOn,
    /// The longest wait before the first of them; it doubles with each, and a random share of it is waited.
    pub backoff: Duration,
    /// All retries of a proxy may be this share of its requests; 1 to 100.
    pub budget_percent: u32,
    /// Also requests that are not idempotent and carry no `Idempotency-Key`.
    pub retry_unsafe: bool,
}

/// After which failures another attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOn {
    /// No connection was made.
    pub connect: bool,
    /// The connection ended before the response head.
    pub reset: bool,
    /// The upstream answered 429.
    pub status_429: bool,
    /// The upstream answered 502.
    pub status_502: bool,
    /// The upstream answered 503.
    pub status_503: bool,
    /// The upstream answered 504.
    pub status_504: bool,
}

impl TrafficConfig {
    /// Whether anything depends on who calls.
    pub fn tells_callers_apart(&self) -> bool {
        let counts = self.rate.as_ref().is_some_and(|rate| rate.by == RateLimitBy::Identity);
        counts || self.callers.per_identity > 0 || (self.max_concurrent > 0 && self.queue.per_identity)
    }
}

impl CallerLimits {
    /// Whether there are any.
    pub fn is_on(&self) -> bool {
        self.per_identity > 0 || self.per_ip > 0
    }
}

impl QueueConfig {
    /// 0: a queue hides from users that their upstream is too small, so it is asked for.
    pub const MAX_WAITING: u32 = 0;
    /// 5 s: about as long as a person waits before trying again.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}

impl Default for QueueConfig {
    fn default() -> Self {
        QueueConfig {
            max_waiting: Self::MAX_WAITING,
            timeout: Self::TIMEOUT,
            per_identity: false,
            dry_run: false,
        }
    }
}

impl RateLimitConfig {
    /// 60 s: people think of rates in requests a minute.
    pub const WINDOW: Duration = Duration::from_secs(60);
}

impl BreakerConfig {
    /// 5 (contract §3.1): fewer may be chance.
    pub const FAILURE_THRESHOLD: u32 = 5;
    /// 30 s (contract §3.1, 020-NFR-006).
    pub const RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);
    /// 1 (contract §3.1): the upstream may still be starting.
    pub const HALF_OPEN_REQUESTS: u32 = 1;
    /// 0 (off): in a row is what people expect of a breaker.
    pub const FAILURE_RATE: f64 = 0.0;
    /// 10 s.
    pub const WINDOW: Duration = Duration::from_secs(10);
    /// 20: below that a share says little.
    pub const MIN_REQUESTS: u32 = 20;
    /// 300 s: an upstream that is back is found within five minutes at the latest.
    pub const MAX_RECOVERY_TIMEOUT: Duration = Duration::from_secs(300);
}

impl Default for BreakerConfig {
    fn default() -> Self {
        BreakerConfig {
            failure_threshold: Self::FAILURE_THRESHOLD,
            recovery_timeout: Self::RECOVERY_TIMEOUT,
            half_open_requests: Self::HALF_OPEN_REQUESTS,
            failure_rate: Self::FAILURE_RATE,
            window: Self::WINDOW,
            min_requests: Self::MIN_REQUESTS,
            max_recovery_timeout: Self::MAX_RECOVERY_TIMEOUT,
        }
    }
}

impl RetryConfig {
    /// 25 ms: long enough for a listener to come back, short beside a model's answer.
    pub const BACKOFF: Duration = Duration::from_millis(25);
    /// 20: a dead upstream sees at most 1.2 times its traffic.
    pub const BUDGET_PERCENT: u32 = 20;
}

impl RetryOn {
    /// None of them.
    pub const NOTHING: RetryOn = RetryOn {
        connect: false,
        reset: false,
        status_429: false,
        status_502: false,
        status_503: false,
        status_504: false,
    };
    /// All of them: what is meant when attempts are asked for and nothing else is said.
    pub const ALL: RetryOn = RetryOn {
        connect: true,
        reset: true,
        status_429: true,
        status_502: true,
        status_503: true,
        status_504: true,
    };

    /// Whether an answer with this status is followed by another attempt.
    pub fn status(self, status: u16) -> bool {
        match status {
            429 => self.status_429,
            502 => self.status_502,
            503 => self.status_503,
            504 => self.status_504,
            _ => false,
        }
    }
}
