//! More clients than there is room for, less memory than it takes, and the end of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use gate_testkit::{
    BodyEnd, ByHand, Echo, Gateway, PATIENCE, Proxy, RawClient, Response, Signal, SseUpstream, Upstream,
    eventually, within,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::setup::assert_refused;

async fn in_front_of_echo(arguments: &[&str]) -> (Gateway, Upstream) {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    (Gateway::builder().proxy(proxy).arguments(arguments).start().await, upstream)
}

/// One request on its way: its upstream has read it and says nothing.
async fn with_one_waiting(arguments: &[&str]) -> (Gateway, ByHand, RawClient, gate_testkit::Peer) {
    let mut upstream = ByHand::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let gateway = Gateway::builder().proxy(proxy).arguments(arguments).start().await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let peer = upstream.accept_request().await;
    (gateway, upstream, client, peer)
}

/// A refusal after which the connection ends, and which says when to come back.
async fn assert_turned_away(client: &mut RawClient) {
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 503, "overloaded");
    assert_eq!((response.header("retry-after"), response.header("connection")), (Some("1"), Some("close")));
    client.expect_closed().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_and_closed_until_there_is_room() {
    let (gateway, _upstream) = in_front_of_echo(&["--max-connections", "3", "--workers", "2"]).await;
    let mut connected = Vec::new();
    for _ in 0..3 {
        let mut client = gateway.connect().await;
        assert_eq!(client.get("/-/up").await.status(), 200);
        connected.push(client);
    }
    for _ in 0..5 {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        assert_turned_away(&mut client).await;
    }
    gateway.logged(|line| line.field("limit") == "--max-connections").await;
    for client in &mut connected {
        assert_eq!(client.get("/-/up").await.status(), 200, "who is connected stays so");
    }
    connected.pop();
    within(PATIENCE, async { while gateway.get("/-/up").await.status() != 200 {} }).await;
}

#[tokio::test]
async fn one_address_does_not_take_all_the_room() {
    let (gateway, _upstream) = in_front_of_echo(&["--max-connections-per-ip", "2"]).await;
    let mut connected = Vec::new();
    for _ in 0..2 {
        let mut client = gateway.connect_from([127, 0, 0, 5].into()).await;
        assert_eq!(client.get("/-/up").await.status(), 200);
        connected.push(client);
    }
    assert_turned_away(&mut gateway.connect_from([127, 0, 0, 5].into()).await).await;
    assert_eq!(gateway.connect_from([127, 0, 0, 6].into()).await.get("/-/up").await.status(), 200);
}

#[tokio::test]
async fn a_flood_of_connections_beyond_the_limit_costs_little() {
    let (gateway, _upstream) = in_front_of_echo(&["--max-connections", "1"]).await;
    let mut client = gateway.connect().await;
    assert_eq!(client.get("/-/up").await.status(), 200);
    let mut flood = Vec::new();
    for _ in 0..500 {
        flood.push(gateway.connect().await);
    }
    assert_eq!(client.get("/-/up").await.status(), 200);
    for client in &mut flood {
        let _told_or_not: (Vec<u8>, std::io::Result<()>) = client.read_to_end().await;
    }
    let lines = gateway.log().iter().filter(|line| line.text.contains("turned away")).count();
    assert!((1..20).contains(&lines), "{lines} lines");
    let descriptors = gateway.descriptor_count();
    assert!(descriptors < 200, "{descriptors} descriptors");
}

#[tokio::test]
async fn short_of_memory_it_refuses_what_would_take_more() {
    let (gateway, upstream) = in_front_of_echo(&["--memory-limit", "1M"]).await;
    gateway.logged(|line| line.text.contains("short of memory")).await;
    let mut client = gateway.connect().await;
    let response = client.get("/-/up").await;
    assert_refused(&response, 503, "overloaded");
    assert_eq!(response.header("retry-after"), Some("1"));
    assert!(upstream.ledger.is_untouched());
    assert_eq!(client.get("/api/health").await.status(), 200, "somebody may be about to help");
    assert_refused(&client.get("/api/realtime").await, 503, "overloaded");
    assert_not_ready(&client.get("/api/gateway/ready").await, "memory");
}

#[track_caller]
fn assert_not_ready(response: &Response, reason: &str) {
    assert_eq!((response.status(), &response.json()["reason"]), (503, &reason.into()), "{response:?}");
}

#[tokio::test]
async fn with_memory_enough_it_is_ready() {
    for further in [&["--memory-limit", "64G"][..], &["--memory-limit", "0"], &[]] {
        let (gateway, _upstream) = in_front_of_echo(further).await;
        let response = gateway.get("/api/gateway/ready").await;
        assert_eq!((response.status(), &response.json()["ready"]), (200, &true.into()));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(gateway.get("/-/up").await.status(), 200);
    }
}

#[tokio::test]
async fn readiness_goes_first_and_connections_are_accepted_meanwhile() {
    let (mut gateway, _upstream) = in_front_of_echo(&["--drain-delay", "2"]).await;
    gateway.signal(Signal::Terminate);
    within(PATIENCE, async { while gateway.get("/api/gateway/ready").await.status() != 503 {} }).await;
    assert_not_ready(&gateway.get("/api/gateway/ready").await, "draining");
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn an_answer_given_while_draining_says_that_the_connection_ends() {
    let (mut gateway, _upstream, mut client, mut peer) = with_one_waiting(&[]).await;
    gateway.signal(Signal::Terminate);
    let address = gateway.address;
    within(PATIENCE, async { while TcpStream::connect(address).await.is_ok() {} }).await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_eq!((response.status(), response.header("connection")), (200, Some("close")));
    client.expect_closed().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_request_that_outlasts_the_drain_is_told_so() {
    let (mut gateway, _upstream, mut client, _peer) = with_one_waiting(&["--drain-timeout", "1"]).await;
    gateway.signal(Signal::Terminate);
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 503, "drain_timeout");
    assert_eq!((response.header("retry-after"), response.header("connection")), (Some("1"), Some("close")));
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.logged(|line| line.field("reason") == "drain_timeout").await;
}

#[tokio::test]
async fn a_stream_that_outlasts_the_drain_is_cut_so_that_its_client_can_tell() {
    let mut upstream = SseUpstream::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout_config("{\"sse_keepalive\":30}");
    let gateway = Gateway::builder().proxy(proxy).arguments(["--drain-timeout", "1"]);
    let mut gateway = gateway.start().await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let _stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    gateway.signal(Signal::Terminate);
    assert_eq!(client.read_body().await.unwrap(), (Vec::new(), BodyEnd::Truncated));
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.logged(|line| line.field("reason") == "drain_timeout").await;
}

#[tokio::test]
async fn who_was_connected_before_the_end_is_served() {
    let (mut gateway, _upstream) = in_front_of_echo(&["--workers", "2"]).await;
    gateway.signal(Signal::Stop);
    eventually(PATIENCE, || gateway.is_stopped()).await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        // The kernel accepts; the gateway does not know yet.
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        clients.push(client);
    }
    gateway.signal(Signal::Terminate);
    gateway.signal(Signal::Continue);
    for client in &mut clients {
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    drop(clients);
    assert_eq!(gateway.exit_code().await, Some(0));
}

/// Clients connect, ask and leave all the time. Whoever was connected before the signal is served; whoever came later is
/// served, told to come no more, or refused, and may be cut off only in the moment in which a listener closes.
#[tokio::test]
async fn who_connects_before_the_signal_is_served_however_many_come() {
    let (mut gateway, _upstream) = in_front_of_echo(&["--workers", "2"]).await;
    let (address, has_ended) = (gateway.address, Arc::new(AtomicBool::new(false)));
    let served = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let (has_ended, served) = (Arc::clone(&has_ended), Arc::clone(&served));
        clients.spawn(async move {
            while let Ok(stream) = TcpStream::connect(address).await {
                let is_in_time = !has_ended.load(Relaxed);
                let answer = ask(stream).await;
                assert!(
                    !is_in_time || answer.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 ")),
                    "{answer:?}"
                );
                served.fetch_add(usize::from(is_in_time), Relaxed);
            }
        });
    }
    eventually(PATIENCE, || served.load(Relaxed) > 200).await;
    has_ended.store(true, Relaxed);
    gateway.signal(Signal::Terminate);
    clients.join_all().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

/// One request, and all that is said to it.
async fn ask(mut stream: TcpStream) -> std::io::Result<String> {
    stream.write_all(b"GET /-/up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_process_that_was_frozen_has_not_stalled() {
    let (gateway, _upstream) = in_front_of_echo(&[]).await;
    gateway.signal(Signal::Stop);
    tokio::time::sleep(Duration::from_secs(3)).await;
    gateway.signal(Signal::Continue);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!gateway.log_text().contains("stalled"), "{}", gateway.log_text());
}
