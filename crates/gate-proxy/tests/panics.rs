//! A panic while a request runs ends that request and nothing else, whatever it was doing.
//!
//! Nothing in the server panics on demand. What panics here is what it was given: wakers of those at the other end of its
//! channels, which its own thread wakes when it asks, dials, sends or reads; and whoever takes entries of the access log.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: a surprise is a failure")]

mod setup;

use gate_proxy::{Server, ServerConfig};
use gate_snapshot::{Proxy, Published, Question, Snapshot, Upstream, identities};
use gate_telemetry::Reason;
use gate_telemetry::access_log::{AccessLogConfig, AccessLogs, Sink};
use gate_telemetry::in_flight::InFlight;
use gate_telemetry::log::Format;
use gate_telemetry::metrics::ProcessMetrics;
use gate_traffic::{BreakerConfig, TrafficConfig};
use setup::{config, proxy};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;

#[test]
fn a_panic_while_it_is_asked_who_calls_ends_one_request() {
    let mut gateway = Gateway::start();
    let bystander = gateway.bystander();
    trap(|cx| gateway.questions.poll_recv(cx));
    let victim = gateway.send("GET /-/x/victim HTTP/1.1\r\nHost: a\r\nAuthorization: eyJh.b.c\r\n\r\n");
    assert_eq!(everything_until_closed(victim), "");
    gateway.check(bystander, "internal");
}

#[test]
fn a_panic_while_dialling_ends_one_request() {
    let mut gateway = Gateway::start();
    let bystander = gateway.bystander();
    gateway.trip_breaker();
    trap(|cx| gateway.control_plane.poll_recv(cx));
    let victim = gateway.send(VICTIM);
    assert_eq!(everything_until_closed(victim), "");
    gateway.check(bystander, "internal");
}

#[test]
fn a_panic_while_sending_on_a_pooled_connection_ends_one_request() {
    let mut gateway = Gateway::start();
    let bystander = gateway.bystander();
    let mut pooled = gateway.exchange("GET /-/x/first HTTP/1.1\r\nHost: a\r\n\r\n");
    gateway.trip_breaker();
    trap(|cx| Pin::new(&mut pooled).poll_read(cx, &mut ReadBuf::new(&mut [0; 1])));
    let victim = gateway.send(VICTIM);
    assert_eq!(everything_until_closed(victim), "");
    gateway.check(bystander, "internal");
}

#[test]
fn a_panic_in_an_upload_ends_one_request() {
    let mut gateway = Gateway::start();
    let bystander = gateway.bystander();
    gateway.trip_breaker();
    let mut victim = gateway.send("POST /-/x/victim HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    let mut upstream = gateway.upstream();
    trap(|cx| Pin::new(&mut upstream).poll_read(cx, &mut ReadBuf::new(&mut [0; 1])));
    victim.write_all(b"a").unwrap();
    assert_eq!(everything_until_closed(victim), "");
    gateway.check(bystander, "internal");
}

#[test]
fn a_panic_in_an_answer_cuts_it_so_that_its_client_can_tell() {
    for version in ["1.1", "1.0"] {
        let mut gateway = Gateway::start();
        let bystander = gateway.bystander();
        let (victim, _upstream) = gateway.victim_that_reads_nothing(version);
        check_truncated(victim);
        gateway.check(bystander, "internal");
    }
}

#[test]
fn a_panic_while_draining_is_no_drain_timeout() {
    let mut gateway = Gateway::start();
    let bystander = gateway.bystander();
    let (victim, _upstream) = gateway.victim_that_reads_nothing("1.1");
    gateway.server.drain();
    while TcpStream::connect(gateway.server.address()).is_ok() {}
    check_truncated(victim);
    gateway.finish(bystander, "internal");
}

#[test]
fn a_panic_of_whoever_takes_entries_of_the_access_log_comes_after_the_line() {
    let mut gateway = Gateway::start_with(|logs| {
        let has_panicked = AtomicBool::new(false);
        logs.with_excerpt(Arc::new(move |entry| {
            if entry.target.ends_with(b"victim") && !has_panicked.swap(true, Ordering::Relaxed) {
                resume_unwind(Box::new("injected"));
            }
        }))
    });
    let bystander = gateway.bystander();
    let victim = gateway.send(VICTIM);
    let mut upstream = gateway.upstream();
    gateway.runtime.block_on(upstream.write_all(ANSWER)).unwrap();
    assert!(everything_until_closed(victim).ends_with("\r\n\r\nok"));
    drop(upstream);
    gateway.check(bystander, "completed");
}

const VICTIM: &str = "GET /-/x/victim HTTP/1.1\r\nHost: a\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Panics once, on the thread of the worker that wakes it.
#[derive(Default)]
struct Trap {
    has_sprung: AtomicBool,
}

impl Wake for Trap {
    fn wake(self: Arc<Self>) {
        let is_in_worker = thread::current().name().is_some_and(|name| name.starts_with("worker-"));
        if is_in_worker && !self.has_sprung.swap(true, Ordering::Relaxed) {
            // As a panic does, but without a word on standard error.
            resume_unwind(Box::new("injected"));
        }
    }
}

/// Leaves a trap where somebody waits for the worker.
#[track_caller]
fn trap<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) {
    let waker = Arc::new(Trap::default()).into();
    assert!(poll(&mut Context::from_waker(&waker)).is_pending());
}

/// A server with the proxy `/-/x`, whose upstream is this test.
struct Gateway {
    server: Server,
    runtime: Runtime,
    control_plane: mpsc::Receiver<DuplexStream>,
    questions: mpsc::Receiver<Question>,
    proxy: Arc<Proxy>,
    metrics: Arc<ProcessMetrics>,
    in_flight: InFlight,
    access_logs: AccessLogs,
    directory: TempDir,
}

/// A request that runs while another one panics, from both sides.
struct Bystander {
    client: TcpStream,
    upstream: DuplexStream,
}

impl Gateway {
    fn start() -> Self {
        Self::start_with(|logs| logs)
    }

    fn start_with(logs: impl FnOnce(AccessLogs) -> AccessLogs) -> Self {
        let breaker = BreakerConfig {
            failure_threshold: 1,
            recovery_timeout: Duration::from_millis(1),
            half_open_requests: 1,
            ..BreakerConfig::default()
        };
        let traffic = TrafficConfig { max_concurrent: 2, breaker: Some(breaker), ..TrafficConfig::default() };
        let proxy = Arc::new(proxy("/-/x", Upstream::control_plane(), traffic));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let log = AccessLogConfig {
            sink: Sink::File { path, rotate_bytes: 0, keep: 0 },
            format: Format::Json,
            sample_successes: 1.0,
            sensitive_parameters: Vec::new(),
        };
        let access_logs = logs(log.start().unwrap());
        let config = ServerConfig { access_log: access_logs.clone(), drain_timeout: PATIENCE, ..config() };
        let (metrics, in_flight) = (Arc::clone(&config.metrics), config.in_flight.clone());
        let published = Arc::new(Published::new(Snapshot::new(1, [Arc::clone(&proxy)])));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (dialler, control_plane) = gate_upstream::control_plane();
        let (identities, questions) = identities(Arc::default());
        let server = Server::start(config, published, dialler, identities, runtime.handle().clone()).unwrap();
        Gateway {
            server,
            runtime,
            control_plane,
            questions,
            proxy,
            metrics,
            in_flight,
            access_logs,
            directory,
        }
    }

    /// Sends a request on a connection of its own.
    fn send(&self, request: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.server.address()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        client
    }

    /// The next connection on which a request comes, which has been read. Those of requests that panicked bring none.
    fn upstream(&mut self) -> DuplexStream {
        self.runtime.block_on(async {
            loop {
                let mut stream = timeout(PATIENCE, self.control_plane.recv()).await.unwrap().unwrap();
                if timeout(PATIENCE, read_head(&mut stream)).await.unwrap() {
                    return stream;
                }
            }
        })
    }

    fn bystander(&mut self) -> Bystander {
        let client = self.send("GET /-/x/bystander HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        Bystander { client, upstream: self.upstream() }
    }

    /// A request from its beginning to its end. The upstream's connection stays open.
    fn exchange(&mut self, request: &str) -> DuplexStream {
        let mut client = self.send(request);
        let mut upstream = self.upstream();
        self.runtime.block_on(upstream.write_all(ANSWER)).unwrap();
        let mut answer = [0; 4096];
        let mut length = 0;
        while !answer[..length].ends_with(b"\r\n\r\nok") {
            let count = client.read(&mut answer[length..]).unwrap();
            assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&answer[..length]));
            length += count;
        }
        upstream
    }

    /// A request whose answer goes on and on and is not read. The worker springs the trap as soon as it is.
    fn victim_that_reads_nothing(&mut self, version: &str) -> (TcpStream, DuplexStream) {
        let victim = self.send(&format!("GET /-/x/victim HTTP/{version}\r\nHost: a\r\n\r\n"));
        let mut upstream = self.upstream();
        let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
        self.runtime.block_on(async {
            upstream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
            while timeout(SILENCE, upstream.write_all(chunk.as_bytes())).await.is_ok() {}
        });
        trap(|cx| Pin::new(&mut upstream).poll_write(cx, b"x"));
        (victim, upstream)
    }

    /// The next request is a probe of the breaker.
    fn trip_breaker(&self) {
        self.proxy.traffic.breaker.trip(Instant::now());
        thread::sleep(Duration::from_millis(50));
    }

    /// Only the victim has ended, what it held is there again, and the gateway serves.
    #[track_caller]
    fn check(mut self, bystander: Bystander, reason: &str) {
        eventually("the record is free", || {
            let running = self.runtime.block_on(self.in_flight.list());
            running.len() == 1 && &*running[0].path == "/-/x/bystander"
        });
        assert_eq!(self.proxy.traffic.limiter.in_flight(), 1);
        assert_eq!(self.proxy.traffic.breaker.status(Instant::now()).probes, 0);
        assert_eq!(self.proxy.metrics.total().active, 1);
        drop(self.exchange("GET /-/x/next HTTP/1.1\r\nHost: a\r\n\r\n"));
        self.server.drain();
        self.finish(bystander, reason);
    }

    /// The bystander ends well and everything with it, and the victim is accounted for once.
    #[track_caller]
    fn finish(self, mut bystander: Bystander, reason: &str) {
        self.runtime.block_on(bystander.upstream.write_all(ANSWER)).unwrap();
        assert!(everything_until_closed(bystander.client).ends_with("\r\n\r\nok"));
        let began = Instant::now();
        self.server.wait();
        assert!(began.elapsed() < PATIENCE, "a connection was waited for that had ended");
        assert_eq!(self.metrics.worker(0).connections_open.get(), 0);
        assert_eq!(self.proxy.traffic.limiter.in_flight(), 0);
        let total = self.proxy.metrics.total();
        assert_eq!(total.active, 0);
        let expected = u64::from(reason == Reason::Internal.label());
        assert_eq!(total.reasons[Reason::Internal.index()], expected);
        self.access_logs.finish();
        let log = std::fs::read_to_string(self.directory.path().join("access.log")).unwrap();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("/-/x/victim")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(&format!("\"reason\":\"{reason}\"")), "{}", lines[0]);
    }
}

/// Reads the head of a request; false = there is none.
async fn read_head(stream: &mut DuplexStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap() == 0 {
            return false;
        }
    }
    true
}

/// What a client gets until its connection is closed, or reset.
fn everything_until_closed(mut client: TcpStream) -> String {
    let mut answer = Vec::new();
    match client.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(answer).unwrap()
}

/// The answer has no end: it lacks its last chunk, or the connection is reset.
fn check_truncated(mut client: TcpStream) {
    let mut answer = Vec::new();
    let end = client.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    let is_chunked = answer.windows(7).any(|bytes| bytes == b"chunked");
    match end {
        Ok(_) => assert!(is_chunked && !answer.ends_with(b"\r\n0\r\n\r\n"), "it looks complete"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[track_caller]
fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// More than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// For so long a worker that could write has written.
const SILENCE: Duration = Duration::from_millis(300);
