//! The table of a rate limiter that sees more callers than it remembers.

use gate_traffic::{CallerKey, RateLimitBy, RateLimitConfig, RateLimiter};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

const STRANGERS: u32 = 500_000;

/// The `number`th address.
fn stranger(number: u32) -> CallerKey {
    CallerKey::address(Ipv4Addr::from_bits(number).into())
}

fn limiter(requests: u32, now: Instant) -> RateLimiter {
    let limit = RateLimitConfig {
        requests,
        window: Duration::from_secs(60),
        by: RateLimitBy::Ip,
        burst: requests,
        dry_run: false,
    };
    RateLimiter::new(Some(&limit), now)
}

#[test]
fn strangers_make_no_room_for_who_has_used_up_their_rate() {
    let start = Instant::now();
    let limiter = limiter(10, start);
    let greedy = CallerKey::Identity("greedy".into());
    while limiter.take(&greedy, start).allowed {}
    for number in 0..STRANGERS {
        let _ = limiter.take(&stranger(number), start);
    }
    assert!(!limiter.take(&greedy, start).allowed, "forgotten among strangers");
}

#[test]
fn who_has_a_full_bucket_goes_first() {
    let start = Instant::now();
    let limiter = limiter(10, start);
    for number in 0..90_000 {
        let _ = limiter.take(&stranger(number), start);
    }
    // Their buckets are full again when the others come, of whom none is forgotten.
    let now = start + Duration::from_secs(60);
    for number in 100_000..190_000 {
        let _ = limiter.take(&stranger(number), now);
    }
    assert!((100_000..190_000).all(|number| limiter.take(&stranger(number), now).remaining == 8));
}
