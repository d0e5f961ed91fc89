//! When a breaker opens, what it lets pass, and how it comes back: on clocks made by hand.

use gate_traffic::{Breaker, BreakerConfig, Open, Permit, Phase, Transitions, WindowCounts};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A breaker and its clock.
struct Scene {
    breaker: Arc<Breaker>,
    now: Instant,
}

impl Scene {
    fn new(config: &BreakerConfig) -> Self {
        let now = Instant::now();
        Scene { breaker: Arc::new(Breaker::new(Some(config), now)), now }
    }

    fn wait(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    /// One request after the other, each with the same result.
    #[track_caller]
    fn fail(&self, times: u32) {
        for _ in 0..times {
            self.admitted().failed(self.now, None);
        }
    }

    #[track_caller]
    fn succeed(&self, times: u32) {
        for _ in 0..times {
            self.admitted().succeeded(self.now);
        }
    }

    #[track_caller]
    fn admitted(&self) -> Permit {
        self.breaker.admit(self.now).unwrap()
    }

    fn phase(&self) -> Phase {
        self.breaker.status(self.now).phase
    }

    fn refusal(&self) -> Option<Open> {
        self.breaker.admit(self.now).err()
    }

    fn until_probe(&self) -> f64 {
        self.breaker.status(self.now).until_probe.map_or(0.0, |wait| wait.as_secs_f64())
    }

    /// Waits for its next probe.
    fn wait_until_half_open(&mut self) {
        self.wait(self.until_probe());
        assert_eq!(self.phase(), Phase::HalfOpen);
    }
}

fn defaults() -> BreakerConfig {
    BreakerConfig::default()
}

fn by_share(failure_rate: f64, min_requests: u32) -> BreakerConfig {
    BreakerConfig { failure_threshold: 1000, failure_rate, min_requests, ..defaults() }
}

#[test]
fn r020_us4_ac1_five_failures_in_a_row_open_it_and_the_sixth_request_is_refused() {
    let scene = Scene::new(&defaults());
    scene.fail(4);
    assert_eq!(scene.phase(), Phase::Closed);
    scene.fail(1);
    let refused = Open { retry_after: Duration::from_secs(30), phase: Phase::Open };
    assert_eq!(scene.refusal(), Some(refused));
    assert_eq!(scene.breaker.look(scene.now), Err(refused));
}

#[test]
fn r020_fr_014_a_success_in_between_begins_the_row_anew() {
    let scene = Scene::new(&defaults());
    for _ in 0..10 {
        scene.fail(4);
        scene.succeed(1);
    }
    assert_eq!(scene.phase(), Phase::Closed);
    assert_eq!(scene.breaker.status(scene.now).consecutive_failures, 0);
}

#[test]
fn r020_us4_ac2_after_thirty_seconds_one_probe_passes() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(29.999);
    assert!(scene.refusal().is_some());
    scene.wait(0.001);
    assert_eq!(scene.breaker.look(scene.now), Ok(()));
    let permits: Vec<_> = (0..50).filter_map(|_| scene.breaker.admit(scene.now).ok()).collect();
    assert_eq!(permits.len(), 1);
    assert!(permits[0].is_probe());
    assert_eq!(scene.breaker.look(scene.now), scene.refusal().map_or(Ok(()), Err));
    assert_eq!(scene.refusal().map(|open| open.phase), Some(Phase::HalfOpen));
}

#[test]
fn r020_us4_ac3_a_probe_that_succeeds_closes_it() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(30.0);
    scene.succeed(1);
    let status = scene.breaker.status(scene.now);
    assert_eq!((status.phase, status.consecutive_failures), (Phase::Closed, 0));
    assert_eq!(status.transitions, Transitions { to_open: 1, to_half_open: 1, to_closed: 1 });
    scene.fail(4);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn r020_us4_ac4_who_is_refused_learns_how_long() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(12.5);
    let retry_after = Duration::from_millis(17_500);
    assert_eq!(scene.refusal(), Some(Open { retry_after, phase: Phase::Open }));
}

#[test]
fn r020_nfr_006_the_recovery_time_is_what_was_configured_even_beyond_the_longest_wait() {
    for seconds in [1, 30, 3600] {
        let mut scene =
            Scene::new(&BreakerConfig { recovery_timeout: Duration::from_secs(seconds), ..defaults() });
        scene.fail(5);
        assert_eq!(scene.refusal().map(|open| open.retry_after), Some(Duration::from_secs(seconds)));
        scene.wait(Duration::from_secs(seconds).as_secs_f64());
        assert_eq!(scene.phase(), Phase::HalfOpen);
    }
}

#[test]
fn r020_fr_014_a_share_of_failures_trips_it_once_enough_requests_were_seen() {
    let scene = Scene::new(&by_share(0.5, 20));
    for _ in 0..9 {
        scene.succeed(1);
        scene.fail(1);
    }
    scene.succeed(1);
    assert_eq!(scene.phase(), Phase::Closed, "19 requests are too few");
    assert_eq!(scene.breaker.status(scene.now).window, WindowCounts { requests: 19, failures: 9 });
    scene.fail(1);
    assert_eq!(scene.phase(), Phase::Open);
}

#[test]
fn a_share_below_the_configured_one_does_not_trip_it() {
    let scene = Scene::new(&by_share(0.5, 20));
    for _ in 0..100 {
        scene.succeed(2);
        scene.fail(1);
    }
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn failures_that_left_the_window_do_not_count() {
    let mut scene = Scene::new(&by_share(0.5, 20));
    scene.fail(19);
    scene.wait(10.0);
    scene.fail(1);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn a_window_begins_empty_after_recovery() {
    let mut scene = Scene::new(&BreakerConfig { window: Duration::from_secs(3600), ..by_share(0.5, 20) });
    scene.fail(20);
    assert_eq!(scene.phase(), Phase::Open);
    scene.wait(30.0);
    scene.succeed(1);
    scene.fail(19);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn a_rate_of_zero_counts_no_share() {
    let scene = Scene::new(&BreakerConfig { min_requests: 1, ..defaults() });
    scene.fail(4);
    assert_eq!(scene.phase(), Phase::Closed);
    assert_eq!(scene.breaker.status(scene.now).window, WindowCounts::default());
}

#[test]
fn h52_half_open_admits_exactly_as_many_probes_as_configured() {
    for half_open_requests in 1..=10 {
        let mut scene = Scene::new(&BreakerConfig { half_open_requests, ..defaults() });
        scene.fail(5);
        scene.wait(30.0);
        let permits: Vec<_> = (0..50).filter_map(|_| scene.breaker.admit(scene.now).ok()).collect();
        assert_eq!(permits.len(), half_open_requests as usize);
        assert_eq!(scene.breaker.status(scene.now).probes, half_open_requests);
    }
}

#[test]
fn h52_a_probe_that_is_abandoned_gives_its_place_back() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(30.0);
    for _ in 0..10 {
        drop(scene.breaker.admit(scene.now).unwrap());
    }
    assert_eq!(scene.phase(), Phase::HalfOpen);
}

#[test]
fn h52_a_probe_that_never_settles_loses_its_place_after_a_minute() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(30.0);
    let (breaker, began) = (&scene.breaker, scene.now);
    let first = breaker.admit(began).unwrap();
    assert!(breaker.admit(began + Duration::from_millis(59_999)).is_err());
    let now = began + Duration::from_secs(60);
    let second = breaker.admit(now).unwrap();
    drop(first);
    assert!(breaker.admit(now).is_err(), "the first has no place to give back any more");
    drop(second);
    assert!(breaker.admit(now).is_ok());
}

#[test]
fn a_probe_that_answers_late_still_says_how_the_upstream_is() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(30.0);
    let breaker = &scene.breaker;
    let late = breaker.admit(scene.now).unwrap();
    let now = scene.now + Duration::from_secs(90);
    assert_eq!(breaker.status(now).probes, 0);
    late.succeeded(now);
    assert_eq!(breaker.status(now).phase, Phase::Closed);
}

#[test]
fn h53_results_from_before_the_trip_are_ignored() {
    let now = Instant::now();
    let breaker = Arc::new(Breaker::new(Some(&defaults()), now));
    let early: Vec<_> = (0..8).map(|_| breaker.admit(now).unwrap()).collect();
    let mut early = early.into_iter();
    let mut next = || early.next().unwrap();
    for _ in 0..5 {
        breaker.admit(now).unwrap().failed(now, None);
    }
    next().succeeded(now);
    next().failed(now, Some(Duration::from_secs(200)));
    assert_eq!(
        breaker.status(now).until_probe,
        Some(Duration::from_secs(30)),
        "open: neither closed nor extended"
    );

    let now = now + Duration::from_secs(30);
    let probe = breaker.admit(now).unwrap();
    next().succeeded(now);
    next().failed(now, None);
    assert_eq!(breaker.status(now).phase, Phase::HalfOpen);
    assert_eq!(breaker.status(now).probes, 1, "it has no probe to give back");

    probe.succeeded(now);
    for _ in 0..4 {
        breaker.admit(now).unwrap().failed(now, None);
    }
    next().failed(now, None);
    assert_eq!(breaker.status(now).phase, Phase::Closed);
    next().succeeded(now);
    assert_eq!(breaker.status(now).consecutive_failures, 4, "closed: neither counted nor forgiven");
}

#[test]
fn h53_the_results_of_other_probes_are_ignored_once_one_has_decided() {
    let mut scene = Scene::new(&BreakerConfig { half_open_requests: 3, ..defaults() });
    scene.fail(5);
    scene.wait(30.0);
    let (breaker, now) = (&scene.breaker, scene.now);
    let [first, second, third] = std::array::from_fn(|_| breaker.admit(now).unwrap());
    first.failed(now, None);
    let opened = breaker.status(now);
    second.succeeded(now);
    third.failed(now, None);
    assert_eq!(breaker.status(now), opened);
}

#[test]
fn h54_a_request_without_a_result_counts_as_nothing() {
    let scene = Scene::new(&by_share(0.1, 1));
    for _ in 0..100 {
        drop(scene.breaker.admit(scene.now));
    }
    let status = scene.breaker.status(scene.now);
    assert_eq!((status.phase, status.consecutive_failures), (Phase::Closed, 0));
    assert_eq!(status.window, WindowCounts::default());
}

#[test]
fn h55_it_is_half_open_when_its_time_has_come_without_any_traffic() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(10.0);
    let status = scene.breaker.status(scene.now);
    assert_eq!((status.phase, status.until_probe), (Phase::Open, Some(Duration::from_secs(20))));
    scene.wait(20.0);
    let status = scene.breaker.status(scene.now);
    assert_eq!((status.phase, status.until_probe), (Phase::HalfOpen, None));
    assert_eq!(status.transitions, Transitions { to_open: 1, to_half_open: 1, to_closed: 0 });
}

#[test]
fn r020_sc_004_it_recovers_within_thirty_seconds_of_its_trip() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait(30.0);
    scene.succeed(1);
    scene.succeed(100);
}

#[test]
fn the_wait_doubles_with_each_probe_that_fails_up_to_the_longest_one() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    for expected in [60.0, 120.0, 240.0, 300.0, 300.0] {
        scene.wait_until_half_open();
        scene.fail(1);
        let wait = scene.until_probe();
        assert!((expected * 0.9..=expected * 1.1).contains(&wait), "{wait} s instead of about {expected} s");
        assert!(wait <= 300.0, "{wait} s");
    }
    let status = scene.breaker.status(scene.now);
    assert_eq!((status.trips, status.transitions.to_open, status.consecutive_failures), (1, 6, 10));
}

#[test]
fn the_wait_is_the_short_one_again_after_a_recovery() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    scene.wait_until_half_open();
    scene.fail(1);
    scene.wait_until_half_open();
    scene.succeed(1);
    scene.fail(5);
    assert_eq!(scene.refusal().map(|open| open.retry_after), Some(Duration::from_secs(30)));
}

#[test]
fn waits_after_probes_differ_from_breaker_to_breaker() {
    let waits: Vec<_> = (0..20)
        .map(|_| {
            let mut scene = Scene::new(&defaults());
            scene.fail(5);
            scene.wait_until_half_open();
            scene.fail(1);
            scene.until_probe()
        })
        .collect();
    assert!(waits.iter().any(|wait| (wait - waits[0]).abs() > 0.1), "{waits:?}");
}

#[test]
fn a_retry_after_of_the_upstream_is_the_least_it_waits_within_bounds() {
    let wait_after = |retry_after: u64| {
        let mut scene = Scene::new(&defaults());
        scene.fail(5);
        scene.wait(30.0);
        let probe = scene.breaker.admit(scene.now).unwrap();
        probe.failed(scene.now, Some(Duration::from_secs(retry_after)));
        scene.until_probe()
    };
    assert!((54.0..=66.0).contains(&wait_after(1)), "a short one changes nothing");
    assert!((wait_after(100) - 100.0).abs() < 0.001);
    assert!((wait_after(100_000) - 300.0).abs() < 0.001, "capped by the longest wait");
}

#[test]
fn a_retry_after_counts_for_the_first_wait_as_well() {
    let scene = Scene::new(&defaults());
    scene.fail(4);
    let last = scene.breaker.admit(scene.now).unwrap();
    last.failed(scene.now, Some(Duration::from_secs(45)));
    assert!((scene.until_probe() - 45.0).abs() < 0.001);
}

#[test]
fn by_hand_it_is_tripped_and_reset() {
    let mut scene = Scene::new(&defaults());
    scene.breaker.trip(scene.now);
    assert_eq!(scene.refusal().map(|open| open.retry_after), Some(Duration::from_secs(30)));
    scene.wait(10.0);
    scene.breaker.trip(scene.now);
    assert_eq!(scene.breaker.status(scene.now).transitions.to_open, 1, "it was open already");
    assert!((scene.until_probe() - 30.0).abs() < 0.001, "the wait begins anew");
    scene.breaker.reset(scene.now);
    scene.succeed(1);
    scene.fail(4);
    scene.breaker.reset(scene.now);
    scene.fail(4);
    assert_eq!(scene.phase(), Phase::Closed);
}

#[test]
fn where_none_is_configured_everything_passes_and_nothing_is_counted() {
    let now = Instant::now();
    let scene = Scene { breaker: Arc::new(Breaker::new(None, now)), now };
    scene.fail(1000);
    scene.breaker.trip(now);
    scene.breaker.reset(now);
    let status = scene.breaker.status(now);
    assert_eq!((status.is_on, status.phase, status.consecutive_failures), (false, Phase::Closed, 0));
    assert_eq!(status.trips, 0);
}

#[test]
fn h34_an_edit_keeps_its_state_and_the_wait_that_has_begun() {
    let mut scene = Scene::new(&defaults());
    scene.fail(5);
    let edited = BreakerConfig {
        failure_threshold: 1,
        recovery_timeout: Duration::from_secs(5),
        half_open_requests: 2,
        ..defaults()
    };
    scene.breaker.configure(Some(&edited), scene.now);
    assert_eq!(scene.refusal().map(|open| open.retry_after), Some(Duration::from_secs(30)));
    scene.wait(30.0);
    let permits: Vec<_> = (0..50).filter_map(|_| scene.breaker.admit(scene.now).ok()).collect();
    assert_eq!(permits.len(), 2);
    drop(permits);
    scene.succeed(1);
    scene.fail(1);
    assert_eq!(scene.refusal().map(|open| open.retry_after), Some(Duration::from_secs(5)));
}

#[test]
fn an_edit_of_a_closed_one_keeps_the_failures_it_has_seen() {
    let scene = Scene::new(&defaults());
    scene.fail(4);
    scene.breaker.configure(Some(&BreakerConfig { failure_rate: 0.9, ..defaults() }), scene.now);
    assert_eq!(scene.breaker.status(scene.now).consecutive_failures, 4);
    scene.fail(1);
    assert_eq!(scene.phase(), Phase::Open);
}

#[test]
fn switching_it_off_closes_it_and_switching_it_on_begins_closed() {
    let scene = Scene::new(&BreakerConfig { failure_rate: 0.9, ..defaults() });
    let early = scene.breaker.admit(scene.now).unwrap();
    scene.fail(5);
    scene.breaker.configure(None, scene.now);
    assert_eq!(scene.breaker.status(scene.now).window, WindowCounts::default());
    scene.succeed(10);
    scene.fail(10);
    scene.breaker.configure(Some(&defaults()), scene.now);
    early.failed(scene.now, None);
    assert_eq!(scene.breaker.status(scene.now).consecutive_failures, 0);
    scene.succeed(1);
}
