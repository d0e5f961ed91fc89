//! The hand-over of a slot in every order in which the events of a few threads can happen.
//!
//! Built with `RUSTFLAGS="--cfg loom"`; a part of `make check`.

use crate::orders::{in_every_order, join, with};
use gate_traffic::{Admission, CallerKey, Limiter, Place, QueueConfig, Slot};
use loom::future::block_on;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

#[test]
fn one_who_asks_while_a_slot_ends_gets_it() {
    in_every_order(|| {
        let limiter = limiter(1, 1);
        let held = slot(&limiter);
        let ends = thread::spawn(move || drop(held));
        let asks = with(&limiter, |limiter| drop(slot_in_the_end(limiter)));
        join([ends, asks]);
        assert_unused(&limiter);
    });
}

#[test]
fn of_two_who_ask_one_runs_at_a_time() {
    in_every_order(|| {
        let limiter = limiter(1, 1);
        let running = Arc::new(AtomicU32::new(0));
        join([0, 1].map(|_| {
            let running = Arc::clone(&running);
            with(&limiter, move |limiter| run(limiter, &running))
        }));
        assert_unused(&limiter);
    });

    fn run(limiter: &Arc<Limiter>, running: &AtomicU32) {
        let slot = slot_in_the_end(limiter);
        assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
        thread::yield_now();
        running.fetch_sub(1, Ordering::SeqCst);
        drop(slot);
    }
}

#[test]
fn a_slot_handed_to_one_who_leaves_reaches_the_next() {
    in_every_order(|| {
        let limiter = limiter(1, 2);
        let held = slot(&limiter);
        let (leaver, stayer) = (place(&limiter), place(&limiter));
        let ends = thread::spawn(move || drop(held));
        let leaves = thread::spawn(move || drop(leaver));
        drop(block_on(stayer));
        join([ends, leaves]);
        assert_unused(&limiter);
    });
}

#[test]
fn a_slot_whose_only_taker_leaves_is_free_again() {
    in_every_order(|| {
        let limiter = limiter(1, 1);
        let held = slot(&limiter);
        let leaver = place(&limiter);
        let ends = thread::spawn(move || drop(held));
        let leaves = thread::spawn(move || drop(leaver));
        join([ends, leaves]);
        assert_unused(&limiter);
    });
}

#[test]
fn two_slots_that_end_while_the_only_one_who_waits_leaves_are_both_free() {
    in_every_order(|| {
        let limiter = limiter(2, 1);
        let (first, second) = (slot(&limiter), slot(&limiter));
        let leaver = place(&limiter);
        let ends = [first, second].map(|slot| thread::spawn(move || drop(slot)));
        let leaves = thread::spawn(move || drop(leaver));
        join(ends);
        join([leaves]);
        assert_unused(&limiter);
    });
}

#[test]
fn a_higher_limit_and_the_end_of_a_slot_admit_all_who_wait() {
    in_every_order(|| {
        let limiter = limiter(1, 2);
        let held = slot(&limiter);
        let (first, second) = (place(&limiter), place(&limiter));
        let ends = thread::spawn(move || drop(held));
        let edits = with(&limiter, |limiter| limiter.configure(2, &queue(2)));
        let admitted = (block_on(first), block_on(second));
        join([ends, edits]);
        assert_eq!(limiter.in_flight(), 2);
        drop(admitted);
        assert_unused(&limiter);
    });
}

#[test]
fn nobody_takes_the_room_of_a_higher_limit_before_those_who_wait() {
    in_every_order(|| {
        let limiter = limiter(1, 2);
        let held = slot(&limiter);
        let waits = place(&limiter);
        let asks = with(&limiter, admit);
        let edits = with(&limiter, |limiter| limiter.configure(2, &queue(2)));
        let later = asks.join().unwrap();
        drop(block_on(waits)); // while the later one keeps what it was given
        join([edits]);
        drop((held, later));
        assert_unused(&limiter);
    });
}

#[test]
fn after_a_lower_limit_nobody_is_admitted_by_the_old_one() {
    in_every_order(|| {
        let limiter = limiter(2, 0);
        let held = slot(&limiter);
        let asks = with(&limiter, admit);
        let edits = with(&limiter, |limiter| {
            limiter.configure(1, &queue(0));
            assert!(matches!(admit(limiter), Admission::Refused(_)));
        });
        let perhaps = asks.join().unwrap();
        join([edits]);
        let admitted = matches!(perhaps, Admission::Admitted(_));
        assert_eq!(limiter.in_flight(), 1 + u32::from(admitted));
        drop((held, perhaps));
        assert_unused(&limiter);
    });
}

#[test]
fn a_lower_limit_while_slots_end_forgets_nobody() {
    in_every_order(|| {
        let limiter = limiter(2, 1);
        let (first, second) = (slot(&limiter), slot(&limiter));
        let waiting = place(&limiter);
        let edits = with(&limiter, |limiter| limiter.configure(1, &queue(1)));
        let ends = thread::spawn(move || drop((first, second)));
        drop(block_on(waiting));
        join([edits, ends]);
        assert_unused(&limiter);
    });
}

fn queue(max_waiting: u32) -> QueueConfig {
    QueueConfig { max_waiting, ..QueueConfig::default() }
}

fn limiter(max_concurrent: u32, max_waiting: u32) -> Arc<Limiter> {
    Arc::new(Limiter::new(max_concurrent, &queue(max_waiting)))
}

fn admit(limiter: &Arc<Limiter>) -> Admission {
    limiter.admit(|| CallerKey::Everyone, Instant::now())
}

fn slot(limiter: &Arc<Limiter>) -> Slot {
    match admit(limiter) {
        Admission::Admitted(slot) => slot,
        other => panic!("{other:?}"),
    }
}

fn place(limiter: &Arc<Limiter>) -> Place {
    match admit(limiter) {
        Admission::Waiting(place) => place,
        other => panic!("{other:?}"),
    }
}

fn slot_in_the_end(limiter: &Arc<Limiter>) -> Slot {
    match admit(limiter) {
        Admission::Admitted(slot) => slot,
        Admission::Waiting(place) => block_on(place),
        Admission::Refused(refusal) => panic!("{refusal}"),
    }
}

fn assert_unused(limiter: &Limiter) {
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}
