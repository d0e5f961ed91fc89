//! The breaker, the rate and the retry budget in every order in which the events of a few threads can happen.
//!
//! Built with `RUSTFLAGS="--cfg loom"`; a part of `make check`.

use crate::orders::{in_every_order, join, with};
use gate_traffic::{
    Breaker, BreakerConfig, CallerKey, Open, Permit, Phase, RateLimitBy, RateLimitConfig, RateLimiter,
    RetryBudget,
};
use loom::thread::{self, JoinHandle};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn h52_of_three_who_find_it_half_open_one_passes() {
    in_every_order(|| {
        let (breaker, now) = half_open(1);
        let answers = join([(); 3].map(|()| with(&breaker, move |breaker| breaker.admit(now))));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(breaker.status(now).probes, 1);
    });
}

#[test]
fn h52_a_place_that_is_given_back_is_there_for_the_next() {
    in_every_order(|| {
        let (breaker, now) = half_open(1);
        let probe = breaker.admit(now).unwrap();
        let leaves = thread::spawn(move || drop(probe));
        let asks = with(&breaker, move |breaker| breaker.admit(now));
        leaves.join().unwrap();
        let perhaps = asks.join().unwrap();
        assert_eq!(breaker.status(now).probes, u32::from(perhaps.is_ok()));
        drop(perhaps);
        assert!(breaker.admit(now).is_ok());
    });
}

#[test]
fn h52_a_place_that_is_lost_is_not_given_back_twice() {
    in_every_order(|| {
        let (breaker, now) = half_open(1);
        let probe = breaker.admit(now).unwrap();
        let later = now + Duration::from_secs(60);
        let leaves = thread::spawn(move || drop(probe));
        let asks = with(&breaker, move |breaker| breaker.admit(later).unwrap());
        leaves.join().unwrap();
        let _second = asks.join().unwrap();
        assert_eq!(breaker.status(later).probes, 1);
    });
}

#[test]
fn h53_of_two_probes_one_decides() {
    in_every_order(|| {
        let (breaker, now) = half_open(2);
        let [good, bad] = [(); 2].map(|()| breaker.admit(now).unwrap());
        join([succeeds(good, now), fails(bad, now)]);
        let status = breaker.status(now);
        let changes = (status.transitions.to_open, status.transitions.to_closed);
        match status.phase {
            Phase::Closed => assert_eq!((changes, status.consecutive_failures), ((1, 1), 0)),
            Phase::Open => assert_eq!((changes, status.consecutive_failures), ((2, 0), 2)),
            Phase::HalfOpen => panic!("nobody decided"),
        }
    });
}

#[test]
fn h53_a_result_from_before_the_trip_changes_nothing_whenever_it_comes() {
    in_every_order(|| {
        let (breaker, now) = closed(1);
        let [good, bad] = [(); 2].map(|()| breaker.admit(now).unwrap());
        join([succeeds(good, now), fails(bad, now)]);
        let status = breaker.status(now);
        assert_eq!((status.phase, status.trips), (Phase::Open, 1));
    });
}

#[test]
fn a_request_that_passes_while_it_trips_does_not_close_it() {
    in_every_order(|| {
        let (breaker, now) = closed(1);
        let bad = breaker.admit(now).unwrap();
        let passes = with(&breaker, move |breaker| {
            if let Ok(permit) = breaker.admit(now) {
                permit.succeeded(now);
            }
        });
        join([fails(bad, now), passes]);
        assert_eq!(breaker.status(now).phase, Phase::Open);
    });
}

#[test]
fn failures_of_several_threads_are_all_counted_and_trip_it_once() {
    in_every_order(|| {
        let (breaker, now) = closed(2);
        let permits = [(); 3].map(|()| breaker.admit(now).unwrap());
        join(permits.map(|permit| fails(permit, now)));
        let status = breaker.status(now);
        assert_eq!((status.phase, status.trips), (Phase::Open, 1));
    });
}

#[test]
fn a_failure_is_either_forgiven_or_counted_after_a_success() {
    in_every_order(|| {
        let (breaker, now) = closed(3);
        breaker.admit(now).unwrap().failed(now, None);
        let [good, bad] = [(); 2].map(|()| breaker.admit(now).unwrap());
        join([succeeds(good, now), fails(bad, now)]);
        let status = breaker.status(now);
        assert!(status.consecutive_failures <= 1, "{status:?}");
        assert_eq!(status.phase, Phase::Closed);
    });
}

#[test]
fn a_failure_during_a_reset_by_hand_does_not_open_it() {
    in_every_order(|| {
        let (breaker, now) = closed(1);
        let permit = breaker.admit(now).unwrap();
        join([fails(permit, now), with(&breaker, move |breaker| breaker.reset(now))]);
        let status = breaker.status(now);
        assert_eq!((status.phase, status.consecutive_failures), (Phase::Closed, 0));
        assert!(breaker.admit(now).is_ok());
    });
}

#[test]
fn switching_it_off_lets_everything_pass_whatever_happens_meanwhile() {
    in_every_order(|| {
        let (breaker, now) = half_open(1);
        let probe = breaker.admit(now).unwrap();
        join([fails(probe, now), with(&breaker, move |breaker| breaker.configure(None, now))]);
        assert_eq!(breaker.look(now), Ok(()));
        assert!(!breaker.status(now).is_on);
    });
}

#[test]
fn results_that_begin_a_new_tick_together_are_all_counted() {
    in_every_order(|| {
        let start = Instant::now();
        let config = BreakerConfig { failure_rate: 1.0, ..BreakerConfig::default() };
        let breaker = Arc::new(Breaker::new(Some(&config), start));
        breaker.admit(start).unwrap().succeeded(start);
        // The turn of the same bucket comes round.
        let now = start + config.window;
        let [good, bad] = [(); 2].map(|()| breaker.admit(now).unwrap());
        join([succeeds(good, now), fails(bad, now)]);
        let window = breaker.status(now).window;
        assert_eq!((window.requests, window.failures), (2, 1));
    });
}

#[test]
fn of_a_bucket_of_two_two_are_taken() {
    in_every_order(|| {
        let now = Instant::now();
        let limit = RateLimitConfig {
            requests: 1,
            window: Duration::from_secs(60),
            by: RateLimitBy::Proxy,
            burst: 2,
            dry_run: false,
        };
        let limiter = Arc::new(RateLimiter::new(Some(&limit), now));
        let taken = join(
            [(); 3].map(|()| with(&limiter, move |limiter| limiter.take(&CallerKey::Everyone, now).allowed)),
        );
        assert_eq!(taken.into_iter().filter(|&taken| taken).count(), 2);
    });
}

#[test]
fn of_a_budget_of_three_three_are_spent() {
    in_every_order(|| {
        let now = Instant::now();
        let budget = Arc::new(RetryBudget::new(20, now));
        assert!(budget.spend(now));
        let spent = join([(); 3].map(|()| with(&budget, move |budget| budget.spend(now))));
        assert_eq!(spent.into_iter().filter(|&spent| spent).count(), 2);
    });
}

fn succeeds(permit: Permit, now: Instant) -> JoinHandle<()> {
    thread::spawn(move || permit.succeeded(now))
}

fn fails(permit: Permit, now: Instant) -> JoinHandle<()> {
    thread::spawn(move || permit.failed(now, None))
}

fn closed(failure_threshold: u32) -> (Arc<Breaker>, Instant) {
    let now = Instant::now();
    let config = BreakerConfig { failure_threshold, ..BreakerConfig::default() };
    (Arc::new(Breaker::new(Some(&config), now)), now)
}

/// Tripped, and the wait is over.
fn half_open(half_open_requests: u32) -> (Arc<Breaker>, Instant) {
    let now = Instant::now();
    let config = BreakerConfig { failure_threshold: 1, half_open_requests, ..BreakerConfig::default() };
    let breaker = Arc::new(Breaker::new(Some(&config), now));
    breaker.admit(now).unwrap().failed(now, None);
    let refused = Open { retry_after: BreakerConfig::RECOVERY_TIMEOUT, phase: Phase::Open };
    assert_eq!(breaker.look(now), Err(refused));
    (breaker, now + BreakerConfig::RECOVERY_TIMEOUT)
}
