//! What a gateway costs in memory. Meant for the release binary: an unoptimised one holds more.

use gate_testkit::{
    BodyEnd, Echo, Gateway, PATIENCE, Pattern, Proxy, RawClient, SseUpstream, Upstream, eventually,
};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// A gateway that has served a few requests, so that what is allocated once is there.
async fn warm(url: &str) -> Gateway {
    warm_with(url, &[]).await
}

async fn warm_with(url: &str, arguments: &[&str]) -> Gateway {
    let proxy = Proxy::new("/-/up", url);
    let gateway = Gateway::builder().proxy(proxy).arguments(arguments.iter().copied()).start().await;
    for _ in 0..20 {
        gateway.get("/-/none").await;
    }
    gateway
}

#[track_caller]
fn assert_grown_by_less_than(gateway: &Gateway, before: u64, limit: u64, what: &str) {
    let grown = gateway.rss_bytes().saturating_sub(before);
    assert!(grown < limit, "{what}: resident memory grew by {grown} bytes, {limit} are granted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make check"]
async fn r020_ec2_r019_ec2_a_gigabyte_each_way_is_not_kept() {
    let upstream = Upstream::start(Echo).await;
    let gateway = warm(&upstream.url()).await;
    let before = gateway.rss_bytes();
    let mut client = gateway.connect().await;
    client.send(format!("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: {GIB}\r\n\r\n")).await.unwrap();
    for block in Pattern::new(1, GIB) {
        client.send(block).await.unwrap();
    }
    assert_eq!(client.read_response().await.unwrap().json()["sha256"], Pattern::new(1, GIB).sha256());
    assert_grown_by_less_than(&gateway, before, 8 * MIB, "upload");
    assert_eq!(download(&mut client, GIB).await, GIB);
    assert_grown_by_less_than(&gateway, before, 8 * MIB, "download");
}

async fn download(client: &mut RawClient, bytes: u64) -> u64 {
    client.send_request("GET", &format!("/-/up?bytes={bytes}"), &[], b"").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 200);
    let mut received = 0;
    while let Some(part) = client.read_part().await.unwrap() {
        received += part.len() as u64;
    }
    received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make check"]
async fn r005_sc_003_a_thousand_open_streams_cost_less_than_5_mib() {
    let mut upstream = SseUpstream::start().await;
    let gateway = warm(&upstream.url()).await;
    let before = gateway.rss_bytes();
    let mut streams = Vec::new();
    for _ in 0..1000 {
        let mut client = gateway.connect().await;
        client.send_request("GET", "/-/up", &[], b"").await.unwrap();
        let mut stream = upstream.open_stream().await;
        client.read_head().await.unwrap();
        stream.send_event("token").await.unwrap();
        client.read_part().await.unwrap();
        streams.push((client, stream));
    }
    assert_grown_by_less_than(&gateway, before, 5 * MIB, "1,000 streams");
    for (client, stream) in &mut streams {
        stream.send_event("another").await.unwrap();
        assert!(client.read_part().await.unwrap().is_some());
        stream.end().await.unwrap();
        assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Complete);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make check"]
async fn r019_ec3_five_hundred_slow_readers_cost_less_than_64_kib_each() {
    let upstream = Upstream::start(Echo).await;
    let gateway = warm(&upstream.url()).await;
    let before = gateway.rss_bytes();
    let mut slow = Vec::new();
    for _ in 0..500 {
        let mut client = gateway.connect().await;
        client.send_request("GET", &format!("/-/up?bytes={GIB}"), &[], b"").await.unwrap();
        assert_eq!(client.read_head().await.unwrap().status, 200);
        slow.push(client);
    }
    assert_grown_by_less_than(&gateway, before, 500 * 64 * 1024, "500 readers that do not read");
}

/// Both processes need 10,000 descriptors and some more. By itself the gateway keeps half of those it may have for upstreams;
/// requests that come one after the other need one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: make check"]
async fn ten_thousand_idle_connections_cost_less_than_45_mib_in_all() {
    let upstream = Upstream::start(Echo).await;
    let gateway = warm_with(&upstream.url(), &["--max-connections", "10100"]).await;
    let mut idle = Vec::new();
    for number in 0..10_000_u32 {
        let last = u8::try_from(number % 4 + 1).unwrap();
        let mut client = gateway.connect_from([127, 0, 0, last].into()).await;
        assert_eq!(client.get("/-/up?bytes=100").await.status(), 200);
        idle.push(client);
    }
    let resident = gateway.rss_bytes();
    assert!(resident < 45 * MIB, "{resident} bytes with 10,000 idle connections");
    for client in idle.iter_mut().step_by(97) {
        assert_eq!(client.get("/-/up?bytes=100").await.status(), 200, "an idle connection is alive");
    }
    let descriptors = gateway.descriptor_count();
    drop(idle);
    eventually(PATIENCE, || gateway.descriptor_count() + 9_900 <= descriptors).await;
}

#[tokio::test]
#[ignore = "long: make check"]
async fn an_idle_process_costs_less_than_15_mib() {
    let gateway = Gateway::start([]).await;
    assert_eq!(gateway.get("/api/health").await.status(), 200);
    assert!(gateway.rss_bytes() < 15 * MIB, "{} bytes", gateway.rss_bytes());
}
