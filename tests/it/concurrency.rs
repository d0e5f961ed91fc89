//! How many requests run at one time, and what becomes of the others (020-US3, 020-FR-008 to 011).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gate_testkit::{
    Echo, Gateway, Mood, PATIENCE, Proxy, RawClient, Sidecar, Upstream, eventually, seed, within,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::reload::{execute, until_status};
use crate::setup::assert_refused;

/// A gateway with the proxy `/-/up`, changed by `with`, in front of a sidecar.
pub(crate) async fn in_front_of_sidecar(mood: Mood, with: impl Fn(Proxy) -> Proxy) -> (Gateway, Sidecar) {
    let sidecar = Sidecar::start(mood).await;
    let gateway = Gateway::start([with(Proxy::new("/-/up", &sidecar.url()))]).await;
    (gateway, sidecar)
}

/// A client whose request is under way.
pub(crate) async fn asking(gateway: &Gateway) -> RawClient {
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    client
}

/// Clients whose requests the sidecar works on.
async fn running(gateway: &Gateway, sidecar: &Sidecar, count: usize) -> Vec<RawClient> {
    let before = sidecar.running();
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(asking(gateway).await);
    }
    eventually(PATIENCE, || sidecar.running() == before + count).await;
    clients
}

fn seconds(response: &gate_testkit::Response, name: &str) -> u64 {
    let value = response.header(name).unwrap_or_else(|| panic!("no {name} in {response:?}"));
    value.parse().unwrap_or_else(|_| panic!("{name}: {value}"))
}

#[tokio::test]
async fn r020_us3_ac1_r020_us3_ac4_r020_fr_009_r020_fr_011_the_eleventh_of_ten_is_refused() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| proxy.max_concurrent(10)).await;
    let mut held = running(&gateway, &sidecar, 10).await;
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 429, "limit_concurrency");
    assert!((1..=60).contains(&seconds(&refused, "retry-after")), "{refused:?}");
    assert_eq!(refused.json()["error"], "Too Many Requests");
    sidecar.release(10);
    for client in &mut held {
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    assert_eq!(sidecar.arrived(), 10, "the upstream never saw the eleventh");
}

#[tokio::test]
async fn r020_us3_ac2_a_place_that_is_free_is_taken_at_once() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| proxy.max_concurrent(1)).await;
    for round in 0..20 {
        let mut client = running(&gateway, &sidecar, 1).await.remove(0);
        sidecar.release(1);
        assert_eq!(client.read_response().await.unwrap().status(), 200, "round {round}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_place() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| proxy.max_concurrent(2)).await;
    for _ in 0..10 {
        drop(running(&gateway, &sidecar, 2).await);
        eventually(PATIENCE, || sidecar.running() == 0).await;
    }
    assert!(sidecar.peak() <= 2);
}

#[tokio::test]
async fn r020_us3_ac3_with_a_queue_requests_wait_in_their_order() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| {
        proxy.max_concurrent(1).queue_config(r#"{"max_waiting":2,"timeout":30}"#)
    })
    .await;
    let mut first = running(&gateway, &sidecar, 1).await.remove(0);
    let mut second = asking(&gateway).await;
    assert!(second.is_silent_for(Duration::from_millis(200)).await, "it waits");
    let mut third = asking(&gateway).await;
    assert!(third.is_silent_for(Duration::from_millis(200)).await, "it waits");
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 429, "queue_full");
    assert!(seconds(&refused, "retry-after") >= 1);
    for client in [&mut first, &mut second, &mut third] {
        sidecar.release(1);
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    assert!(sidecar.peak() <= 1);
}

#[tokio::test]
async fn a_request_that_waited_long_enough_is_told_so() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| {
        proxy.max_concurrent(1).queue_config(r#"{"max_waiting":5,"timeout":1}"#)
    })
    .await;
    let _held = running(&gateway, &sidecar, 1).await;
    let started = Instant::now();
    let response = gateway.get("/-/up").await;
    assert_refused(&response, 503, "queue_timeout");
    assert!(seconds(&response, "retry-after") >= 1);
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(sidecar.arrived(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_leaves_the_queue_at_once() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| {
        proxy.max_concurrent(1).queue_config(r#"{"max_waiting":1,"timeout":30}"#)
    })
    .await;
    let mut held = running(&gateway, &sidecar, 1).await.remove(0);
    let left = || gateway.log().iter().filter(|line| line.field("reason") == "client_closed").count();
    for attempt in 1..=5 {
        let mut waiting = asking(&gateway).await;
        assert!(waiting.is_silent_for(Duration::from_millis(100)).await, "there is a place to wait");
        drop(waiting);
        eventually(PATIENCE, || left() == attempt).await;
    }
    let mut last = asking(&gateway).await;
    assert!(last.is_silent_for(Duration::from_millis(100)).await);
    sidecar.release(2);
    for client in [&mut held, &mut last] {
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    assert_eq!(sidecar.arrived(), 2, "those who left never reached the upstream");
}

#[tokio::test]
async fn waiting_is_not_part_of_the_time_a_request_may_take() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Slow(Duration::from_millis(1500)), |proxy| {
        proxy.timeout(2).max_concurrent(1).queue_config(r#"{"max_waiting":5,"timeout":30}"#)
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(asking(&gateway).await);
    }
    for client in &mut clients {
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    assert_eq!(sidecar.peak(), 1);
}

#[tokio::test]
async fn h34_r020_sc_005_a_limit_changes_while_requests_run_and_none_is_forgotten() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| proxy.max_concurrent(3)).await;
    let echo = Upstream::start(Echo).await;
    gateway.add(&Proxy::new("/-/edited", &echo.url()).active(false)).await;
    let mut held = running(&gateway, &sidecar, 3).await;
    execute(gateway.directory(), "UPDATE _proxies SET maxConcurrent = 5 WHERE path = '/-/up'").await;
    held.extend(running_once_allowed(&gateway, &sidecar, 2).await);
    assert_refused(&gateway.get("/-/up").await, 429, "limit_concurrency");
    execute(gateway.directory(), "UPDATE _proxies SET maxConcurrent = 2, timeout = 31, active = TRUE").await;
    until_status(&gateway, "/-/edited", 200).await;
    sidecar.release(3);
    eventually(PATIENCE, || sidecar.running() == 2).await;
    assert_refused(&gateway.get("/-/up").await, 429, "limit_concurrency");
    sidecar.release(2);
    for client in &mut held {
        assert_eq!(client.read_response().await.unwrap().status(), 200, "an edit cuts nothing");
    }
    assert!(sidecar.peak() <= 5);
}

/// Asks until that many more requests run: an edit takes a moment.
async fn running_once_allowed(gateway: &Gateway, sidecar: &Sidecar, count: usize) -> Vec<RawClient> {
    let wanted = sidecar.running() + count;
    let mut clients = Vec::new();
    let started = Instant::now();
    while sidecar.running() < wanted {
        assert!(started.elapsed() < PATIENCE, "the edit never took effect");
        let mut client = asking(gateway).await;
        if client.is_silent_for(Duration::from_millis(50)).await {
            clients.push(client);
        }
    }
    clients
}

#[tokio::test]
async fn h41_one_caller_may_have_so_many_at_one_time() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| proxy.limits(r#"{"per_ip":2}"#)).await;
    let held = running(&gateway, &sidecar, 2).await;
    let refused = gateway.get("/-/up").await;
    assert_refused(&refused, 429, "limit_caller");
    let mut other = gateway.connect_from("127.0.0.2".parse().unwrap()).await;
    other.send_request("GET", "/-/up", &[], b"").await.unwrap();
    eventually(PATIENCE, || sidecar.running() == 3).await;
    drop(held);
    eventually(PATIENCE, || sidecar.running() == 1).await;
    running(&gateway, &sidecar, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fairness_b_waits_two_service_times_while_a_floods() {
    const SERVICE: Duration = Duration::from_millis(50);
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Slow(SERVICE), |proxy| {
        proxy.max_concurrent(4).queue_config(r#"{"max_waiting":1000,"timeout":60,"per_identity":true}"#)
    })
    .await;
    let mut flood = JoinSet::new();
    for _ in 0..500 {
        let mut client = asking(&gateway).await;
        flood.spawn(async move { client.read_response().await });
    }
    eventually(PATIENCE, || sidecar.running() == 4).await;
    let mut waits = Vec::new();
    let mut b = gateway.connect_from("127.0.0.9".parse().unwrap()).await;
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(b.get("/-/up").await.status(), 200);
        waits.push(started.elapsed().saturating_sub(SERVICE));
    }
    waits.sort_unstable();
    // The middle one: the machine may be busy for a moment, the queue is not.
    assert!(waits[10] <= 2 * SERVICE, "{waits:?}");
    assert!(!flood.is_empty(), "A was still flooding");
    assert_eq!(sidecar.peak(), 4);
}

/// A smaller sibling of the exactness run in `make check`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r020_fr_010_r020_sc_005_never_more_than_the_limit_whatever_clients_edits_and_upstream_do() {
    exactly(5_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long, ten minutes: make check"]
async fn r020_fr_010_never_more_than_the_limit_over_a_million_requests() {
    exactly(1_000_000).await;
}

const LIMIT: u32 = 8;

/// What the gateway's own database may hold open once it has been busy: the
/// files of the connections its pool makes when edits come fast.
const DATABASE_DESCRIPTORS: usize = 12;

async fn exactly(requests: u64) {
    let (gateway, sidecar) =
        in_front_of_sidecar(Mood::Well, |proxy| {
            proxy.max_concurrent(LIMIT).queue_config(r#"{"max_waiting":20,"timeout":1}"#).circuit_breaker(
            r#"{"enabled":true,"failure_threshold":20,"recovery_timeout":1,"max_recovery_timeout":1}"#,
        ).timeout_config(r#"{"idle":1}"#)
        })
        .await;
    let descriptors = gateway.idle_descriptor_count().await;
    let (seed, left) = (seed(), Arc::new(AtomicU64::new(requests)));
    let mut clients = JoinSet::new();
    for number in 0..48 {
        let (address, left) = (gateway.address, Arc::clone(&left));
        clients.spawn(async move {
            let mut rng = SmallRng::seed_from_u64(seed ^ number);
            let mut counted = (0_u64, 0_u64);
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                let mut client = RawClient::connect(address).await;
                client.send_request("GET", "/-/up", &[], b"").await.unwrap();
                counted.0 += 1;
                let patience = Duration::from_millis(rng.random_range(0..40));
                if let Ok(answer) = tokio::time::timeout(patience, client.read_response()).await {
                    let status = answer.map_or(0, |answer| answer.status());
                    assert!(matches!(status, 0 | 200 | 429 | 500 | 502 | 503 | 504), "{status}");
                    counted.1 += 1;
                }
            }
            counted
        });
    }
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut edits = 0;
    while left.load(Relaxed) > 0 {
        edits += 1;
        let moods = [
            Mood::Well,
            Mood::Slow(Duration::from_millis(15)),
            Mood::Fails(500),
            Mood::Resets,
            Mood::ResetsInBody,
        ];
        sidecar.becomes(moods[rng.random_range(0..moods.len())]);
        let edit = [
            "UPDATE _proxies SET timeout = timeout % 60 + 1",
            "UPDATE _proxies SET description = description || 'x', updated = updated || ''",
            "UPDATE _proxies SET headers = '{\"X-Edited\":\"yes\"}'",
        ];
        execute(gateway.directory(), edit[rng.random_range(0..edit.len())]).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let counts = within(PATIENCE, clients.join_all()).await;
    let (asked, answered) = counts.iter().fold((0, 0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
    assert!(sidecar.peak() <= LIMIT as usize, "{} at one time", sidecar.peak());
    assert!(asked == requests && edits >= requests / 1_000, "{asked} asked, {edits} edits");
    assert!(answered > 100 && asked > answered, "{asked} asked, {answered} answered: some left, some stayed");
    eventually(PATIENCE, || sidecar.running() == 0).await;
    // Every place is back: the limit is reached again, and not passed.
    sidecar.becomes(Mood::Well);
    until_status(&gateway, "/-/up", 200).await;
    sidecar.becomes(Mood::Held);
    let mut held = running_once_allowed(&gateway, &sidecar, LIMIT as usize).await;
    sidecar.release(held.len() + 100);
    for client in &mut held {
        let _ = client.read_response().await;
    }
    assert!(sidecar.peak() <= LIMIT as usize, "{} at one time", sidecar.peak());
    drop(held);
    // Every connection to the sidecar was kept for the next request, and for none that was lost.
    eventually(PATIENCE, || sidecar.upstream.ledger.open() == 0).await;
    eventually(PATIENCE, || gateway.descriptor_count() <= descriptors + DATABASE_DESCRIPTORS).await;
}
