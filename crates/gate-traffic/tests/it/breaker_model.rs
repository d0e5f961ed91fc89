//! The breaker beside one that is so simple that it is right: the same steps, in any order, and the same state after each.

use gate_traffic::{Breaker, BreakerConfig, BreakerStatus, Permit, Phase, Transitions, WindowCounts};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn r020_fr_013_the_breaker_does_as_its_model(first in config(), steps in vec(step(), 1..120)) {
        let mut pair = Pair::new(first);
        for step in steps {
            pair.take(&step);
            pair.compare();
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Admit,
    /// A request that passed ends; which one is chosen among those that run.
    Succeed(usize),
    Fail(usize, Option<Duration>),
    Abandon(usize),
    Wait(Duration),
    /// As long as the breaker says.
    WaitForProbe,
    Trip,
    Reset,
    Configure(Option<BreakerConfig>),
}

fn step() -> impl Strategy<Value = Step> {
    let retry_after = prop::option::weighted(0.3, (0_u64..30).prop_map(Duration::from_secs));
    prop_oneof![
        12 => Just(Step::Admit),
        4 => any::<usize>().prop_map(Step::Succeed),
        8 => (any::<usize>(), retry_after).prop_map(|(which, after)| Step::Fail(which, after)),
        2 => any::<usize>().prop_map(Step::Abandon),
        4 => (0_u64..3_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => (0_u64..90_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        4 => Just(Step::WaitForProbe),
        1 => Just(Step::Trip),
        1 => Just(Step::Reset),
        1 => prop::option::weighted(0.8, config()).prop_map(Step::Configure),
    ]
}

fn config() -> impl Strategy<Value = BreakerConfig> {
    let share = prop_oneof![2 => Just(0.0), 1 => Just(0.25), 1 => Just(0.5), 1 => Just(1.0)];
    (1_u32..5, 1_u64..5, 1_u32..4, share, 1_u64..6, 1_u32..8, 1_u64..20).prop_map(
        |(failure_threshold, recovery, half_open_requests, failure_rate, window, min_requests, longest)| {
            BreakerConfig {
                failure_threshold,
                recovery_timeout: Duration::from_secs(recovery),
                half_open_requests,
                failure_rate,
                window: Duration::from_secs(window),
                min_requests,
                max_recovery_timeout: Duration::from_secs(longest),
            }
        },
    )
}

/// The breaker and its model, and the requests of both.
struct Pair {
    breaker: Arc<Breaker>,
    model: Model,
    running: Vec<(Permit, Request)>,
    start: Instant,
}

impl Pair {
    fn new(config: BreakerConfig) -> Self {
        let start = Instant::now();
        let breaker = Arc::new(Breaker::new(Some(&config), start));
        Self { breaker, model: Model::new(config), running: Vec::new(), start }
    }

    fn take(&mut self, step: &Step) {
        self.model.pass_time();
        let now = self.now();
        match step {
            Step::Admit => self.admit(now),
            Step::Succeed(which) => {
                if let Some((permit, request)) = self.end(*which) {
                    permit.succeeded(now);
                    self.model.succeeded(request);
                }
            }
            Step::Fail(which, retry_after) => {
                if let Some((permit, request)) = self.end(*which) {
                    permit.failed(now, *retry_after);
                    let opened = self.breaker.status(now).until_probe;
                    self.model.failed(request, *retry_after, opened);
                }
            }
            Step::Abandon(which) => {
                if let Some((permit, request)) = self.end(*which) {
                    drop(permit);
                    self.model.abandoned(request);
                }
            }
            Step::Wait(time) => self.model.now += *time,
            Step::WaitForProbe => {
                self.model.now += self.breaker.status(now).until_probe.unwrap_or_default();
            }
            Step::Trip => {
                self.breaker.trip(now);
                self.model.trip_by_hand();
            }
            Step::Reset => {
                self.breaker.reset(now);
                self.model.reset();
            }
            Step::Configure(config) => {
                self.breaker.configure(config.as_ref(), now);
                self.model.configure(config.clone());
            }
        }
    }

    fn admit(&mut self, now: Instant) {
        let look = self.breaker.look(now).map_err(|open| open.phase);
        let permit = self.breaker.admit(now);
        let request = self.model.admit();
        let passed = permit.as_ref().map(Permit::is_probe).map_err(|open| open.phase);
        assert_eq!(passed, request.map(|request| request.is_probe));
        assert_eq!(look.is_ok(), permit.is_ok());
        if let (Ok(permit), Ok(request)) = (permit, request) {
            self.running.push((permit, request));
        }
    }

    fn end(&mut self, which: usize) -> Option<(Permit, Request)> {
        let which = which.checked_rem(self.running.len())?;
        Some(self.running.swap_remove(which))
    }

    fn now(&self) -> Instant {
        self.start + self.model.now
    }

    #[track_caller]
    fn compare(&mut self) {
        self.model.pass_time();
        assert_eq!(self.breaker.status(self.now()), self.model.status());
    }
}

/// One step at a time, and everything that has happened in a list.
struct Model {
    config: Option<BreakerConfig>,
    now: Duration,
    phase: Phase,
    /// The end of the wait, while open.
    until: Duration,
    /// Which requests are probes, and when their places are lost.
    probes: Vec<(Request, Duration)>,
    /// Counts changes; requests know the one they were admitted in.
    era: u32,
    requests: u32,
    in_a_row: u32,
    results: Vec<(Duration, bool)>,
    /// The window they were counted in: another one begins empty.
    window_of_results: Duration,
    wait: Duration,
    trips: u64,
    transitions: Transitions,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Request {
    number: u32,
    era: u32,
    is_probe: bool,
}

impl Model {
    fn new(config: BreakerConfig) -> Self {
        Self {
            window_of_results: config.window,
            config: Some(config),
            now: Duration::ZERO,
            phase: Phase::Closed,
            until: Duration::ZERO,
            probes: Vec::new(),
            era: 0,
            requests: 0,
            in_a_row: 0,
            results: Vec::new(),
            wait: Duration::ZERO,
            trips: 0,
            transitions: Transitions::default(),
        }
    }

    fn pass_time(&mut self) {
        if self.phase == Phase::Open && self.now >= self.until {
            self.phase = Phase::HalfOpen;
            self.transitions.to_half_open += 1;
        }
        self.probes.retain(|(_, lost)| self.now < *lost);
    }

    fn admit(&mut self) -> Result<Request, Phase> {
        let places = self.config.as_ref().map_or(0, |config| config.half_open_requests as usize);
        let is_probe = self.phase == Phase::HalfOpen;
        if self.phase == Phase::Open || is_probe && self.probes.len() >= places {
            return Err(self.phase);
        }
        self.requests += 1;
        let request = Request { number: self.requests, era: self.era, is_probe };
        if is_probe {
            self.probes.push((request, self.now + Duration::from_secs(60)));
        }
        Ok(request)
    }

    fn succeeded(&mut self, request: Request) {
        match self.phase {
            _ if request.era != self.era || self.config.is_none() => {}
            Phase::Closed => {
                self.in_a_row = 0;
                self.count(false);
            }
            Phase::Open | Phase::HalfOpen => self.close(),
        }
    }

    /// `opened` is the wait that the real one has begun: its jitter is its own, within bounds.
    fn failed(&mut self, request: Request, retry_after: Option<Duration>, opened: Option<Duration>) {
        let Some(config) = self.config.clone().filter(|_| request.era == self.era) else { return };
        self.in_a_row += 1;
        let longest = config.max_recovery_timeout.max(config.recovery_timeout);
        let least = retry_after.unwrap_or_default();
        if self.phase == Phase::HalfOpen {
            self.wait = (self.wait * 2).min(longest);
            let opened = opened.unwrap();
            let bounds = [0.9, 1.1].map(|share| self.wait.mul_f64(share).max(least).min(longest));
            assert!(bounds[0] <= opened && opened <= bounds[1], "{opened:?} is not within {bounds:?}");
            return self.open(opened);
        }
        self.count(true);
        if self.in_a_row >= config.failure_threshold || self.too_large_a_share(&config) {
            self.trips += 1;
            self.wait = config.recovery_timeout;
            self.open(self.wait.max(least).min(longest));
        }
    }

    fn abandoned(&mut self, request: Request) {
        self.probes.retain(|(probe, _)| *probe != request);
    }

    fn trip_by_hand(&mut self) {
        if let Some(config) = &self.config {
            self.trips += 1;
            self.wait = config.recovery_timeout;
            self.open(self.wait);
        }
    }

    fn reset(&mut self) {
        if self.config.is_some() {
            self.close();
        }
    }

    fn configure(&mut self, config: Option<BreakerConfig>) {
        match (&self.config, &config) {
            (_, None) => {
                self.close();
            }
            (None, Some(_)) => self.era += 1,
            (Some(_), Some(_)) => {}
        }
        if let Some(config) = &config {
            self.results.retain(|_| self.window_of_results == config.window);
            self.window_of_results = config.window;
        }
        self.config = config;
    }

    fn open(&mut self, wait: Duration) {
        self.until = self.now + wait;
        self.change(Phase::Open);
    }

    fn close(&mut self) {
        self.in_a_row = 0;
        self.results.clear();
        self.change(Phase::Closed);
    }

    fn change(&mut self, phase: Phase) {
        self.era += 1;
        self.probes.clear();
        self.transitions.to_open += u64::from(phase == Phase::Open && self.phase != phase);
        self.transitions.to_closed += u64::from(phase == Phase::Closed && self.phase != phase);
        self.phase = phase;
    }

    fn count(&mut self, is_failure: bool) {
        if self.config.as_ref().is_some_and(|config| config.failure_rate > 0.0) {
            self.results.push((self.now, is_failure));
        }
    }

    fn too_large_a_share(&self, config: &BreakerConfig) -> bool {
        let WindowCounts { requests, failures } = self.window();
        config.failure_rate > 0.0
            && requests >= config.min_requests
            && f64::from(failures) / f64::from(requests) >= config.failure_rate
    }

    /// The results of the tenth of the window that runs, and of the nine before it.
    fn window(&self) -> WindowCounts {
        let Some(config) = self.config.as_ref().filter(|config| config.failure_rate > 0.0) else {
            return WindowCounts::default();
        };
        let tenth = |time: Duration| time.as_nanos() / (config.window.as_nanos() / 10);
        let within = self.results.iter().filter(|(at, _)| tenth(*at) + 10 > tenth(self.now));
        let count = |results: usize| u32::try_from(results).unwrap();
        WindowCounts {
            requests: count(within.clone().count()),
            failures: count(within.filter(|(_, is_failure)| *is_failure).count()),
        }
    }

    fn status(&self) -> BreakerStatus {
        BreakerStatus {
            is_on: self.config.is_some(),
            phase: self.phase,
            consecutive_failures: self.in_a_row,
            window: self.window(),
            until_probe: (self.phase == Phase::Open).then(|| self.until.saturating_sub(self.now)),
            probes: u32::try_from(self.probes.len()).unwrap(),
            trips: self.trips,
            transitions: self.transitions,
        }
    }
}
