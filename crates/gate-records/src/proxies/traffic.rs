//! What a proxy's traffic is held to: `circuitBreaker`, `queueConfig`, `limits`, `rateLimit`, `retryConfig`, and
//! `maxConcurrent` with them.

use super::ProxyRecord;
use super::members::{self, Kind, Member};
use crate::FieldError;
use gate_traffic::{
    BreakerConfig, CallerLimits, QueueConfig, RateLimitBy, RateLimitConfig, RetryConfig, RetryOn,
    TrafficConfig,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// A field as it is stored.
type Canonical = Result<Option<Map<String, Value>>, FieldError>;

/// Makes sure of `circuitBreaker`.
pub(super) fn check_breaker(value: Value, bytes_max: usize) -> Canonical {
    members::check(value, bytes_max, CIRCUIT_BREAKER)
}

/// Makes sure of `queueConfig`.
pub(super) fn check_queue(value: Value, bytes_max: usize) -> Canonical {
    members::check(value, bytes_max, QUEUE_CONFIG)
}

/// Makes sure of `limits`.
pub(super) fn check_limits(value: Value, bytes_max: usize) -> Canonical {
    members::check(value, bytes_max, LIMITS)
}

/// Makes sure of `rateLimit`.
pub(super) fn check_rate(value: Value, bytes_max: usize) -> Canonical {
    members::check_with("requests", value, bytes_max, RATE_LIMIT)
}

/// Makes sure of `retryConfig`.
pub(super) fn check_retries(value: Value, bytes_max: usize) -> Canonical {
    members::check_with("attempts", value, bytes_max, RETRY_CONFIG)
}

/// What the fields of a checked record say; what they do not say is the default.
pub(super) fn compile(record: &ProxyRecord) -> TrafficConfig {
    TrafficConfig {
        max_concurrent: whole(record.max_concurrent),
        queue: queue(Members(&record.queue_config)),
        callers: callers(Members(&record.limits)),
        rate: rate(Members(&record.rate_limit)),
        breaker: breaker(Members(&record.circuit_breaker)),
        retry: retry(Members(&record.retry_config)),
    }
}

fn queue(said: Members<'_>) -> QueueConfig {
    QueueConfig {
        max_waiting: said.whole("max_waiting").unwrap_or(QueueConfig::MAX_WAITING),
        timeout: said.seconds("timeout").unwrap_or(QueueConfig::TIMEOUT),
        per_identity: said.is_on("per_identity"),
        dry_run: said.is_on("dry_run"),
    }
}

fn callers(said: Members<'_>) -> CallerLimits {
    CallerLimits {
        per_identity: said.whole("per_identity").unwrap_or_default(),
        per_ip: said.whole("per_ip").unwrap_or_default(),
        dry_run: said.is_on("dry_run"),
    }
}

fn rate(said: Members<'_>) -> Option<RateLimitConfig> {
    let requests = said.whole("requests")?;
    Some(RateLimitConfig {
        requests,
        window: said.seconds("window").unwrap_or(RateLimitConfig::WINDOW),
        by: match said.word("by") {
            Some("ip") => RateLimitBy::Ip,
            Some("proxy") => RateLimitBy::Proxy,
            _ => RateLimitBy::Identity,
        },
        burst: said.whole("burst").unwrap_or(requests),
        dry_run: said.is_on("dry_run"),
    })
}

/// The wait for a probe is never shortened by what bounds its doubling.
fn breaker(said: Members<'_>) -> Option<BreakerConfig> {
    let recovery_timeout = said.seconds("recovery_timeout").unwrap_or(BreakerConfig::RECOVERY_TIMEOUT);
    let longest = said.seconds("max_recovery_timeout").unwrap_or(BreakerConfig::MAX_RECOVERY_TIMEOUT);
    said.is_on("enabled").then(|| BreakerConfig {
        failure_threshold: said.whole("failure_threshold").unwrap_or(BreakerConfig::FAILURE_THRESHOLD),
        recovery_timeout,
        half_open_requests: said.whole("half_open_requests").unwrap_or(BreakerConfig::HALF_OPEN_REQUESTS),
        failure_rate: said.number("failure_rate").unwrap_or(BreakerConfig::FAILURE_RATE),
        window: said.seconds("window").unwrap_or(BreakerConfig::WINDOW),
        min_requests: said.whole("min_requests").unwrap_or(BreakerConfig::MIN_REQUESTS),
        max_recovery_timeout: longest.max(recovery_timeout),
    })
}

fn retry(said: Members<'_>) -> Option<RetryConfig> {
    let attempts = said.whole("attempts").filter(|attempts| *attempts > 0)?;
    let milliseconds = said.whole("backoff_ms").map(|count| Duration::from_millis(count.into()));
    Some(RetryConfig {
        attempts,
        on: said.words("on").map_or(RetryOn::ALL, retry_on),
        backoff: milliseconds.unwrap_or(RetryConfig::BACKOFF),
        budget_percent: said.whole("budget_percent").unwrap_or(RetryConfig::BUDGET_PERCENT),
        retry_unsafe: said.is_on("retry_unsafe"),
    })
}

fn retry_on(words: &[Value]) -> RetryOn {
    let has = |word: &str| words.iter().any(|value| value == word);
    RetryOn {
        connect: has("connect"),
        reset: has("reset"),
        status_429: has("429"),
        status_502: has("502"),
        status_503: has("503"),
        status_504: has("504"),
    }
}

/// The members of a checked field, by their names in snake_case; none for null.
#[derive(Clone, Copy)]
struct Members<'a>(&'a Value);

impl<'a> Members<'a> {
    fn is_on(self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    fn number(self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    fn whole(self, name: &str) -> Option<u32> {
        self.number(name).map(whole)
    }

    fn seconds(self, name: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.number(name)?).ok()
    }

    fn word(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn words(self, name: &str) -> Option<&'a [Value]> {
        self.0.get(name)?.as_array().map(Vec::as_slice)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole, not negative and at most 1,000,000; and `as` saturates"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

/// Ranges of contract D-21 and D-27.
const CIRCUIT_BREAKER: &[Member] = &[
    Member { name: "enabled", kind: Kind::Boolean },
    Member { name: "failure_threshold", kind: Kind::Integer { min: 1.0, max: 100.0 } },
    Member { name: "recovery_timeout", kind: Kind::Number { min: 1.0, max: 3600.0 } },
    Member { name: "half_open_requests", kind: Kind::Integer { min: 1.0, max: 10.0 } },
    Member { name: "failure_rate", kind: Kind::Number { min: 0.0, max: 1.0 } },
    Member { name: "window", kind: Kind::Number { min: 1.0, max: 3600.0 } },
    Member { name: "min_requests", kind: Kind::Integer { min: 1.0, max: 100_000.0 } },
    Member { name: "max_recovery_timeout", kind: Kind::Number { min: 1.0, max: 86_400.0 } },
];

const QUEUE_CONFIG: &[Member] = &[
    Member { name: "max_waiting", kind: Kind::Integer { min: 0.0, max: 100_000.0 } },
    Member { name: "timeout", kind: Kind::Number { min: 0.1, max: 3600.0 } },
    Member { name: "per_identity", kind: Kind::Boolean },
    Member { name: "dry_run", kind: Kind::Boolean },
];

const LIMITS: &[Member] = &[
    Member { name: "per_identity", kind: Kind::Integer { min: 0.0, max: 10_000.0 } },
    Member { name: "per_ip", kind: Kind::Integer { min: 0.0, max: 10_000.0 } },
    Member { name: "dry_run", kind: Kind::Boolean },
];

const RATE_LIMIT: &[Member] = &[
    Member { name: "requests", kind: Kind::Integer { min: 1.0, max: 1_000_000.0 } },
    Member { name: "window", kind: Kind::Number { min: 1.0, max: 86_400.0 } },
    Member { name: "by", kind: Kind::Choice(&["identity", "ip", "proxy"]) },
    Member { name: "burst", kind: Kind::Integer { min: 1.0, max: 1_000_000.0 } },
    Member { name: "dry_run", kind: Kind::Boolean },
];

const RETRY_CONFIG: &[Member] = &[
    Member { name: "attempts", kind: Kind::Integer { min: 0.0, max: 10.0 } },
    Member { name: "on", kind: Kind::Choices(&["connect", "reset", "429", "502", "503", "504"]) },
    Member { name: "backoff_ms", kind: Kind::Integer { min: 0.0, max: 60_000.0 } },
    Member { name: "budget_percent", kind: Kind::Integer { min: 1.0, max: 100.0 } },
    Member { name: "retry_unsafe", kind: Kind::Boolean },
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(fields: Value) -> TrafficConfig {
        let typed = json!({"path": "/-/a", "upstream": "http://a"});
        let mut record = ProxyRecord::default();
        for fields in [typed, fields] {
            let Value::Object(fields) = fields else { panic!("fields are an object") };
            record.merge(fields).unwrap();
        }
        compile(record.check().unwrap().record())
    }

    #[test]
    fn what_nobody_mentions_holds_nothing_back() {
        assert_eq!(compiled(json!({})), TrafficConfig::default());
        let empty = json!({"queueConfig": {}, "limits": {}, "rateLimit": {}, "retryConfig": {}, "circuitBreaker": {}});
        assert_eq!(compiled(empty), TrafficConfig::default());
    }

    #[test]
    fn r020_fr_012_d3_everything_that_is_said_counts_in_either_spelling() {
        let snake = json!({
            "maxConcurrent": 4,
            "queueConfig": {"max_waiting": 10, "timeout": 0.5, "per_identity": true, "dry_run": true},
            "limits": {"per_identity": 2, "per_ip": 3, "dry_run": true},
            "rateLimit": {"requests": 60, "window": 30, "by": "proxy", "burst": 5, "dry_run": true},
            "retryConfig": {"attempts": 2, "on": ["connect", 503], "backoff_ms": 10, "budget_percent": 50, "retry_unsafe": true},
            "circuitBreaker": {"enabled": true, "failure_threshold": 3, "recovery_timeout": 1.5, "half_open_requests": 2,
                "failure_rate": 0.5, "window": 20, "min_requests": 7, "max_recovery_timeout": 60},
        });
        let camel = json!({
            "maxConcurrent": 4,
            "queueConfig": {"maxWaiting": 10, "timeout": 0.5, "perIdentity": true, "dryRun": true},
            "limits": {"perIdentity": 2, "perIp": 3, "dryRun": true},
            "rateLimit": {"requests": 60, "window": 30, "by": "proxy", "burst": 5, "dryRun": true},
            "retryConfig": {"attempts": 2, "on": ["503", "connect"], "backoffMs": 10, "budgetPercent": 50, "retryUnsafe": true},
            "circuitBreaker": {"enabled": true, "failureThreshold": 3, "recoveryTimeout": 1.5, "halfOpenRequests": 2,
                "failureRate": 0.5, "window": 20, "minRequests": 7, "maxRecoveryTimeout": 60},
        });
        let expected = TrafficConfig {
            max_concurrent: 4,
            queue: QueueConfig {
                max_waiting: 10,
                timeout: Duration::from_millis(500),
                per_identity: true,
                dry_run: true,
            },
            callers: CallerLimits { per_identity: 2, per_ip: 3, dry_run: true },
            rate: Some(RateLimitConfig {
                requests: 60,
                window: Duration::from_secs(30),
                by: RateLimitBy::Proxy,
                burst: 5,
                dry_run: true,
            }),
            breaker: Some(BreakerConfig {
                failure_threshold: 3,
                recovery_timeout: Duration::from_millis(1500),
                half_open_requests: 2,
                failure_rate: 0.5,
                window: Duration::from_secs(20),
                min_requests: 7,
                max_recovery_timeout: Duration::from_secs(60),
            }),
            retry: Some(RetryConfig {
                attempts: 2,
                on: RetryOn { connect: true, status_503: true, ..RetryOn::NOTHING },
                backoff: Duration::from_millis(10),
                budget_percent: 50,
                retry_unsafe: true,
            }),
        };
        assert_eq!(compiled(snake), expected);
        assert_eq!(compiled(camel), expected);
    }

    #[test]
    fn h37_what_is_not_said_is_the_default() {
        let config = compiled(json!({
            "rateLimit": {"requests": 7}, "retryConfig": {"attempts": 1}, "circuitBreaker": {"enabled": true},
        }));
        let rate = config.rate.unwrap();
        assert_eq!((rate.burst, rate.window, rate.by), (7, RateLimitConfig::WINDOW, RateLimitBy::Identity));
        assert_eq!(config.retry.unwrap().on, RetryOn::ALL);
        assert_eq!(config.breaker, Some(BreakerConfig::default()));
    }

    #[test]
    fn a_breaker_has_to_be_enabled_and_retries_asked_for() {
        assert_eq!(compiled(json!({"circuitBreaker": {"failure_threshold": 3}})).breaker, None);
        assert_eq!(compiled(json!({"circuitBreaker": {"enabled": false}})).breaker, None);
        assert_eq!(compiled(json!({"retryConfig": {"attempts": 0, "on": ["reset"]}})).retry, None);
        let none = compiled(json!({"retryConfig": {"attempts": 1, "on": []}})).retry.unwrap().on;
        assert_eq!(none, RetryOn::NOTHING);
    }

    #[test]
    fn the_first_wait_for_a_probe_is_as_long_as_it_was_asked_for() {
        let config = compiled(json!({"circuitBreaker": {"enabled": true, "recovery_timeout": 3600}}));
        assert_eq!(config.breaker.unwrap().max_recovery_timeout, Duration::from_secs(3600));
    }
}
