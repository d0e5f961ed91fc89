//! The live state of one proxy.

use crate::sync::{Mutex, lock};
use crate::{Breaker, CallerLimiter, Limiter, RateLimiter, RetryBudget, RetryConfig, TrafficConfig};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

/// The live state of one proxy. It outlives edits, and all workers share it (D-12, H34): clones are the same.
///
/// What every request asks is one step away, what only some proxies have is behind another.
#[derive(Clone, Debug)]
pub struct ProxyTraffic {
    /// Requests at one time.
    pub limiter: Arc<Limiter>,
    guards: Arc<Guards>,
}

/// What a proxy has if it is configured.
#[derive(Debug)]
pub struct Guards {
    /// Requests of one caller at one time.
    pub callers: Arc<CallerLimiter>,
    /// Requests in a time.
    pub rate: RateLimiter,
    /// Whether the upstream is left alone.
    pub breaker: Arc<Breaker>,
    /// Further attempts, of all requests together.
    pub retry_budget: RetryBudget,
    in_force: Mutex<TrafficConfig>,
}

impl ProxyTraffic {
    /// Nothing has happened yet.
    pub fn new(config: &TrafficConfig, now: Instant) -> Self {
        let guards = Guards {
            callers: Arc::new(CallerLimiter::new(&config.callers)),
            rate: RateLimiter::new(config.rate.as_ref(), now),
            breaker: Arc::new(Breaker::new(config.breaker.as_ref(), now)),
            retry_budget: RetryBudget::new(budget_percent(config), now),
            in_force: Mutex::new(config.clone()),
        };
        let limiter = Limiter::new(config.max_concurrent, &config.queue);
        Self { limiter: Arc::new(limiter), guards: Arc::new(guards) }
    }

    /// Holds the traffic to something else from now on, without forgetting what runs and what has happened. Costs a
    /// comparison if nothing changes.
    pub fn configure(&self, config: &TrafficConfig, now: Instant) {
        let mut in_force = lock(&self.in_force);
        if *in_force == *config {
            return;
        }
        self.limiter.configure(config.max_concurrent, &config.queue);
        self.callers.configure(&config.callers);
        self.rate.configure(config.rate.as_ref(), now);
        self.breaker.configure(config.breaker.as_ref(), now);
        self.retry_budget.configure(budget_percent(config));
        in_force.clone_from(config);
    }
}

impl Deref for ProxyTraffic {
    type Target = Guards;

    fn deref(&self) -> &Guards {
        &self.guards
    }
}

fn budget_percent(config: &TrafficConfig) -> u32 {
    config.retry.as_ref().map_or(RetryConfig::BUDGET_PERCENT, |retry| retry.budget_percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Admission, BreakerConfig, CallerKey, CallerLimits, RateLimitBy, RateLimitConfig, RetryOn};
    use std::net::IpAddr;
    use std::time::Duration;

    #[test]
    fn h34_an_edit_reaches_every_part_and_none_forgets_what_runs() {
        let now = Instant::now();
        let caller = CallerKey::Identity("a".into());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let mut config = TrafficConfig {
            max_concurrent: 2,
            callers: CallerLimits { per_identity: 2, ..CallerLimits::default() },
            rate: Some(rate(2)),
            breaker: Some(BreakerConfig::default()),
            ..TrafficConfig::default()
        };
        let traffic = ProxyTraffic::new(&config, now);
        let _running = traffic.limiter.admit(|| caller.clone(), now);
        let _counted = traffic.callers.admit(&caller, address).unwrap();
        assert!(traffic.rate.take(&caller, now).allowed);
        traffic.breaker.admit(now).unwrap().failed(now, None);
        (0..100).for_each(|_| traffic.retry_budget.counted(now));

        config.max_concurrent = 1;
        config.callers.per_identity = 1;
        config.rate = Some(rate(1));
        config.breaker = Some(BreakerConfig { failure_threshold: 2, ..BreakerConfig::default() });
        config.retry = Some(retries(7));
        traffic.configure(&config, now);
        let second = traffic.limiter.admit(|| caller.clone(), now);
        assert!(matches!(second, Admission::Refused(_)));
        assert!(traffic.callers.admit(&caller, address).is_err());
        assert!(!traffic.rate.take(&caller, now).allowed);
        traffic.breaker.admit(now).unwrap().failed(now, None);
        assert!(traffic.breaker.look(now).is_err());
        assert_eq!((0..100).filter(|_| traffic.retry_budget.spend(now)).count(), 7);
    }

    fn rate(burst: u32) -> RateLimitConfig {
        let window = Duration::from_secs(60);
        RateLimitConfig { requests: burst, window, by: RateLimitBy::Identity, burst, dry_run: false }
    }

    fn retries(budget_percent: u32) -> RetryConfig {
        RetryConfig {
            attempts: 1,
            on: RetryOn::ALL,
            backoff: RetryConfig::BACKOFF,
            budget_percent,
            retry_unsafe: false,
        }
    }
}
