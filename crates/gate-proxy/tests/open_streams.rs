//! An event stream that stays open holds little memory between two events.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: a surprise is a failure")]

mod setup;

use gate_proxy::{ConnectionLimits, Server, ServerConfig};
use gate_snapshot::{Published, Snapshot, Upstream, identities};
use gate_traffic::TrafficConfig;
use setup::{config, proxy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const REQUEST: &[u8] = b"GET /-/sse/things HTTP/1.1\r\nHost: gateway.example\r\nAccept: */*\r\n\r\n";
const EVENT: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
    b\r\ndata: one\r\n\r\n";
const STREAMS: usize = 100;
/// Half of it is the task; then come the record, two registrations with the event loop, and what grows with their number.
const STREAM_BYTES_MAX: usize = 2800;

/// Answers every request with one event, and keeps the stream open.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::with_capacity(2 * STREAMS);
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
            connection.write_all(EVENT).unwrap();
            open.push(connection);
        }
    });
    address
}

/// A client that has seen the event.
fn open_stream(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(REQUEST).unwrap();
    let (mut buffer, mut length) = ([0; 4096], 0);
    while !buffer[..length].ends_with(b"data: one\r\n\r\n") {
        let count = client.read(&mut buffer[length..]).unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&buffer[..length]));
        length += count;
    }
    client
}

#[test]
fn an_open_stream_holds_its_task_and_what_is_known_of_its_request() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let upstream = Upstream::parse(&format!("http://{}", upstream())).unwrap();
    let snapshot = Snapshot::new(1, [Arc::new(proxy("/-/sse", upstream, TrafficConfig::default()))]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (control_plane, _connections) = gate_upstream::control_plane();
    let connections = ConnectionLimits { total: 1000, per_address: 0 };
    let config = ServerConfig { connections, drain_timeout: Duration::from_millis(100), ..config() };
    let published = Arc::new(Published::new(snapshot));
    let (identities, _asked) = identities(Arc::default());
    let server =
        Server::start(config, published, control_plane, identities, runtime.handle().clone()).unwrap();

    // What the first ones make the worker keep is there once for all.
    let first: Vec<_> = (0..10).map(|_| open_stream(server.address())).collect();
    let before = dhat::HeapStats::get().curr_bytes;
    let streams: Vec<_> = (0..STREAMS).map(|_| open_stream(server.address())).collect();
    let held = (dhat::HeapStats::get().curr_bytes - before) / STREAMS;
    println!("{held} bytes for each open stream");
    assert!(held <= STREAM_BYTES_MAX, "{held} bytes for each open stream");
    drop((first, streams));
    server.drain();
    server.wait();
}
