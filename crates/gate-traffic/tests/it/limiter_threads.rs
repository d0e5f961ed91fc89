//! Many threads at one limiter: never more than may run, nobody forgotten, nothing left.

use gate_testkit::seed;
use gate_traffic::{Admission, CallerKey, Limiter, Place, QueueConfig, Slot};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

const THREADS: u64 = 8;
const ROUNDS: u64 = 10;
const REQUESTS: usize = 200_000;

#[test]
fn r020_fr_010_never_more_run_than_may_and_nobody_is_forgotten() {
    let seed = seed();
    let mut random = SmallRng::seed_from_u64(seed);
    let mut waited = 0;
    for round in 0..ROUNDS {
        let limit = random.random_range(1..=5);
        let arena = Arena::new(limit, round % 2 == 1);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let mut random = SmallRng::seed_from_u64(seed ^ ((round + 1) << 32) ^ thread);
                let arena = &arena;
                scope.spawn(move || arena.run(&mut random));
            }
        });
        let limiter = &arena.limiter;
        assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
        waited += arena.waited.into_inner();
    }
    assert!(waited > REQUESTS / 100, "only {waited} had to wait");
}

/// One limiter, and how many really run.
struct Arena {
    limiter: Arc<Limiter>,
    running: AtomicU32,
    /// The highest limit that is ever in force.
    limit: u32,
    /// Whether limits up to that come and go.
    edited: bool,
    waited: AtomicUsize,
}

impl Arena {
    fn new(limit: u32, edited: bool) -> Self {
        Self {
            limiter: Arc::new(Limiter::new(limit, &queue(4, true))),
            running: AtomicU32::new(0),
            limit,
            edited,
            waited: AtomicUsize::new(0),
        }
    }

    fn run(&self, random: &mut SmallRng) {
        for _ in 0..REQUESTS as u64 / ROUNDS / THREADS {
            if self.edited && random.random_ratio(1, 20) {
                let limit = random.random_range(1..=self.limit);
                let queue = queue(random.random_range(0..8), random.random());
                self.limiter.configure(limit, &queue);
            }
            self.request(random);
        }
    }

    fn request(&self, random: &mut SmallRng) {
        let caller = random.random_range(0..3_u32);
        let caller = || CallerKey::Identity(caller.to_string().into());
        match self.limiter.admit(caller, Instant::now()) {
            Admission::Admitted(slot) => self.hold(slot, random),
            Admission::Waiting(place) => self.wait(place, random),
            Admission::Refused(_) => {}
        }
    }

    fn wait(&self, place: Place, random: &mut SmallRng) {
        match random.random_range(0..4) {
            0 => drop(place),
            1 => {
                let patience = Duration::from_micros(random.random_range(0..50));
                if let Some(slot) = wait_for(place, patience) {
                    self.hold(slot, random);
                }
            }
            _ => {
                self.waited.fetch_add(1, Ordering::Relaxed);
                let slot = wait_for(place, FORGOTTEN).unwrap();
                self.hold(slot, random);
            }
        }
    }

    fn hold(&self, slot: Slot, random: &mut SmallRng) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(running <= self.limit, "{running} run");
        if random.random_ratio(1, 4) {
            thread::yield_now();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        if random.random() {
            slot.release(Instant::now());
        }
    }
}

/// Longer than all others together need.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Waits on this thread; `None` if it was too long.
fn wait_for(place: Place, patience: Duration) -> Option<Slot> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut place = pin!(place);
    let end = Instant::now() + patience;
    loop {
        if let Poll::Ready(slot) = place.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(slot);
        }
        let left = end.checked_duration_since(Instant::now())?;
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn queue(max_waiting: u32, per_identity: bool) -> QueueConfig {
    QueueConfig { max_waiting, per_identity, ..QueueConfig::default() }
}
