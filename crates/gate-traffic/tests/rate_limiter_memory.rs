//! What a million callers cost a rate limiter.

#![cfg(not(loom))]

use gate_traffic::{CallerKey, RateLimitBy, RateLimitConfig, RateLimiter};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[test]
fn a_million_callers_cost_a_few_mebibytes_and_seconds() {
    let profiler = dhat::Profiler::builder().testing().build();
    let now = Instant::now();
    let minute = Duration::from_secs(60);
    let limit =
        RateLimitConfig { requests: 10, window: minute, by: RateLimitBy::Ip, burst: 10, dry_run: false };
    let limiter = RateLimiter::new(Some(&limit), now);
    for number in 0..1_000_000 {
        let caller = CallerKey::address(Ipv4Addr::from_bits(number).into());
        assert!(limiter.take(&caller, now).allowed);
    }
    let (elapsed, heap) = (now.elapsed(), dhat::HeapStats::get());
    drop(profiler);

    let known = limiter.callers();
    assert!((90_000..=100_000).contains(&known), "{known} callers are known");
    assert!(heap.max_bytes <= 6 << 20, "{} bytes at most", heap.max_bytes);
    // Unoptimised, on a busy machine: a few.
    assert!(elapsed < Duration::from_secs(30), "it took {elapsed:?}");
    println!("{known} callers in {} KiB after {elapsed:?}", heap.max_bytes >> 10);
}
