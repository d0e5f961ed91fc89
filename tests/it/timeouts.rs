//! Each phase has a limit of its own, and a word of its own when it is over (contract D-6, 020-US1).

use std::time::{Duration, Instant};

use gate_testkit::{
    Blackhole, BodyEnd, ByHand, Gateway, H2Behaviour, H2Upstream, PATIENCE, Proxy, SseUpstream,
    StallAfterHead, TestAuthority, Upstream, eventually,
};

use crate::setup::assert_refused;

/// A loaded machine is late, a correct timer is never early.
const LATE_MAX: Duration = Duration::from_millis(1_500);
const EARLY_MAX: Duration = Duration::from_millis(300);

/// Sends a GET and checks that it is refused with 504 after about that time.
async fn assert_timeout(gateway: &Gateway, reason: &str, seconds: u64) {
    let mut client = gateway.connect().await;
    let started = Instant::now();
    let response = client.get("/-/up").await;
    let took = started.elapsed();
    assert_refused(&response, 504, reason);
    assert_eq!(response.json()["error"], "Gateway Timeout");
    let expected = Duration::from_secs(seconds);
    assert!(took + EARLY_MAX >= expected && took <= expected + LATE_MAX, "{reason} after {took:?}");
    let line = gateway.logged(|line| line.field("reason") == reason).await;
    assert_eq!(line.field("status"), "504", "{}", line.text);
}

/// A gateway in front of an upstream that reads requests and says nothing.
async fn silent(adapt: impl FnOnce(Proxy) -> Proxy) -> (Gateway, ByHand) {
    let upstream = ByHand::start().await;
    let gateway = Gateway::start([adapt(Proxy::new("/-/up", &upstream.url()))]).await;
    (gateway, upstream)
}

#[tokio::test]
async fn r020_us1_ac1_r020_fr_001_an_upstream_that_does_not_accept_is_504_after_two_seconds() {
    let hole = Blackhole::start();
    let gateway = Gateway::start([Proxy::new("/-/up", &hole.url())]).await;
    assert_refused(&gateway.get("/-/none").await, 404, "not_found");
    let baseline = gateway.idle_descriptor_count().await;
    assert_timeout(&gateway, "timeout_connect", 2).await;
    eventually(PATIENCE, || gateway.descriptor_count() <= baseline).await;
}

#[tokio::test]
async fn the_dial_timeout_can_be_set() {
    let hole = Blackhole::start();
    let gateway = Gateway::start([Proxy::new("/-/up", &hole.url()).timeout_config("{\"dial\":1}")]).await;
    assert_timeout(&gateway, "timeout_connect", 1).await;
}

#[tokio::test]
async fn an_upstream_that_never_shakes_hands_is_504_after_the_tls_timeout() {
    let authority = TestAuthority::new();
    let mut upstream = ByHand::start().await;
    let url = upstream.url().replace("http://", "https://");
    let proxy = Proxy::new("/-/up", &url).timeout_config("{\"tls\":1}");
    let gateway = Gateway::builder().trusting(&authority).proxy(proxy).start().await;
    let (mut peer, ()) = tokio::join!(upstream.accept(), assert_timeout(&gateway, "timeout_tls", 1));
    let _closed: std::io::Result<()> = peer.until_closed().await;
}

#[tokio::test]
async fn r020_us1_ac2_r020_fr_002_a_late_first_byte_is_504() {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"response_header\":1}")).await;
    let gateway = &gateway;
    let request = assert_timeout(gateway, "timeout_first_byte", 1);
    let upstream_side = async {
        let mut peer = upstream.accept_request().await;
        peer.until_closed().await
    };
    let ((), _closed) = tokio::join!(request, upstream_side);
    eventually(PATIENCE, || upstream.upstream.ledger.open() == 0).await;
}

#[tokio::test]
async fn r020_fr_002_a_late_first_byte_is_504_over_http2_too() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Stall).await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout_config("{\"response_header\":1}");
    let gateway = Gateway::builder().trusting(&authority).proxy(proxy).start().await;
    assert_timeout(&gateway, "timeout_first_byte", 1).await;
    eventually(PATIENCE, || upstream.open_streams() == 0).await;
}

#[tokio::test]
async fn r005_ec1_r005_fr_010_r019_us4_ac2_a_head_later_than_timeout_is_504() {
    let (gateway, upstream) = silent(|proxy| proxy.timeout(1)).await;
    assert_timeout(&gateway, "timeout_total", 1).await;
    assert_eq!(upstream.upstream.ledger.accepted(), 1);
}

#[tokio::test]
async fn h44_the_shorter_limit_gives_the_reason() {
    let (gateway, _upstream) =
        silent(|proxy| proxy.timeout(3).timeout_config("{\"response_header\":1}")).await;
    assert_timeout(&gateway, "timeout_first_byte", 1).await;
}

#[tokio::test]
async fn camel_case_members_mean_the_same() {
    let (gateway, _upstream) = silent(|proxy| proxy.timeout_config("{\"responseHeader\":1}")).await;
    assert_timeout(&gateway, "timeout_first_byte", 1).await;
}

#[tokio::test]
async fn h46_r020_us1_ac3_r020_fr_004_r020_ec1_without_a_limit_the_first_byte_may_take_long() {
    let (gateway, mut upstream) =
        silent(|proxy| proxy.timeout(1).timeout_config("{\"response_header\":0}")).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    assert!(client.is_silent_for(Duration::from_secs(4)).await, "cut although response_header is 0");
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().text(), "late");
}

#[tokio::test]
async fn d6_timeout_bounds_the_sending_even_when_the_wait_for_the_head_is_unlimited() {
    let (gateway, mut upstream) =
        silent(|proxy| proxy.timeout(2).timeout_config("{\"response_header\":0}")).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    let mut peer = upstream.accept().await;
    peer.read_head().await.unwrap();
    let started = Instant::now();
    let response = loop {
        tokio::select! {
            response = client.read_response() => break response.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        // Never silent for long, and never done.
        let _ignored: std::io::Result<()> = client.send("x").await;
    };
    assert_refused(&response, 408, "timeout_client_body");
    assert!(started.elapsed() < Duration::from_secs(2) + LATE_MAX, "{:?}", started.elapsed());
    let line = gateway.logged(|line| line.field("reason") == "timeout_client_body").await;
    assert!(line.text.contains("the proxy's timeout was over"), "{}", line.text);
}

#[tokio::test]
async fn h19_uploads_that_take_too_long_open_no_breaker() {
    let (gateway, mut upstream) =
        silent(|proxy| proxy.timeout(1).circuit_breaker(r#"{"enabled":true,"failure_threshold":1}"#)).await;
    for _ in 0..2 {
        let mut client = gateway.connect().await;
        client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
        let mut peer = upstream.accept().await;
        peer.read_head().await.unwrap();
        assert_refused(&client.read_response().await.unwrap(), 408, "timeout_client_body");
    }
}

#[tokio::test]
async fn an_upstream_that_stops_reading_is_504_after_body_idle() {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"body_idle\":1}")).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n").await.unwrap();
    let mut peer = upstream.accept().await;
    peer.read_head().await.unwrap();
    // The upstream's buffers and ours fill up; the rest waits here.
    let full = Duration::from_millis(300);
    while tokio::time::timeout(full, client.send(vec![b'x'; 100_000])).await.is_ok() {}
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 504, "timeout_body_idle");
}

#[tokio::test]
async fn an_interim_response_moves_no_deadline() {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"response_header\":12}")).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 103);
    // Longer than an answer of our own may take to be written.
    assert!(
        client.is_silent_for(Duration::from_millis(10_700)).await,
        "cut by the interim response's deadline"
    );
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").await.unwrap();
    assert_eq!(client.read_response().await.unwrap().text(), "late");
}

#[tokio::test]
async fn a_slow_head_counts_from_the_request_to_its_end() {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"response_header\":1}")).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    let drip = tokio::spawn(async move {
        let mut sent = peer.send("HTTP/1.1 200 OK\r\n").await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sent = peer.send("X: 1\r\n").await;
        }
    });
    let response = client.read_response().await.unwrap();
    drip.abort();
    assert_refused(&response, 504, "timeout_first_byte");
}

#[tokio::test]
async fn a_body_that_goes_silent_is_cut_and_says_so_in_the_log() {
    let upstream = Upstream::start(StallAfterHead).await;
    let gateway =
        Gateway::start([Proxy::new("/-/up", &upstream.url()).timeout_config("{\"body_idle\":1}")]).await;
    let started = Instant::now();
    let response = gateway.get("/-/up").await;
    assert_eq!((response.status(), response.end), (200, BodyEnd::Truncated));
    assert!(
        (Duration::from_millis(700)..Duration::from_secs(4)).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    gateway.logged(|line| line.field("reason") == "timeout_body_idle").await;
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
}

/// Sends a request in that version, answers it with that head and part of a body, and lets the client read to the end.
async fn cut_by_body_idle(version: &str, answer: &str) -> (Vec<u8>, std::io::Result<()>) {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"body_idle\":1}")).await;
    let mut client = gateway.connect().await;
    client.send(format!("GET /-/up HTTP/{version}\r\nHost: a\r\n\r\n")).await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send(answer).await.unwrap();
    let outcome = client.read_to_end().await;
    gateway.logged(|line| line.field("reason") == "timeout_body_idle").await;
    outcome
}

#[tokio::test]
async fn a_client_can_tell_a_cut_body_from_a_whole_one() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf";
    for answer in [chunked, until_close] {
        let (bytes, _) = cut_by_body_idle("1.1", answer).await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with("half\r\n") && text.contains("chunked"), "no last chunk: {text}");
        let (bytes, end) = cut_by_body_idle("1.0", answer).await;
        let text = String::from_utf8(bytes).unwrap();
        // What arrived before the reset may be lost to it; that the end was in order it must not look like.
        assert!(!text.contains("chunked"), "{text}");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset, "{text}");
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut_after_body_idle() {
    let upstream = Upstream::start(gate_testkit::Echo).await;
    let gateway =
        Gateway::start([Proxy::new("/-/up", &upstream.url()).timeout_config("{\"body_idle\":1}")]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up?bytes=1000000000", &[], b"").await.unwrap();
    gateway.logged(|line| line.field("reason") == "timeout_client_write").await;
    eventually(PATIENCE, || upstream.ledger.open() == 0).await;
    client.read_head().await.unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Truncated);
}

#[tokio::test]
async fn a_body_that_flows_is_never_cut() {
    let mut upstream = SseUpstream::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout(1);
    let gateway = Gateway::start([proxy.timeout_config("{\"body_idle\":1,\"response_header\":1}")]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.send_event("tick").await.unwrap();
        assert!(client.read_part().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_upload_that_goes_silent_is_ended() {
    let (gateway, mut upstream) = silent(|proxy| proxy.timeout_config("{\"body_idle\":1}")).await;
    let mut client = gateway.connect().await;
    client.send("POST /-/up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    let mut peer = upstream.accept().await;
    peer.read_head().await.unwrap();
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 408, "timeout_client_body");
    client.expect_closed().await;
    let _closed: std::io::Result<()> = peer.until_closed().await;
    assert_eq!(upstream.upstream.ledger.complete_count(), 0);
}

#[tokio::test]
async fn a_request_head_that_drips_is_ended() {
    let (gateway, upstream) = silent(|proxy| proxy).await;
    let mut client = gateway.connect().await;
    client.send("GET /-/up HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    let started = Instant::now();
    let response = loop {
        tokio::select! {
            response = client.read_response() => break response.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        // A byte now and then must not move an absolute deadline.
        let _ignored: std::io::Result<()> = client.send("X").await;
    };
    assert_refused(&response, 408, "timeout_client_head");
    assert!(
        (Duration::from_secs(13)..Duration::from_secs(18)).contains(&started.elapsed()),
        "{:?}",
        started.elapsed()
    );
    client.expect_closed().await;
    assert!(upstream.upstream.ledger.is_untouched());
}

#[tokio::test]
#[ignore = "long: make check"]
async fn a_connection_without_a_further_request_is_closed_after_75_seconds_without_a_word() {
    let (gateway, _upstream) = crate::setup::in_front_of_echo().await;
    let mut client = gateway.connect().await;
    assert_eq!(client.get("/-/up").await.status(), 200);
    assert!(client.is_silent_for(Duration::from_secs(74)).await, "closed too early");
    client.expect_closed().await;
}
