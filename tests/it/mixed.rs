//! Ten thousand requests of all kinds through one gateway: no error, every byte right (019-SC-001, defect H16).

use gate_testkit::{
    BodyEnd, Echo, Gateway, H2Behaviour, H2Upstream, LogLine, Pattern, Proxy, RawClient, TestAuthority,
    Upstream, seed,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

const CLIENTS: u64 = 32;
const REQUESTS: u64 = 10_000;

/// One request and what its answer must be.
struct Exchange {
    method: &'static str,
    body_bytes: u64,
    chunked: bool,
    answer_bytes: u64,
    answer_framing: &'static str,
    seed: u64,
    close: bool,
}

impl Exchange {
    fn random(rng: &mut SmallRng) -> Self {
        let method = ["GET", "POST", "PUT", "DELETE"][rng.random_range(0..4)];
        let body_bytes = if method == "GET" || method == "DELETE" { 0 } else { size(rng) };
        Self {
            method,
            body_bytes,
            chunked: body_bytes > 0 && rng.random(),
            answer_bytes: size(rng),
            answer_framing: ["length", "chunked", "close"][rng.random_range(0..3)],
            seed: rng.random(),
            close: rng.random_ratio(1, 10),
        }
    }

    async fn run(&self, client: &mut RawClient) {
        self.send(client).await;
        let response = client.read_response().await.unwrap();
        let outcome = (response.status(), response.end);
        assert_eq!(outcome, (200, BodyEnd::Complete), "{}", response.text());
        let sent = Pattern::new(self.seed, self.body_bytes).sha256();
        assert_eq!(response.header("x-body-sha256"), Some(sent.as_str()), "request body");
        let expected = Pattern::new(self.seed, self.answer_bytes).sha256();
        assert_eq!(gate_testkit::sha256_hex(&response.body), expected, "response body");
    }

    async fn send(&self, client: &mut RawClient) {
        let Self { method, body_bytes, answer_bytes, answer_framing, seed, .. } = self;
        let framing = match (self.chunked, body_bytes) {
            (true, _) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (false, 0) => String::new(),
            (false, length) => format!("Content-Length: {length}\r\n"),
        };
        let close = if self.close { "Connection: close\r\n" } else { "" };
        let target = format!("/-/up/x?bytes={answer_bytes}&seed={seed}&framing={answer_framing}");
        client.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{framing}{close}\r\n")).await.unwrap();
        for block in Pattern::new(*seed, *body_bytes) {
            if self.chunked {
                let size = format!("{:x}\r\n", block.len());
                client.send([size.as_bytes(), &block, b"\r\n"].concat()).await.unwrap();
            } else {
                client.send(block).await.unwrap();
            }
        }
        if self.chunked {
            client.send("0\r\n\r\n").await.unwrap();
        }
    }
}

/// Mostly small, some that fill every buffer, a few of 10 MB at most.
fn size(rng: &mut SmallRng) -> u64 {
    match rng.random_range(0..1000) {
        0..500 => rng.random_range(0..1_024),
        500..960 => rng.random_range(0..32_768),
        960..998 => rng.random_range(0..300_000),
        _ => rng.random_range(0..10_000_000),
    }
}

/// Nothing here is about time, and the machine may be busy with other things.
fn patient(upstream: &str) -> Proxy {
    Proxy::new("/-/up", upstream).timeout(300).timeout_config("{\"response_header\":300,\"dial\":60}")
}

async fn run_mix(gateway: &Gateway) {
    let seed = seed();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let address = gateway.address;
        clients.spawn(async move {
            let mut rng = SmallRng::seed_from_u64(seed ^ number);
            let mut client = RawClient::connect(address).await;
            for _ in 0..REQUESTS.div_ceil(CLIENTS) {
                let exchange = Exchange::random(&mut rng);
                exchange.run(&mut client).await;
                if exchange.close {
                    client.expect_closed().await;
                    client = RawClient::connect(address).await;
                }
            }
        });
    }
    let mut panicked = 0;
    while let Some(ended) = clients.join_next().await {
        panicked += usize::from(ended.is_err());
    }
    // Checked first: it has the cause of what the clients saw.
    let is_failure = |line: &LogLine| !matches!(line.field("reason").as_str(), "" | "completed");
    let failed: Vec<_> = gateway.log().into_iter().filter(is_failure).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(panicked, 0, "clients saw something wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r019_sc_001_ten_thousand_mixed_requests_to_an_http1_upstream() {
    let upstream = Upstream::start(Echo).await;
    let gateway = Gateway::start([patient(&upstream.url())]).await;
    run_mix(&gateway).await;
    assert!(upstream.ledger.complete_count() as u64 >= REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r019_sc_001_ten_thousand_mixed_requests_to_an_http2_upstream() {
    let authority = TestAuthority::new();
    let upstream = H2Upstream::start(&authority, H2Behaviour::Echo).await;
    let gateway = Gateway::builder().trusting(&authority).proxy(patient(&upstream.url())).start().await;
    run_mix(&gateway).await;
    assert!(upstream.ledger.complete_count() as u64 >= REQUESTS);
}
