//! How many retries a proxy may make.

use gate_traffic::RetryBudget;
use std::time::{Duration, Instant};

fn spend_all(budget: &RetryBudget, now: Instant) -> usize {
    (0..10_000).take_while(|_| budget.spend(now)).count()
}

#[test]
fn retries_may_be_a_fifth_of_the_requests() {
    let now = Instant::now();
    let budget = RetryBudget::new(20, now);
    (0..1000).for_each(|_| budget.counted(now));
    assert_eq!(spend_all(&budget, now), 200);
}

#[test]
fn a_proxy_with_few_requests_may_retry_three_times_in_ten_seconds() {
    let start = Instant::now();
    let budget = RetryBudget::new(20, start);
    budget.counted(start);
    assert_eq!(spend_all(&budget, start), 3);
    let later = start + Duration::from_millis(9_999);
    assert_eq!(spend_all(&budget, later), 0);
    assert_eq!(spend_all(&budget, start + Duration::from_secs(10)), 3);
}

#[test]
fn a_dead_upstream_sees_at_most_a_fifth_more_than_its_traffic() {
    let start = Instant::now();
    let budget = RetryBudget::new(20, start);
    // A minute of 100 requests a second, each tried three times again.
    let (mut requests, mut retries) = (0, 0);
    for request in 0..6000 {
        let now = start + Duration::from_millis(request * 10);
        budget.counted(now);
        requests += 1;
        retries += (0..3).take_while(|_| budget.spend(now)).count();
    }
    assert!(retries * 5 <= requests, "{retries} retries of {requests} requests");
    assert!(retries * 6 >= requests, "{retries} retries of {requests} requests: too few");
}

#[test]
fn an_edit_changes_the_share_and_keeps_what_was_counted() {
    let now = Instant::now();
    let budget = RetryBudget::new(20, now);
    (0..100).for_each(|_| budget.counted(now));
    assert_eq!(spend_all(&budget, now), 20);
    budget.configure(50);
    assert_eq!(spend_all(&budget, now), 30);
    budget.configure(10);
    assert_eq!(spend_all(&budget, now), 0);
}

#[test]
fn threads_together_spend_no_more_than_there_is() {
    let now = Instant::now();
    let budget = RetryBudget::new(20, now);
    (0..1000).for_each(|_| budget.counted(now));
    let spent: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| spend_all(&budget, now))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(spent, 200);
}
