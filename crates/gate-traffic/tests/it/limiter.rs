//! One limiter, one thread, moments made by hand.

use crate::bell::{Bell, poll, poll_with};
use gate_traffic::{Admission, CallerKey, Limiter, Place, QueueConfig, QueueRefusal, Slot};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn r020_us3_ac1_one_more_than_may_run_is_refused() {
    let limiter = limiter(10, 0);
    let held: Vec<Slot> = (0..10).map(|_| slot(&limiter)).collect();
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    assert_eq!(limiter.in_flight(), 10);
    drop(held);
    assert_eq!(limiter.in_flight(), 0);
}

#[test]
fn r020_us3_ac2_a_slot_that_came_free_is_given_to_the_next() {
    let limiter = limiter(1, 0);
    let held = slot(&limiter);
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    drop(held);
    drop(slot(&limiter));
}

#[test]
fn r020_us3_ac3_in_a_queue_requests_wait_and_are_served_in_their_order() {
    let limiter = limiter(1, 3);
    let held = slot(&limiter);
    let mut places: Vec<Place> = (0..3).map(|_| place(&limiter, "a")).collect();
    assert_eq!(refusal(&limiter), QueueRefusal::Full);
    assert_eq!((limiter.in_flight(), limiter.waiting()), (1, 3));

    drop(held);
    assert!(poll(&mut places[1]).is_none());
    let first = poll(&mut places[0]).unwrap();
    assert_eq!((limiter.in_flight(), limiter.waiting()), (1, 2));

    drop(first);
    assert!(poll(&mut places[2]).is_none());
    let second = poll(&mut places[1]).unwrap();
    drop(second);
    drop(poll(&mut places[2]).unwrap());
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}

#[test]
fn nobody_overtakes_those_who_wait() {
    let limiter = limiter(1, 1);
    let held = slot(&limiter);
    let mut first = place(&limiter, "a");
    drop(held);
    assert_eq!(limiter.in_flight(), 1, "the slot has been handed over");
    let second = place(&limiter, "a");
    let slot = poll(&mut first).unwrap();
    drop(second);
    drop(slot);
}

#[test]
fn whoever_is_handed_a_slot_is_woken_once() {
    let limiter = limiter(1, 2);
    let held = slot(&limiter);
    let (mut first, mut second) = (place(&limiter, "a"), place(&limiter, "a"));
    let (bell_1, bell_2) = (Bell::new(), Bell::new());
    assert!(poll_with(&mut first, &bell_1).is_none());
    assert!(poll_with(&mut second, &bell_2).is_none());
    drop(held);
    assert_eq!((bell_1.rung(), bell_2.rung()), (1, 0));
    drop(poll_with(&mut first, &bell_1));
    assert_eq!((bell_1.rung(), bell_2.rung()), (1, 1));
}

#[test]
fn the_task_that_asked_last_is_woken() {
    let limiter = limiter(1, 1);
    let held = slot(&limiter);
    let mut moved = place(&limiter, "a");
    let (before, after) = (Bell::new(), Bell::new());
    assert!(poll_with(&mut moved, &before).is_none());
    assert!(poll_with(&mut moved, &after).is_none());
    drop(held);
    assert_eq!((before.rung(), after.rung()), (0, 1));
}

#[test]
fn whoever_leaves_is_out_of_the_queue_at_once() {
    let limiter = limiter(1, 2);
    let held = slot(&limiter);
    let (first, mut second) = (place(&limiter, "a"), place(&limiter, "a"));
    drop(first);
    assert_eq!(limiter.waiting(), 1);
    let third = place(&limiter, "a");
    drop(held);
    let slot = poll(&mut second).unwrap();
    drop(third);
    drop(slot);
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}

#[test]
fn a_slot_handed_to_one_who_is_leaving_goes_to_the_next() {
    let limiter = limiter(1, 2);
    let held = slot(&limiter);
    let (first, mut second) = (place(&limiter, "a"), place(&limiter, "a"));
    let bell = Bell::new();
    assert!(poll_with(&mut second, &bell).is_none());
    drop(held);
    drop(first);
    assert_eq!(bell.rung(), 1);
    drop(poll(&mut second).unwrap());
    assert_eq!((limiter.in_flight(), limiter.waiting()), (0, 0));
}

#[test]
fn a_place_that_gave_its_slot_stays_pending_and_holds_nothing() {
    let limiter = limiter(1, 1);
    let held = slot(&limiter);
    let mut ended = place(&limiter, "a");
    drop(held);
    drop(poll(&mut ended).unwrap());
    assert!(poll(&mut ended).is_none());
    drop(ended);
    assert_eq!(limiter.in_flight(), 0);
}

#[test]
fn a_panic_gives_the_slot_back() {
    let limiter = limiter(1, 0);
    let held = slot(&limiter);
    let panicked = std::thread::spawn(move || {
        let _held = held;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    drop(slot(&limiter));
}

#[test]
fn h34_an_edit_keeps_the_count_of_what_runs() {
    let limiter = limiter(0, 0);
    let mut held: Vec<Slot> = (0..5).map(|_| slot(&limiter)).collect();
    limiter.configure(3, &queue(0));
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    assert_eq!(limiter.in_flight(), 5);
    held.truncate(3);
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    held.truncate(2);
    held.push(slot(&limiter));
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
}

#[test]
fn a_higher_limit_admits_those_who_wait_at_once() {
    let limiter = limiter(1, 9);
    let _held = slot(&limiter);
    let mut places: Vec<Place> = (0..5).map(|_| place(&limiter, "a")).collect();
    let bells: Vec<_> = (0..5).map(|_| Bell::new()).collect();
    for (place, bell) in places.iter_mut().zip(&bells) {
        assert!(poll_with(place, bell).is_none());
    }
    limiter.configure(3, &queue(9));
    assert_eq!((limiter.in_flight(), limiter.waiting()), (3, 3));
    assert_eq!(bells.iter().map(|bell| bell.rung()).collect::<Vec<_>>(), [1, 1, 0, 0, 0]);
    limiter.configure(0, &queue(9));
    assert_eq!((limiter.in_flight(), limiter.waiting()), (6, 0));
}

#[test]
fn a_lower_limit_hands_nothing_over_before_there_is_room() {
    let limiter = limiter(3, 1);
    let mut held: Vec<Slot> = (0..3).map(|_| slot(&limiter)).collect();
    let mut waiting = place(&limiter, "a");
    limiter.configure(1, &queue(1));
    held.pop();
    held.pop();
    assert!(poll(&mut waiting).is_none());
    assert_eq!((limiter.in_flight(), limiter.waiting()), (1, 1));
    held.pop();
    assert!(poll(&mut waiting).is_some());
}

#[test]
fn h56_a_shorter_queue_keeps_those_who_wait_and_takes_nobody_new() {
    let limiter = limiter(1, 2);
    let held = slot(&limiter);
    let (mut first, mut second) = (place(&limiter, "a"), place(&limiter, "a"));
    limiter.configure(1, &queue(0));
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    limiter.configure(1, &queue(1));
    assert_eq!(refusal(&limiter), QueueRefusal::Full);
    drop(held);
    drop(poll(&mut first).unwrap());
    drop(poll(&mut second).unwrap());
}

#[test]
fn callers_who_take_turns_are_served_in_rounds() {
    #[track_caller]
    fn check(asked: [&'static str; 6], expected: &str) {
        assert_eq!(served(asked), expected);
    }
    check(["a", "a", "a", "b", "c", "c"], "abcaca");
    check(["a", "b", "a", "a", "c", "b"], "abcaba"); // whoever asks again keeps their turn
    check(["a"; 6], "aaaaaa");
}

/// In which order callers are served who have asked in this one.
fn served(asked: [&'static str; 6]) -> String {
    let limiter = fair(1, 9);
    let mut held = slot(&limiter);
    let mut waiting: Vec<(&str, Place)> = asked.map(|caller| (caller, place(&limiter, caller))).into();
    let mut served = String::new();
    while !waiting.is_empty() {
        drop(held);
        let (at, slot) =
            waiting.iter_mut().enumerate().find_map(|(at, (_, place))| Some((at, poll(place)?))).unwrap();
        served += waiting.remove(at).0;
        held = slot;
    }
    served
}

#[test]
fn one_who_asks_for_much_does_not_starve_one_who_asks_for_little() {
    let limiter = fair(4, 10_000);
    let mut held: Vec<Slot> = (0..4).map(|_| slot(&limiter)).collect();
    let mut flood: Vec<Place> = (0..500).map(|_| place(&limiter, "a")).collect();
    for _ in 0..50 {
        let mut little = place(&limiter, "b");
        let mut hand_overs = 0;
        while poll(&mut little).is_none() {
            drop(held.remove(0));
            hand_overs += 1;
            let next = flood.iter_mut().position(|place| {
                poll(place).is_some_and(|slot| {
                    held.push(slot);
                    true
                })
            });
            if let Some(next) = next {
                drop(flood.remove(next));
                flood.push(place(&limiter, "a"));
            }
            assert!(hand_overs <= 5);
        }
    }
}

#[test]
fn ten_thousand_leave_the_queue_in_linear_time() {
    let small = leaving(1_000);
    // Once is enough: a busy machine makes it slower, nothing makes what is quadratic faster.
    let large: Vec<_> = (0..10).map(|_| leaving(10_000)).take_while(|large| *large >= small * 40).collect();
    assert!(large.len() < 10, "{large:?} instead of ten times {small:?}");
}

/// The best of three: how long it takes so many to leave, half of them from the middle.
fn leaving(waiting: u32) -> Duration {
    let once = || {
        let limiter = limiter(1, waiting);
        let _held = slot(&limiter);
        let mut places: Vec<Option<Place>> = (0..waiting).map(|_| Some(place(&limiter, "a"))).collect();
        let start = Instant::now();
        places.iter_mut().skip(1).step_by(2).for_each(|place| *place = None);
        places.iter_mut().rev().for_each(|place| *place = None);
        let time = start.elapsed();
        assert_eq!(limiter.waiting(), 0);
        time
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn h51_retry_after_follows_the_queue_and_the_time_requests_take() {
    #[track_caller]
    fn check(limit: u32, waiting: u32, service: Duration, expected: u64) {
        let limiter = limiter(limit, waiting);
        let now = Instant::now();
        let Admission::Admitted(sample) = limiter.admit(|| CallerKey::Everyone, now) else {
            panic!("there is room");
        };
        sample.release(now + service);
        let _held: Vec<Slot> = (0..limit).map(|_| slot(&limiter)).collect();
        let _places: Vec<Place> = (0..waiting).map(|_| place(&limiter, "a")).collect();
        assert_eq!(limiter.retry_after(), Duration::from_secs(expected));
    }
    let seconds = Duration::from_secs;
    check(0, 0, seconds(3), 3);
    check(1, 0, seconds(3), 3);
    check(1, 3, seconds(3), 12);
    check(4, 3, seconds(3), 3);
    check(4, 4, seconds(3), 4); // 3.75 s
    check(10, 0, Duration::from_millis(20), 1);
    check(1, 100, seconds(3), 60);
    check(1, 0, seconds(1_000_000_000), 60);
}

#[test]
fn h51_retry_after_counts_what_runs_beyond_a_lowered_limit() {
    let limiter = limiter(4, 1);
    let now = Instant::now();
    let Admission::Admitted(sample) = limiter.admit(|| CallerKey::Everyone, now) else {
        panic!("there is room");
    };
    sample.release(now + Duration::from_secs(8));
    let _held: Vec<Slot> = (0..4).map(|_| slot(&limiter)).collect();
    assert_eq!(limiter.retry_after(), Duration::from_secs(2)); // the first of four
    limiter.configure(1, &queue(1));
    assert_eq!(limiter.retry_after(), Duration::from_secs(8)); // all four
}

#[test]
fn retry_after_is_a_second_while_nothing_is_known() {
    let limiter = limiter(1, 0);
    let _held = slot(&limiter);
    assert_eq!(limiter.retry_after(), Duration::from_secs(1));
}

#[test]
fn h51_the_time_spent_waiting_is_no_service_time() {
    let limiter = limiter(1, 1);
    let start = Instant::now();
    let Admission::Admitted(first) = limiter.admit(|| CallerKey::Everyone, start) else {
        panic!("there is room");
    };
    let Admission::Waiting(mut second) = limiter.admit(|| CallerKey::Everyone, start) else {
        panic!("there is a queue");
    };
    first.release(start + Duration::from_secs(10));
    poll(&mut second).unwrap().release(start + Duration::from_secs(20));
    let _held = slot(&limiter);
    assert_eq!(limiter.retry_after(), Duration::from_secs(10));
}

#[test]
fn a_dry_run_counts_whom_it_would_refuse_and_lets_everybody_through() {
    let dry_run = QueueConfig { dry_run: true, ..queue(2) };
    let limiter = Arc::new(Limiter::new(3, &dry_run));
    let held: Vec<Slot> = (0..7).map(|_| slot(&limiter)).collect();
    assert_eq!(limiter.dry_run_refusals(), 2); // 3 would run, 2 would wait
    assert_eq!(limiter.in_flight(), 7);

    limiter.configure(3, &queue(0));
    assert_eq!(refusal(&limiter), QueueRefusal::NoQueue);
    drop(held);
    assert_eq!(limiter.dry_run_refusals(), 2);
}

#[test]
fn a_dry_run_without_a_limit_counts_nothing() {
    let limiter = Arc::new(Limiter::new(0, &QueueConfig { dry_run: true, ..queue(0) }));
    drop(slot(&limiter));
    assert_eq!(limiter.dry_run_refusals(), 0);
}

#[test]
fn places_and_slots_may_go_to_another_thread() {
    fn check<T: Send + Unpin>() {}
    check::<Place>();
    check::<Slot>();
}

fn queue(max_waiting: u32) -> QueueConfig {
    QueueConfig { max_waiting, ..QueueConfig::default() }
}

fn limiter(max_concurrent: u32, max_waiting: u32) -> Arc<Limiter> {
    Arc::new(Limiter::new(max_concurrent, &queue(max_waiting)))
}

fn fair(max_concurrent: u32, max_waiting: u32) -> Arc<Limiter> {
    let config = QueueConfig { per_identity: true, ..queue(max_waiting) };
    Arc::new(Limiter::new(max_concurrent, &config))
}

fn admit(limiter: &Arc<Limiter>, caller: &str) -> Admission {
    limiter.admit(|| CallerKey::Identity(caller.into()), Instant::now())
}

#[track_caller]
fn slot(limiter: &Arc<Limiter>) -> Slot {
    match admit(limiter, "a") {
        Admission::Admitted(slot) => slot,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn place(limiter: &Arc<Limiter>, caller: &str) -> Place {
    match admit(limiter, caller) {
        Admission::Waiting(place) => place,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refusal(limiter: &Arc<Limiter>) -> QueueRefusal {
    match admit(limiter, "a") {
        Admission::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}
