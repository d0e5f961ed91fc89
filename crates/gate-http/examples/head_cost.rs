//! Prints what parsing and writing a head costs: `cargo run --release -p gate-http --example head_cost`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a command to be read by a person")]

use std::hint::black_box;
use std::time::Instant;

use gate_http::{ChunkedDecoder, HeadWriter, Method, RequestHead, ResponseHead};

const ROUNDS: usize = 15;
const RUNS_A_ROUND: u32 = 200_000;

const SMALL_REQUEST: &[u8] = b"GET /-/openai/v1/models?limit=20 HTTP/1.1\r\n\
    Host: gateway.example.com\r\nUser-Agent: python-httpx/0.28.1\r\nAccept: application/json\r\n\
    Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n";

const BROWSER_REQUEST: &[u8] = b"POST /-/openai/v1/chat/completions HTTP/1.1\r\n\
    Host: app.example.com\r\nConnection: keep-alive\r\nContent-Length: 312\r\n\
    sec-ch-ua-platform: \"Linux\"\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJpZCI6InU3a3o4MmgxIn0.c2lnbmF0dXJl\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36\r\n\
    Accept: text/event-stream\r\nContent-Type: application/json\r\nOrigin: https://app.example.com\r\n\
    Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
    Referer: https://app.example.com/chat/7f3c\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: session=8c1fb1d2a9; theme=dark\r\n\r\n";

const SMALL_RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 08:00:00 GMT\r\nServer: uvicorn\r\n\
    Content-Type: application/json\r\nContent-Length: 1024\r\nx-request-id: 0b6c4a52\r\n\r\n";

fn main() {
    let mut request = RequestHead::new();
    for (name, bytes) in [("request, 16 fields", BROWSER_REQUEST), ("request, 5 fields", SMALL_REQUEST)] {
        report(name, bytes.len(), || {
            request.clear();
            black_box(request.parse(black_box(bytes)).expect("a valid request"));
        });
    }
    let mut response = ResponseHead::new();
    report("response, 5 fields", SMALL_RESPONSE.len(), || {
        response.clear();
        black_box(response.parse(black_box(SMALL_RESPONSE), Method::Get).expect("a valid response"));
    });

    let mut buffer = vec![0; 4096];
    report("writing a request, 5 fields", SMALL_REQUEST.len(), || {
        black_box(write(black_box(&request), SMALL_REQUEST, &mut buffer));
    });

    let body = b"400\r\n".iter().chain(&[b'x'; 1024]).chain(b"\r\n").copied().collect::<Vec<u8>>().repeat(31);
    report("scanning 31 chunks of 1 KiB", body.len(), || {
        black_box(ChunkedDecoder::new().scan(black_box(&body)).expect("valid chunks"));
    });
}

fn write(head: &RequestHead, bytes: &[u8], buffer: &mut [u8]) -> usize {
    let mut writer = HeadWriter::new(buffer);
    writer.request_line(head.method_span().of(bytes), &[head.path().of(bytes), head.query().of(bytes)]);
    for field in head.fields() {
        writer.field(field.name.of(bytes), field.value.of(bytes));
    }
    writer.end();
    writer.finish().expect("a head that fits")
}

/// Runs `work` in rounds and prints the median and the fastest time of one run.
fn report(name: &str, bytes: usize, mut work: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| time_one(&mut work)).collect();
    rounds.sort_by(f64::total_cmp);
    let (best, median) = (rounds.first().copied(), rounds.get(ROUNDS / 2).copied());
    println!(
        "{name:<30} {bytes:>6} bytes  median {:>7.1} ns  best {:>7.1} ns",
        median.unwrap_or_default(),
        best.unwrap_or_default()
    );
}

fn time_one(work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..RUNS_A_ROUND {
        work();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS_A_ROUND)
}
