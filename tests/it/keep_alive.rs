//! The client's side of a connection: many requests, in order, until one asks to close.

use std::time::Duration;

use gate_testkit::{ByHand, Gateway, PATIENCE, Proxy, RawClient, eventually, within};

use crate::setup::{assert_refused, in_front_of_echo};

fn request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let pipeline: String = (0..100).map(|number| request(&format!("/-/up/{number}"))).collect();
    client.send(pipeline).await.unwrap();
    for number in 0..100 {
        assert_eq!(client.read_response().await.unwrap().json()["target"], format!("/{number}"));
    }
    assert_eq!(upstream.ledger.accepted(), 1);
}

#[tokio::test]
async fn a_long_pipeline_does_not_starve_others() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut greedy = gateway.connect().await;
    let pipeline: String = (0..1000).map(|number| request(&format!("/-/up/{number}"))).collect();
    greedy.send(pipeline).await.unwrap();
    assert_eq!(gateway.get("/-/up").await.status(), 200);
    for number in 0..1000 {
        assert_eq!(greedy.read_response().await.unwrap().json()["target"], format!("/{number}"));
    }
}

#[tokio::test]
async fn pipelined_bodies_and_refusals_stay_in_step() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let pipeline = [
        "POST /-/up/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "GET /-/none HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT /-/up/2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /-/up/3 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /-/up/4 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    client.send(pipeline.concat()).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().json()["body_length"], 5);
    assert_refused(&client.read_response().await.unwrap(), 404, "not_found");
    assert_eq!(client.read_response().await.unwrap().json()["body_length"], 2);
    assert_eq!(client.read_response().await.unwrap().json()["code"], 200);
    assert_eq!(client.read_response_to("HEAD").await.unwrap().status(), 200);
    assert_eq!(client.read_response().await.unwrap().json()["target"], "/4");
    assert_eq!(upstream.ledger.complete_count(), 4);
}

#[tokio::test]
async fn after_a_bad_request_nothing_more_is_read() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    client.send([&request("/-/up/1"), "GET /-/up/2\r\n\r\n", &request("/-/up/3")].concat()).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().json()["target"], "/1");
    assert_refused(&client.read_response().await.unwrap(), 400, "bad_request");
    client.expect_closed().await;
    assert_eq!(upstream.ledger.only_request().head.target, "/1");
}

#[tokio::test]
async fn two_empty_lines_between_requests_are_skipped() {
    let (gateway, _upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    for _ in 0..3 {
        client.send(format!("\r\n\r\n{}", request("/-/up"))).await.unwrap();
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn bytes_behind_an_upgrade_are_the_next_request() {
    let (gateway, upstream) = in_front_of_echo().await;
    let mut client = gateway.connect().await;
    let upgrade = "GET /-/up/1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";
    client.send([upgrade, &request("/-/up/2")].concat()).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().json()["target"], "/1");
    assert_eq!(client.read_response().await.unwrap().json()["target"], "/2");
    assert_eq!(upstream.ledger.complete_count(), 2);
}

/// Sends one request and reports whether the gateway then closes.
async fn closes_after(client: &mut RawClient, head: &str) -> bool {
    client.send(head).await.unwrap();
    assert_eq!(client.read_response().await.unwrap().status(), 200, "{head}");
    !client.is_silent_for(Duration::from_millis(300)).await
}

#[tokio::test]
async fn a_connection_stays_open_exactly_when_it_should() {
    let (gateway, _upstream) = in_front_of_echo().await;
    for (head, closes) in [
        ("GET /-/up HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("GET /-/up HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false),
        ("GET /-/up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true),
        ("GET /-/up HTTP/1.1\r\nHost: a\r\nConnection: X-A, Close\r\n\r\n", true),
        ("GET /-/up HTTP/1.0\r\nHost: a\r\n\r\n", true),
        ("GET /-/up HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", false),
    ] {
        assert_eq!(closes_after(&mut gateway.connect().await, head).await, closes, "{head}");
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_counts_as_gone() {
    // RFC 9112 section 9.6 would have it answered, but an orderly close looks the same, and a client that
    // left must not keep its upstream busy.
    let mut upstream = ByHand::start().await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    let mut client = gateway.connect().await;
    client.send(request("/-/up")).await.unwrap();
    let mut peer = upstream.accept_request().await;
    client.half_close().await.unwrap();
    let _closed: std::io::Result<()> = within(PATIENCE, peer.until_closed()).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_client_that_says_nothing_costs_nothing_upstream() {
    let (gateway, upstream) = in_front_of_echo().await;
    let before = gateway.idle_descriptor_count().await;
    let silent: Vec<_> = [gateway.connect().await, gateway.connect().await].into();
    eventually(PATIENCE, || gateway.descriptor_count() >= before + 2).await;
    drop(silent);
    eventually(PATIENCE, || gateway.descriptor_count() <= before).await;
    assert!(upstream.ledger.is_untouched());
    assert!(!gateway.log_text().contains("\"499\""), "no request was lost");
}
