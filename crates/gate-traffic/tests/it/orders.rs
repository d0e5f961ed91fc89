//! Every order of events.
//!
//! What happens at one time happens on threads of its own: loom stops the thread that spawns them less often.

use loom::model::Builder;
use loom::thread::{self, JoinHandle};
use std::sync::Arc;

/// Runs `events` again and again. A thread that is never woken is a failure.
pub(crate) fn in_every_order(events: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.check(events);
}

/// An event that happens to what is `shared`.
pub(crate) fn with<S: 'static, T: 'static>(
    shared: &Arc<S>,
    event: impl FnOnce(&Arc<S>) -> T + 'static,
) -> JoinHandle<T> {
    let shared = Arc::clone(shared);
    thread::spawn(move || event(&shared))
}

/// Waits for all of them.
pub(crate) fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| thread.join().unwrap())
}

/// 4: so many times a thread is stopped where it would not have to wait. More than most defects need, and done in seconds;
/// `LOOM_MAX_PREEMPTIONS` sets another number.
const PREEMPTIONS: usize = 4;
