//! A request in the steady state allocates nothing.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: a surprise is a failure")]

mod setup;

use gate_proxy::{Server, ServerConfig};
use gate_snapshot::{HeaderValue, InjectedHeader, Proxy, Published, Snapshot, Upstream, identities};
use gate_telemetry::trace::Traces;
use gate_traffic::TrafficConfig;
use setup::{config, proxy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const REQUEST: &[u8] =
    b"GET /-/x/things?page=2 HTTP/1.1\r\nHost: gateway.example\r\nUser-Agent: test\r\nAccept: */*\r\n\
    Accept-Encoding: gzip\r\nAuthorization: Bearer client\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: test\r\nContent-Length: 2\r\n\r\n{}";
const EVENT: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
    b\r\ndata: one\r\n\r\n0\r\n\r\n";

/// Answers every request with the same bytes. Allocates nothing per request.
fn upstream(response: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while connection.read(&mut buffer).unwrap() > 0 {
                    connection.write_all(response).unwrap();
                }
            });
        }
    });
    address
}

fn with_key(path: &str, upstream: SocketAddr) -> Arc<Proxy> {
    let injected = InjectedHeader {
        name: "Authorization".into(),
        value: HeaderValue::Resolved((*b"Bearer key").into()),
    };
    let upstream = Upstream::parse(&format!("http://{upstream}/v1")).unwrap();
    Arc::new(Proxy { headers: vec![injected], ..proxy(path, upstream, TrafficConfig::default()) })
}

/// Sends a request and reads until the response has ended. Allocates nothing.
fn exchange(client: &mut TcpStream, request: &[u8], ending: &[u8]) {
    client.write_all(request).unwrap();
    let mut buffer = [0; 4096];
    let mut length = 0;
    while !buffer[..length].ends_with(ending) {
        let count = client.read(&mut buffer[length..]).unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&buffer[..length]));
        length += count;
    }
}

#[test]
fn h23_a_request_in_the_steady_state_allocates_nothing() {
    const REQUESTS: usize = 1000;
    let _profiler = dhat::Profiler::builder().testing().build();
    let snapshot =
        Snapshot::new(1, [with_key("/-/x", upstream(RESPONSE)), with_key("/-/sse", upstream(EVENT))]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (control_plane, _connections) = gate_upstream::control_plane();
    // Every request stands in a trace, and none is sampled.
    let (traces, _records) = Traces::on(0.0);
    let config = ServerConfig { traces, ..config() };
    let published = Arc::new(Published::new(snapshot));
    let (identities, _asked) = identities(Arc::default());
    let server =
        Server::start(config, published, control_plane, identities, runtime.handle().clone()).unwrap();
    let sse_request = String::from_utf8(REQUEST.to_vec()).unwrap().replace("/-/x/", "/-/sse/").into_bytes();

    for (request, ending) in [(REQUEST, &b"\r\n\r\n{}"[..]), (&sse_request, b"0\r\n\r\n")] {
        let mut client = TcpStream::connect(server.address()).unwrap();
        for _ in 0..REQUESTS {
            exchange(&mut client, request, ending);
        }
        let before = dhat::HeapStats::get().total_blocks;
        for _ in 0..REQUESTS {
            exchange(&mut client, request, ending);
        }
        let allocations = dhat::HeapStats::get().total_blocks - before;
        // The ticker and the kernel's timing decide whether one of a thousand requests meets a buffer that was
        // given back to the allocator meanwhile; a request that allocates shows as a thousand.
        assert!(allocations < 20, "{allocations} allocations in {REQUESTS} requests");
    }
    server.drain();
    server.wait();
}
