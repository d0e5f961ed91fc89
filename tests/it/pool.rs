//! How often the gateway dials, and what it holds afterwards (020-US2).

use std::time::Duration;

use gate_testkit::{ByHand, Echo, Gateway, PATIENCE, Peer, Proxy, RawClient, Upstream, eventually, within};
use tokio::task::JoinSet;

use crate::setup::in_front_of_echo;

/// Sends a GET from each of `count` clients at the same time; the upstream answers when all are there.
async fn hold_in_parallel(gateway: &Gateway, upstream: &mut ByHand, count: usize) -> Vec<Peer> {
    let mut requests = JoinSet::new();
    for _ in 0..count {
        let mut client = RawClient::connect(gateway.address).await;
        requests.spawn(async move { client.get("/-/up").await.status() });
    }
    let mut peers = Vec::new();
    for _ in 0..count {
        peers.push(upstream.accept_request().await);
    }
    for peer in &mut peers {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    }
    let statuses = within(PATIENCE, requests.join_all()).await;
    assert_eq!(statuses, vec![200; count]);
    peers
}

#[tokio::test]
async fn r020_us2_ac1_r020_nfr_002_r020_sc_001_a_hundred_sequential_requests_use_one_connection() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for number in 0..100 {
        assert_eq!(client.get(&format!("/-/up/{number}")).await.status(), 200);
    }
    assert_eq!((upstream.ledger.request_count(), upstream.ledger.accepted()), (100, 1));
}

#[tokio::test]
async fn r019_us3_ac1_r019_sc_003_connections_are_reused_across_clients() {
    let (gateway, upstream) = in_front_of_echo().await;
    for _ in 0..100 {
        assert_eq!(gateway.get("/-/up").await.status(), 200);
    }
    assert!(upstream.ledger.accepted() <= 10, "{} of 100 were dialled", upstream.ledger.accepted());
}

#[tokio::test]
async fn r019_fr_006_proxies_with_one_upstream_share_its_connections() {
    let upstream = Upstream::start(Echo).await;
    let gateway =
        Gateway::start(["/-/a", "/-/b", "/-/c"].map(|path| Proxy::new(path, &(upstream.url() + path)))).await;
    let mut client = gateway.connect().await;
    for path in ["/-/a", "/-/b", "/-/c"] {
        client.get(path).await;
    }
    assert_eq!(upstream.ledger.accepted(), 1);
}

#[tokio::test]
async fn r020_us2_ac2_a_hundred_parallel_requests_use_at_most_as_many_connections() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    hold_in_parallel(&gateway, &mut upstream, 100).await;
    assert_eq!(upstream.upstream.ledger.accepted(), 100);
}

#[tokio::test]
async fn r020_us2_ac3_r020_us2_ac4_r020_ec5_hundreds_in_parallel_are_all_served() {
    let (gateway, upstream) = in_front_of_echo().await;
    for count in [200, 300] {
        let mut requests = JoinSet::new();
        for _ in 0..count {
            let mut client = RawClient::connect(gateway.address).await;
            requests.spawn(async move {
                let statuses = [client.get("/-/up").await.status(), client.get("/-/up").await.status()];
                assert_eq!(statuses, [200, 200]);
            });
        }
        within(PATIENCE, requests.join_all()).await;
    }
    assert_eq!(upstream.ledger.complete_count(), 1000);
    assert!(upstream.ledger.open_peak() <= 300, "{} connections at once", upstream.ledger.open_peak());
}

#[tokio::test]
async fn r019_us3_ac3_descriptors_return_to_the_baseline() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).timeout_config("{\"idle\":1}")]).await;
    gateway.get("/-/up").await;
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    let baseline = gateway.idle_descriptor_count().await;
    for _ in 0..3 {
        let mut requests = JoinSet::new();
        for _ in 0..100 {
            let mut client = RawClient::connect(gateway.address).await;
            requests.spawn(async move { assert_eq!(client.get("/-/up?bytes=1000").await.status(), 200) });
        }
        within(PATIENCE, requests.join_all()).await;
    }
    eventually(PATIENCE, || gateway.descriptor_count() <= baseline).await;
}

#[tokio::test]
async fn r020_us1_ac4_r019_us3_ac2_an_idle_connection_is_reaped_and_a_new_one_made() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url()).timeout_config("{\"idle\":1}")]).await;
    let mut client = gateway.connect().await;
    client.get("/-/up").await;
    let idle = eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    assert!((Duration::from_millis(500)..Duration::from_secs(4)).contains(&idle), "closed after {idle:?}");
    assert_eq!(client.get("/-/up").await.status(), 200);
    assert_eq!(upstream.ledger.accepted(), 2);
}

#[tokio::test]
async fn r020_fr_006_at_most_a_hundred_idle_connections_are_kept_for_one_upstream() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::builder()
        .proxy(Proxy::new("/-/up", &upstream.url()))
        .arguments(["--workers", "1"])
        .start()
        .await;
    let mut watched = JoinSet::new();
    for mut peer in hold_in_parallel(&gateway, &mut upstream, 150).await {
        watched.spawn(async move { peer.until_closed().await });
    }
    eventually(PATIENCE, || upstream.upstream.ledger.open() <= 100).await;
    assert!(upstream.upstream.ledger.open() >= 90, "only {} kept", upstream.upstream.ledger.open());
}

#[tokio::test]
async fn an_upstream_that_says_close_is_not_pooled() {
    let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let old = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for answer in [close, old] {
        let (gateway, upstream) =
            crate::setup::in_front_of(gate_testkit::Answer::then_keep_open(answer)).await;
        let mut client = gateway.connect().await;
        for round in 1..=3 {
            assert_eq!(client.get("/-/up").await.text(), "ok");
            assert_eq!(upstream.ledger.accepted(), round, "{answer}");
        }
        eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    }
}
