//! A client that goes away takes its upstream connection with it, in every phase.

use std::time::{Duration, Instant};

use gate_testkit::{
    Blackhole, ByHand, Gateway, Mood, PATIENCE, Peer, Proxy, RawClient, SseUpstream, eventually, quickest_of,
    within,
};
use tokio::time::timeout;

use crate::concurrency::{asking, in_front_of_sidecar};
use crate::setup::in_front_of_echo;

/// What the issue promises.
const CANCEL_MAX: Duration = Duration::from_millis(100);

/// The machine of a test is busy: what the gateway can do shows in the quickest of a few attempts.
const ATTEMPTS: usize = 4;

/// For so long whoever could go on has gone on.
const SILENCE: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug)]
enum Leaving {
    InOrder,
    ByReset,
}

/// Makes the client leave and returns how long the upstream's connection outlived it.
async fn outlived(client: RawClient, leaving: Leaving, mut peer: Peer) -> Duration {
    let left = Instant::now();
    match leaving {
        Leaving::InOrder => drop(client),
        Leaving::ByReset => client.reset(),
    }
    let _closed: std::io::Result<()> = within(PATIENCE, peer.until_closed()).await;
    left.elapsed()
}

/// Requests of 1 KiB each, one behind the other.
fn requests(path: &str, count: usize) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Padding: ");
    let padding = "x".repeat(1024 - head.len() - 4);
    format!("{head}{padding}\r\n\r\n").repeat(count)
}

/// `status` is what the client got; 499 for nothing.
async fn assert_logged_as_client_closed(gateway: &Gateway, status: &str) {
    let line = gateway.logged(|line| line.field("reason") == "client_closed").await;
    assert_eq!(line.field("status"), status, "{}", line.text);
    assert!(
        !gateway.log().iter().any(|line| line.field("reason").starts_with("upstream_")),
        "{}",
        gateway.log_text()
    );
}

#[tokio::test]
async fn while_waiting_for_the_head() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    for leaving in [Leaving::InOrder, Leaving::ByReset] {
        let mut quickest = PATIENCE;
        for _ in 0..ATTEMPTS {
            let mut client = gateway.connect().await;
            client.send_request("GET", "/-/up", &[], b"").await.unwrap();
            let peer = upstream.accept_request().await;
            quickest = quickest.min(outlived(client, leaving, peer).await);
        }
        assert!(quickest <= CANCEL_MAX, "{leaving:?}: {quickest:?}");
    }
    assert_logged_as_client_closed(&gateway, "499").await;
}

#[tokio::test]
async fn in_the_response_body() {
    let mut upstream = SseUpstream::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    for leaving in [Leaving::InOrder, Leaving::ByReset] {
        let mut quickest = PATIENCE;
        for _ in 0..ATTEMPTS {
            let mut client = gateway.connect().await;
            client.send_request("GET", "/-/up", &[], b"").await.unwrap();
            let mut stream = upstream.open_stream().await;
            stream.send_event("token").await.unwrap();
            client.read_head().await.unwrap();
            client.read_part().await.unwrap();
            quickest = quickest.min(outlived(client, leaving, stream.peer).await);
        }
        assert!(quickest <= CANCEL_MAX, "{leaving:?}: {quickest:?}");
    }
    assert_logged_as_client_closed(&gateway, "200").await;
}

#[tokio::test]
async fn in_the_request_body() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut quickest = PATIENCE;
    for _ in 0..ATTEMPTS {
        let mut client = gateway.connect().await;
        client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap();
        let mut peer = upstream.accept().await;
        within(PATIENCE, peer.read_head()).await.unwrap().unwrap();
        quickest = quickest.min(outlived(client, Leaving::ByReset, peer).await);
    }
    assert!(quickest <= CANCEL_MAX, "{quickest:?}");
    assert_eq!(upstream.upstream.ledger.complete_count(), 0);
    assert_logged_as_client_closed(&gateway, "499").await;
}

#[tokio::test]
async fn after_the_request_body_while_the_upstream_thinks() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut quickest = PATIENCE;
    for _ in 0..ATTEMPTS {
        let mut client = gateway.connect().await;
        client.send_request("POST", "/-/up", &[], &vec![0; 100_000]).await.unwrap();
        let peer = upstream.accept_request().await;
        quickest = quickest.min(outlived(client, Leaving::InOrder, peer).await);
    }
    assert!(quickest <= CANCEL_MAX, "{quickest:?}");
}

#[tokio::test]
async fn while_waiting_for_the_head_with_more_behind_it_than_a_buffer_holds() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    for leaving in [Leaving::InOrder, Leaving::ByReset] {
        let mut quickest = PATIENCE;
        for _ in 0..ATTEMPTS {
            let mut client = gateway.connect().await;
            client.send(requests("/-/up", 100)).await.unwrap();
            let peer = upstream.accept_request().await;
            quickest = quickest.min(outlived(client, leaving, peer).await);
        }
        assert!(quickest <= CANCEL_MAX, "{leaving:?}: {quickest:?}");
    }
    assert_logged_as_client_closed(&gateway, "499").await;
}

#[tokio::test]
async fn while_the_upstream_does_not_read_the_body() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let noticed = || gateway.log().iter().filter(|line| line.field("reason") == "client_closed").count();
    let mut quickest = PATIENCE;
    for attempt in 1..=ATTEMPTS {
        let mut client = gateway.connect().await;
        client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n").await.unwrap();
        let mut peer = upstream.accept().await;
        within(PATIENCE, peer.read_head()).await.unwrap().unwrap();
        let part = vec![0; 1 << 20];
        while timeout(SILENCE, client.send(&part)).await.is_ok() {}
        let left = Instant::now();
        client.reset();
        eventually(PATIENCE, || noticed() == attempt).await;
        quickest = quickest.min(left.elapsed());
        let _closed: std::io::Result<()> = within(PATIENCE, peer.until_closed()).await;
    }
    assert!(quickest <= CANCEL_MAX, "{quickest:?}");
    assert_eq!(upstream.upstream.ledger.complete_count(), 0);
}

#[tokio::test]
async fn in_the_queue_with_more_of_a_body_than_a_buffer_holds() {
    let (gateway, sidecar) = in_front_of_sidecar(Mood::Held, |proxy| {
        proxy.max_concurrent(1).queue_config(r#"{"max_waiting":1,"timeout":30}"#)
    })
    .await;
    let mut held = asking(&gateway).await;
    eventually(PATIENCE, || sidecar.running() == 1).await;
    let body = vec![7; 90_000];
    let left = || gateway.log().iter().filter(|line| line.field("reason") == "client_closed").count();
    for leaving in [Leaving::InOrder, Leaving::ByReset] {
        let before = left();
        let mut waiting = gateway.connect().await;
        waiting.send_request("POST", "/-/up", &[], &body).await.unwrap();
        assert!(waiting.is_silent_for(SILENCE).await, "{leaving:?}: there is a place to wait");
        match leaving {
            Leaving::InOrder => drop(waiting),
            Leaving::ByReset => waiting.reset(),
        }
        eventually(PATIENCE, || left() == before + 1).await;
    }
    let mut last = gateway.connect().await;
    last.send_request("POST", "/-/up", &[], &body).await.unwrap();
    assert!(last.is_silent_for(SILENCE).await);
    sidecar.release(2);
    for client in [&mut held, &mut last] {
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    assert_eq!(sidecar.arrived(), 2, "those who left never reached the upstream");
}

#[tokio::test]
async fn what_came_meanwhile_is_served_though_no_buffer_holds_it() {
    const COUNT: usize = 100;
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send(requests("/-/up", COUNT)).await.unwrap();
    let mut peer = upstream.accept_request().await;
    assert!(client.is_silent_for(SILENCE).await, "the gateway has read as much as it holds");
    for number in 0..COUNT {
        if number > 0 {
            within(PATIENCE, peer.read_request()).await.unwrap().unwrap();
        }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        assert_eq!(client.read_response().await.unwrap().status(), 200, "request {number}");
    }
    assert_eq!(client.get("/-/none").await.status(), 404, "and what comes after it");
}

#[tokio::test]
async fn while_connecting() {
    let hole = Blackhole::start();
    let gateway =
        Gateway::start([Proxy::new("/-/up", &hole.url()).timeout_config("{\"dial\":60}").timeout(60)]).await;
    // The first connection and the first request open what stays open, such as the request log.
    drop(gateway.connect().await);
    assert_eq!(gateway.get("/-/none").await.status(), 404);
    let baseline = gateway.idle_descriptor_count().await;
    let quickest = quickest_of(ATTEMPTS, || async {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        eventually(PATIENCE, || gateway.descriptor_count() >= baseline + 2).await;
        drop(client);
        eventually(PATIENCE, || gateway.descriptor_count() <= baseline).await
    })
    .await;
    assert!(quickest <= CANCEL_MAX, "{quickest:?}");
    assert_logged_as_client_closed(&gateway, "499").await;
}

#[tokio::test]
async fn after_any_byte_of_a_request() {
    let (gateway, upstream) = in_front_of_echo().await;
    // The first request opens what stays open, such as the request log.
    assert_eq!(gateway.get("/-/none").await.status(), 404);
    let baseline = gateway.idle_descriptor_count().await;
    let request = "POST /-/up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n";
    for sent in 0..request.len() {
        let mut client = gateway.connect().await;
        client.send(&request[..sent]).await.unwrap();
        if sent % 2 == 0 { client.reset() } else { drop(client) }
    }
    eventually(PATIENCE, || gateway.descriptor_count() <= baseline && upstream.ledger.open() == 0).await;
    assert_eq!(upstream.ledger.complete_count(), 0, "no part of a request looks like all of it");
    let mut client = gateway.connect().await;
    client.send(request).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().json()["body_length"], 5);
}

#[tokio::test]
async fn a_pipelined_request_behind_it_is_not_started() {
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    let request = "GET /-/up HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send([request, request].concat()).await.unwrap();
    let mut peer = upstream.accept_request().await;
    client.reset();
    let _closed: std::io::Result<()> = within(PATIENCE, peer.until_closed()).await;
    assert_eq!(upstream.upstream.ledger.request_count(), 1);
}

#[tokio::test]
async fn a_cancelled_exchange_leaves_nothing_behind() {
    let mut upstream = SseUpstream::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    assert_eq!(gateway.get("/-/none").await.status(), 404);
    let baseline = gateway.idle_descriptor_count().await;
    for _ in 0..50 {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        let mut stream = upstream.open_stream().await;
        client.read_head().await.unwrap();
        drop(client);
        let _closed: std::io::Result<()> = within(PATIENCE, stream.peer.until_closed()).await;
    }
    eventually(PATIENCE, || gateway.descriptor_count() <= baseline).await;
    let count = || gateway.log().iter().filter(|line| line.field("reason") == "client_closed").count();
    eventually(PATIENCE, || count() == 50).await;
}
