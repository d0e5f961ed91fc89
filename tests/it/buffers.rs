//! The memory that bytes pass through.

use gate_testkit::{
    Echo, Gateway, H2Behaviour, H2Upstream, PATIENCE, Proxy, Signal, TestAuthority, Upstream, eventually,
};

/// One worker in front of an upstream that echoes, with a log that says how its buffers were used.
async fn one_worker() -> (Gateway, Upstream) {
    let upstream = Upstream::start(Echo).await;
    let proxy = Proxy::new("/-/up", &upstream.url());
    let builder = Gateway::builder().proxy(proxy).arguments(["--workers", "1"]);
    (builder.environment("POCKETGATE_LOG", "info,gate_proxy=debug").start().await, upstream)
}

#[tokio::test]
async fn r020_us5_ac3_more_than_four_of_five_buffers_were_used_before() {
    let (mut gateway, _upstream) = one_worker().await;
    let body = vec![b'x'; 100_000];
    for _ in 0..5 {
        let mut client = gateway.connect().await;
        for _ in 0..40 {
            assert_eq!(client.request("POST", "/-/up?bytes=100000", &[], &body).await.status(), 200);
        }
    }
    gateway.signal(Signal::Terminate);
    assert_eq!(gateway.exit_code().await, Some(0));
    let line = gateway.logged(|line| line.text.contains("buffers used")).await;
    let number = |name| line.field(name).parse::<u64>().unwrap();
    assert!(number("taken") > 1_000, "{}", line.text);
    assert!(number("reused") * 5 > number("taken") * 4, "{}", line.text);
    assert_eq!(number("beyond"), 0, "{}", line.text);
}

#[tokio::test]
async fn r020_ec5_when_the_pool_is_exhausted_requests_are_served_and_the_log_says_so() {
    let (gateway, _upstream) = one_worker().await;
    let mut clients = Vec::new();
    // Half a head holds a buffer; one worker pools 256.
    for _ in 0..300 {
        let mut client = gateway.connect().await;
        client.send("GET /-/up?bytes=10 HTTP/1.1\r\nHost: a\r\n").await.unwrap();
        clients.push(client);
    }
    gateway.logged(|line| line.text.contains("more buffers are in use than are pooled")).await;
    for client in &mut clients {
        client.send("\r\n").await.unwrap();
        assert_eq!(client.read_response().await.unwrap().status(), 200);
    }
    let lines = gateway.log().iter().filter(|line| line.text.contains("more buffers")).count();
    assert!(lines < 20, "{lines} lines");
}

#[tokio::test]
async fn a_body_that_waits_for_its_answer_over_http2_holds_no_pooled_buffer() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Stall).await;
    let builder = Gateway::builder().trusting(&authority).proxy(Proxy::new("/-/up", &upstream.url()));
    let gateway = builder.arguments(["--workers", "1"]).start().await;
    let mut clients = Vec::new();
    for count in 1..=300 {
        let mut client = gateway.connect().await;
        client.send_request("POST", "/-/up", &[], &[b'x'; 3_000]).await.unwrap();
        eventually(PATIENCE, || upstream.open_streams() == count).await;
        clients.push(client);
    }
    assert!(!gateway.log_text().contains("more buffers are in use than are pooled"));
}
