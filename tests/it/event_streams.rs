//! What a proxy may ask of event streams: a first event in time (`first_event`), a sign of life in between (`sse_keepalive`).

use std::time::{Duration, Instant};

use gate_testkit::{
    BodyEnd, ByHand, Gateway, H2Behaviour, H2Upstream, PATIENCE, Peer, Proxy, RawClient, SseStream,
    SseUpstream, TestAuthority, eventually,
};

use crate::setup::assert_refused;

const COMMENT: &[u8] = b":\n\n";

/// A gateway with that `timeoutConfig`, and one request on its way through it.
async fn ask(timeout_config: &str, version: &str) -> (Gateway, SseUpstream, RawClient) {
    let upstream = SseUpstream::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout_config(timeout_config);
    let gateway = Gateway::start([proxy]).await;
    let mut client = gateway.connect().await;
    client.send(format!("GET /-/up HTTP/{version}\r\nHost: a\r\n\r\n")).await.unwrap();
    (gateway, upstream, client)
}

/// The same for an upstream that answers with any head.
async fn ask_for(timeout_config: &str, head: &str) -> (Gateway, ByHand, RawClient, Peer) {
    let mut upstream = ByHand::start().await;
    let proxy = Proxy::new("/-/up", &upstream.url()).timeout_config(timeout_config);
    let gateway = Gateway::start([proxy]).await;
    let mut client = gateway.connect().await;
    client.send_request("GET", "/-/up", &[], b"").await.unwrap();
    let mut peer = upstream.accept_request().await;
    peer.send(head).await.unwrap();
    (gateway, upstream, client, peer)
}

/// A stream whose client has read its head.
async fn opened(timeout_config: &str) -> (Gateway, SseUpstream, RawClient, SseStream) {
    let (gateway, mut upstream, mut client) = ask(timeout_config, "1.1").await;
    let stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    (gateway, upstream, client, stream)
}

/// Nothing of the body comes for so long.
async fn assert_no_part_for(client: &mut RawClient, duration: Duration) {
    let part = tokio::time::timeout(duration, client.read_part()).await;
    assert!(part.is_err(), "{part:?}");
}

#[tokio::test]
async fn a_first_event_that_does_not_come_is_504_and_not_a_broken_stream() {
    let (gateway, mut upstream, mut client) = ask("{\"first_event\":1}", "1.1").await;
    let started = Instant::now();
    let mut stream = upstream.open_stream().await;
    let response = client.read_response().await.unwrap();
    assert_refused(&response, 504, "timeout_first_event");
    let took = started.elapsed();
    assert!((Duration::from_millis(700)..Duration::from_millis(2_500)).contains(&took), "{took:?}");
    gateway.logged(|line| line.field("reason") == "timeout_first_event").await;
    let _closed: std::io::Result<()> = stream.peer.until_closed().await;
}

#[tokio::test]
async fn a_first_event_in_time_brings_the_head_along_and_the_next_may_take_longer() {
    let (_gateway, mut upstream, mut client) = ask("{\"firstEvent\":1}", "1.1").await;
    let mut stream = upstream.open_stream().await;
    assert!(client.is_silent_for(Duration::from_millis(300)).await, "the head is held back");
    stream.send_event("first").await.unwrap();
    assert_eq!(client.read_head().await.unwrap().status, 200);
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: first\n\n");
    assert_no_part_for(&mut client, Duration::from_millis(1_500)).await;
    stream.send_event("second").await.unwrap();
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: second\n\n");
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap().1, BodyEnd::Complete);
    assert_eq!(client.get("/-/none").await.status(), 404, "the connection stays");
}

#[tokio::test]
async fn only_an_event_stream_is_waited_for() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (_gateway, _upstream, mut client, _peer) = ask_for("{\"first_event\":30}", head).await;
    assert_eq!(client.read_head().await.unwrap().status, 200);
    let empty = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n";
    let (_gateway, _upstream, mut client, _peer) = ask_for("{\"first_event\":30}", empty).await;
    assert_eq!(client.read_response().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_stream_that_ends_before_its_first_event_is_told_apart() {
    let (_gateway, mut upstream, mut client) = ask("{\"first_event\":5}", "1.1").await;
    drop(upstream.open_stream().await);
    assert_refused(&client.read_response().await.unwrap(), 502, "upstream_truncated");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_event_ends_the_wait() {
    let (_gateway, mut upstream, client) = ask("{\"first_event\":60}", "1.1").await;
    let mut stream = upstream.open_stream().await;
    drop(client);
    let _closed: std::io::Result<()> = stream.peer.until_closed().await;
}

#[tokio::test]
async fn a_silent_stream_gets_comments_between_events_and_never_inside_of_one() {
    let (_gateway, _upstream, mut client, mut stream) = opened("{\"sse_keepalive\":1}").await;
    assert_eq!(client.read_part().await.unwrap().unwrap(), COMMENT, "before the first event");
    stream.send_event("one").await.unwrap();
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: one\n\n");
    for _ in 0..2 {
        let started = Instant::now();
        assert_eq!(client.read_part().await.unwrap().unwrap(), COMMENT);
        assert!(started.elapsed() > Duration::from_millis(700), "after {:?}", started.elapsed());
    }
    stream.peer.send_chunk("data: tw").await.unwrap();
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: tw");
    assert_no_part_for(&mut client, Duration::from_millis(2_500)).await;
    stream.peer.send_chunk("o\r\n\r\n").await.unwrap();
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"o\r\n\r\n");
    assert_eq!(client.read_part().await.unwrap().unwrap(), COMMENT);
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap(), (Vec::new(), BodyEnd::Complete));
}

#[tokio::test]
async fn comments_do_not_keep_a_dead_upstream_alive() {
    let (gateway, _upstream, mut client, mut stream) = opened("{\"sse_keepalive\":1,\"body_idle\":3}").await;
    stream.send_event("last").await.unwrap();
    let started = Instant::now();
    let (body, end) = client.read_body().await.unwrap();
    assert_eq!(
        (String::from_utf8(body).unwrap().as_str(), end),
        ("data: last\n\n:\n\n:\n\n", BodyEnd::Truncated)
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    gateway.logged(|line| line.field("reason") == "timeout_body_idle").await;
}

#[tokio::test]
async fn an_http_1_0_client_gets_comments_without_framing() {
    let (_gateway, mut upstream, mut client) = ask("{\"sse_keepalive\":1}", "1.0").await;
    let mut stream = upstream.open_stream().await;
    client.read_head().await.unwrap();
    stream.send_event("one").await.unwrap();
    assert_eq!(client.read_part().await.unwrap().unwrap(), b"data: one\n\n");
    assert_eq!(client.read_part().await.unwrap().unwrap(), COMMENT);
    stream.end().await.unwrap();
    assert_eq!(client.read_body().await.unwrap(), (Vec::new(), BodyEnd::Complete));
}

#[tokio::test]
async fn what_has_no_room_for_a_comment_gets_none() {
    let event_stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
    for rest in
        ["Content-Length: 100\r\n\r\n", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"]
    {
        let head = format!("{event_stream}{rest}");
        let (_gateway, _upstream, mut client, _peer) = ask_for("{\"sse_keepalive\":1}", &head).await;
        assert_eq!(client.read_head().await.unwrap().status, 200);
        assert!(client.is_silent_for(Duration::from_millis(1_800)).await, "a comment: {rest}");
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (_gateway, _upstream, mut client, _peer) = ask_for("{\"sse_keepalive\":1}", head).await;
    assert_eq!(client.read_head().await.unwrap().status, 200);
    assert!(client.is_silent_for(Duration::from_millis(1_800)).await, "a comment in text");
}

#[tokio::test]
async fn a_watched_stream_arrives_as_it_was_sent() {
    let (_gateway, _upstream, mut client, mut stream) = opened("{\"sse_keepalive\":60}").await;
    let sent = "data: one\r\ndata: two\n\n".repeat(1_500);
    let reading = async { client.read_body().await.unwrap() };
    let sending = async {
        for (number, part) in sent.as_bytes().chunks(317).enumerate() {
            // Chunks that a gateway would have framed like this, and chunks that it would not.
            let size =
                if number % 2 == 0 { format!("{:x}", part.len()) } else { format!("0{:X};x=y", part.len()) };
            stream.peer.send([size.as_bytes(), b"\r\n", part, b"\r\n"].concat()).await.unwrap();
        }
        stream.peer.send("0\r\nX-Trailer: t\r\n\r\n").await.unwrap();
    };
    let ((body, end), ()) = tokio::join!(reading, sending);
    assert_eq!((String::from_utf8(body).unwrap(), end), (sent, BodyEnd::Complete));
}

#[tokio::test]
async fn all_of_it_holds_over_http2() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::SilentEvents).await;
    let proxy = |path, config| Proxy::new(path, &upstream.url()).timeout_config(config);
    let gateway = Gateway::builder()
        .trusting(&authority)
        .proxy(proxy("/-/first", "{\"first_event\":1}"))
        .proxy(proxy("/-/comments", "{\"sse_keepalive\":1,\"body_idle\":3}"))
        .start()
        .await;
    let mut client = gateway.connect().await;
    assert_refused(&client.get("/-/first").await, 504, "timeout_first_event");
    let response = client.get("/-/comments").await;
    assert_eq!((response.text().as_str(), response.end), (":\n\n:\n\n", BodyEnd::Truncated));
    eventually(PATIENCE, || upstream.open_streams() == 0).await;
}
