//! The limiter beside one that is so simple that it is right: the same steps, in any order, and the same numbers after each.

use crate::bell::{Bell, poll_with};
use gate_traffic::{Admission, CallerKey, Limiter, Place, QueueConfig, Slot};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Instant;

proptest! {
    #[test]
    fn the_limiter_does_as_its_model(steps in vec(step(), 1..80)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.take(&step);
            pair.compare();
        }
        pair.end();
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A request of this caller.
    Admit(u8),
    /// One that runs ends; which one makes no difference.
    End,
    /// One that has or had a place leaves, whether or not its slot was handed over.
    Leave(usize),
    /// One whose slot was handed over takes it.
    Take(usize),
    Configure(Config),
}

#[derive(Clone, Copy, Debug)]
struct Config {
    limit: u32,
    max_waiting: u32,
    per_identity: bool,
    dry_run: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let config = (0..4_u32, 0..8_u32, any::<bool>(), prop::bool::weighted(0.2));
    prop_oneof![
        8 => (0..3_u8).prop_map(Step::Admit),
        4 => Just(Step::End),
        2 => any::<usize>().prop_map(Step::Leave),
        4 => any::<usize>().prop_map(Step::Take),
        1 => config.prop_map(|(limit, max_waiting, per_identity, dry_run)| {
            Step::Configure(Config { limit, max_waiting, per_identity, dry_run })
        }),
    ]
}

/// The limiter and its model, and the requests of both.
struct Pair {
    limiter: Arc<Limiter>,
    model: Model,
    slots: Vec<Slot>,
    places: Vec<(Request, Place, Arc<Bell>)>,
    next: Request,
}

type Request = usize;

#[derive(Debug, PartialEq)]
enum Outcome {
    Admitted,
    Waiting,
    Refused,
}

impl Pair {
    fn new() -> Self {
        let config = Config { limit: 1, max_waiting: 4, per_identity: true, dry_run: false };
        Self {
            limiter: Arc::new(Limiter::new(config.limit, &config.queue())),
            model: Model::new(config),
            slots: Vec::new(),
            places: Vec::new(),
            next: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Admit(caller) => self.admit(caller),
            Step::End => {
                if let Some(slot) = self.slots.pop() {
                    drop(slot);
                    self.model.end();
                }
            }
            Step::Leave(which) if !self.places.is_empty() => {
                let (request, place, _) = self.places.remove(which % self.places.len());
                drop(place);
                self.model.leave(request);
            }
            Step::Take(which) if !self.places.is_empty() => {
                let which = which % self.places.len();
                let (request, place, bell) = &mut self.places[which];
                let slot = poll_with(place, bell);
                assert_eq!(slot.is_some(), self.model.take(*request));
                if let Some(slot) = slot {
                    self.slots.push(slot);
                    drop(self.places.remove(which));
                }
            }
            Step::Leave(_) | Step::Take(_) => {}
            Step::Configure(config) => {
                self.limiter.configure(config.limit, &config.queue());
                self.model.configure(config);
            }
        }
    }

    fn admit(&mut self, caller: u8) {
        let request = self.next;
        self.next += 1;
        let key = || CallerKey::Identity(caller.to_string().into());
        let expected = self.model.admit(request, caller);
        match self.limiter.admit(key, Instant::now()) {
            Admission::Admitted(slot) => {
                assert_eq!(expected, Outcome::Admitted);
                self.slots.push(slot);
            }
            Admission::Waiting(mut place) => {
                assert_eq!(expected, Outcome::Waiting);
                let bell = Bell::new();
                assert!(poll_with(&mut place, &bell).is_none());
                self.places.push((request, place, bell));
            }
            Admission::Refused(_) => assert_eq!(expected, Outcome::Refused),
        }
    }

    fn compare(&self) {
        assert_eq!(self.limiter.in_flight() as usize, self.model.running);
        assert_eq!(self.limiter.waiting() as usize, self.model.waiting());
        assert_eq!(self.limiter.dry_run_refusals(), self.model.dry_run_refusals);
        for (request, _, bell) in &self.places {
            let handed_over = self.model.handed_over.contains(request);
            assert_eq!(bell.rung(), u32::from(handed_over), "request {request}");
        }
    }

    /// All end, in any order, and nothing is left.
    fn end(mut self) {
        self.places.clear();
        self.slots.clear();
        assert_eq!((self.limiter.in_flight(), self.limiter.waiting()), (0, 0));
    }
}

/// What the limiter should do, step by step, without a thought for time or threads.
struct Model {
    config: Config,
    running: usize,
    /// In the order of their turns.
    lanes: Vec<(Option<u8>, Vec<Request>)>,
    /// Running, but they have not heard of it yet.
    handed_over: Vec<Request>,
    dry_run_refusals: u64,
}

impl Model {
    fn new(config: Config) -> Self {
        Self { config, running: 0, lanes: Vec::new(), handed_over: Vec::new(), dry_run_refusals: 0 }
    }

    fn admit(&mut self, request: Request, caller: u8) -> Outcome {
        if self.config.dry_run && self.running >= self.config.refuses_from() {
            self.dry_run_refusals += 1;
        }
        if self.waiting() == 0 && self.has_room() {
            self.running += 1;
            return Outcome::Admitted;
        }
        if self.waiting() >= self.config.max_waiting as usize {
            return Outcome::Refused;
        }
        let lane = self.config.per_identity.then_some(caller);
        match self.lanes.iter_mut().find(|(of, _)| *of == lane) {
            Some((_, requests)) => requests.push(request),
            None => self.lanes.push((lane, vec![request])),
        }
        Outcome::Waiting
    }

    fn end(&mut self) {
        self.running -= 1;
        self.hand_over();
    }

    fn leave(&mut self, request: Request) {
        if self.take(request) {
            return self.end();
        }
        for (_, requests) in &mut self.lanes {
            requests.retain(|waiting| *waiting != request);
        }
        self.lanes.retain(|(_, requests)| !requests.is_empty());
    }

    fn take(&mut self, request: Request) -> bool {
        let before = self.handed_over.len();
        self.handed_over.retain(|handed| *handed != request);
        self.handed_over.len() < before
    }

    fn configure(&mut self, config: Config) {
        self.config = config;
        self.hand_over();
    }

    fn hand_over(&mut self) {
        while self.has_room() && !self.lanes.is_empty() {
            let (lane, mut requests) = self.lanes.remove(0);
            self.handed_over.push(requests.remove(0));
            self.running += 1;
            if !requests.is_empty() {
                self.lanes.push((lane, requests));
            }
        }
    }

    fn waiting(&self) -> usize {
        self.lanes.iter().map(|(_, requests)| requests.len()).sum()
    }

    fn has_room(&self) -> bool {
        let Config { limit, dry_run, .. } = self.config;
        dry_run || limit == 0 || self.running < limit as usize
    }
}

impl Config {
    fn queue(self) -> QueueConfig {
        QueueConfig {
            max_waiting: self.max_waiting,
            per_identity: self.per_identity,
            dry_run: self.dry_run,
            ..QueueConfig::default()
        }
    }

    /// From how many that run on one more would be refused.
    fn refuses_from(self) -> usize {
        match self.limit {
            0 => usize::MAX,
            limit => (limit + self.max_waiting) as usize,
        }
    }
}
