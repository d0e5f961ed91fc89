//! Many threads at one breaker.

use gate_traffic::{Breaker, BreakerConfig, Permit, Phase};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: usize = 8;
const REQUESTS: usize = 10_000;

#[test]
fn h52_of_ten_thousand_that_find_it_half_open_exactly_as_many_pass_as_configured() {
    for half_open_requests in [1, 3, 10] {
        let (breaker, now) = half_open(half_open_requests);
        let permits = at_once(|_| {
            let permits = (0..REQUESTS / THREADS).filter_map(|_| breaker.admit(now).ok());
            permits.collect::<Vec<Permit>>()
        });
        assert_eq!(permits.iter().flatten().count(), half_open_requests as usize);
    }
}

/// Probes that come and go: abandoned ones give their places back, and there are never more of them than may be.
#[test]
fn h52_never_more_probes_run_than_configured_while_others_leave() {
    let (breaker, now) = half_open(3);
    let (running, passed) = (AtomicU32::new(0), AtomicU32::new(0));
    at_once(|_| {
        for _ in 0..REQUESTS {
            if let Ok(permit) = breaker.admit(now) {
                assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                passed.fetch_add(1, Ordering::SeqCst);
                running.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            }
        }
    });
    assert!(passed.into_inner() >= 3);
    assert_eq!(breaker.status(now).probes, 0);
}

/// A herd at each recovery, from open to closed and back.
#[test]
fn h53_each_recovery_is_decided_by_one_probe_whatever_the_herd_does() {
    let (breaker, mut now) = half_open(1);
    for round in 1..=50_u64 {
        let passed = at_once(|_| {
            let permits = (0..100).filter_map(|_| breaker.admit(now).ok()).filter(Permit::is_probe);
            permits.map(|permit| permit.failed(now, None)).count()
        });
        let status = breaker.status(now);
        assert_eq!((passed.iter().sum::<usize>(), status.phase), (1, Phase::Open));
        assert_eq!((status.transitions.to_open, status.trips), (round + 1, 1));
        now += status.until_probe.unwrap();
    }
    breaker.admit(now).unwrap().succeeded(now);
    assert_eq!(breaker.status(now).phase, Phase::Closed);
}

#[test]
fn of_many_failures_at_one_time_each_is_counted_and_one_trips_it() {
    let now = Instant::now();
    let threshold = u32::try_from(REQUESTS).unwrap();
    let breaker = closed(&BreakerConfig { failure_threshold: threshold, ..BreakerConfig::default() }, now);
    at_once(|thread| {
        let mine = REQUESTS / THREADS - usize::from(thread == 0);
        let permits: Vec<_> = (0..mine).map(|_| breaker.admit(now).unwrap()).collect();
        for permit in permits {
            permit.failed(now, None);
        }
    });
    let status = breaker.status(now);
    assert_eq!((status.phase, status.consecutive_failures), (Phase::Closed, threshold - 1));
    breaker.admit(now).unwrap().failed(now, None);
    let status = breaker.status(now);
    assert_eq!((status.phase, status.trips), (Phase::Open, 1));
}

#[test]
fn results_of_all_threads_are_in_one_window() {
    let start = Instant::now();
    let config = BreakerConfig { failure_threshold: u32::MAX, failure_rate: 0.9, ..BreakerConfig::default() };
    let breaker = closed(&config, start);
    at_once(|_| {
        for request in 0..REQUESTS {
            // Every thread is the first in some tick.
            let now = start + Duration::from_micros(request as u64 * 900);
            let permit = breaker.admit(now).unwrap();
            if request % 4 == 0 { permit.failed(now, None) } else { permit.succeeded(now) }
        }
    });
    let window = breaker.status(start + Duration::from_secs(9)).window;
    assert_eq!(window.requests as usize, THREADS * REQUESTS);
    assert_eq!(window.failures as usize, THREADS * REQUESTS / 4);
}

/// Runs `work` on all threads, which begin together.
fn at_once<R: Send>(work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(thread)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn closed(config: &BreakerConfig, now: Instant) -> Arc<Breaker> {
    Arc::new(Breaker::new(Some(config), now))
}

/// Tripped, and the wait is over.
fn half_open(half_open_requests: u32) -> (Arc<Breaker>, Instant) {
    let now = Instant::now();
    let config = BreakerConfig { failure_threshold: 1, half_open_requests, ..BreakerConfig::default() };
    let breaker = closed(&config, now);
    breaker.admit(now).unwrap().failed(now, None);
    (breaker, now + BreakerConfig::RECOVERY_TIMEOUT)
}
