//! What a panic takes with it, where nothing that a server was given can panic for it (`tests/panics.rs` has the other
//! places): while a request waits in a queue, and while it goes over HTTP/2.
//!
//! The task of a connection is armed by the test, and panics the next time that something wakes it.

use crate::connection;
use crate::connection_limit::{ConnectionLimit, ConnectionLimits};
use crate::listener::Scope;
use crate::worker::tests::worker_of;
use crate::worker::{Worker, built_in};
use bytes::Bytes;
use gate_snapshot::{Proxy, Snapshot, Upstream};
use gate_telemetry::Reason;
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::{BreakerConfig, ProxyTraffic, QueueConfig, TrafficConfig};
use gate_upstream::Http2Connection;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Request, Response};
use std::cell::Cell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

#[test]
fn a_panic_in_the_queue_gives_the_place_back() {
    on_a_worker(async |mut gateway| {
        let bystander = gateway.running("/-/x/bystander").await;
        let mut victim = gateway.waiting("/-/x/victim").await;
        victim.panic_when_it_sends("G").await;
        assert_eq!(victim.everything_until_closed().await, "");
        gateway.has_lost_one_of(2).await;
        let next = gateway.waiting("/-/x/next").await;
        gateway.finish(bystander).await;
        let next = gateway.arrived(next).await;
        gateway.finish(next).await;
        gateway.is_as_before();
    });
}

#[test]
fn a_panic_of_whoever_was_just_given_a_slot_gives_it_to_the_next() {
    on_a_worker(async |mut gateway| {
        let bystander = gateway.running("/-/x/bystander").await;
        let victim = gateway.waiting("/-/x/victim").await;
        let next = gateway.waiting("/-/x/next").await;
        victim.is_armed.set(true);
        gateway.finish(bystander).await;
        assert_eq!(victim.everything_until_closed().await, "");
        let next = gateway.arrived(next).await;
        gateway.finish(next).await;
        gateway.is_as_before();
    });
}

#[test]
fn a_panic_over_http2_before_the_head_resets_one_stream() {
    check_over_http2(async |gateway| {
        let (mut victim, mut stream) = gateway.running("/-/x/victim").await;
        victim.panic_when_it_sends("G").await;
        assert_eq!(victim.everything_until_closed().await, "");
        within(poll_fn(|cx| stream.1.poll_reset(cx))).await.unwrap();
    });
}

#[test]
fn a_panic_over_http2_in_an_upload_resets_one_stream() {
    check_over_http2(async |gateway| {
        let mut victim = gateway.connect().await;
        victim.send("POST /-/x/victim HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1234").await;
        let mut stream = gateway.next_stream().await;
        assert_eq!(within(stream.0.body_mut().data()).await.unwrap().unwrap(), "1234");
        victim.panic_when_it_sends("5678").await;
        assert_eq!(victim.everything_until_closed().await, "");
        within(poll_fn(|cx| stream.1.poll_reset(cx))).await.unwrap();
    });
}

#[test]
fn a_panic_over_http2_in_an_answer_cuts_it_so_that_its_client_can_tell() {
    check_over_http2(async |gateway| {
        let (mut victim, (_, mut respond)) = gateway.running("/-/x/victim").await;
        let mut answer = respond.send_response(Response::new(()), false).unwrap();
        answer.send_data("half".into(), false).unwrap();
        assert_eq!(within(victim.socket.read(&mut [0])).await.unwrap(), 1, "it has begun");
        victim.is_armed.set(true);
        answer.send_data("and half".into(), false).unwrap();
        let got = victim.everything_until_closed().await;
        assert!(!got.ends_with("0\r\n\r\n"), "it looks complete: {got}");
        within(poll_fn(|cx| answer.poll_reset(cx))).await.unwrap();
    });
}

/// A request that came over HTTP/2, and how to answer it.
type Stream = (Request<RecvStream>, SendResponse<Bytes>);

/// One worker with the proxy `/-/x`, whose upstream is the other end of an HTTP/2 connection.
struct Gateway {
    worker: Rc<Worker>,
    limit: Arc<ConnectionLimit>,
    listener: TcpListener,
    proxy: Arc<Proxy>,
    streams: mpsc::UnboundedReceiver<Stream>,
}

/// A connection of a client, from its side.
struct Client {
    socket: TcpStream,
    /// Its task panics when it is woken.
    is_armed: Rc<Cell<bool>>,
}

/// The victim is the probe of a breaker, beside a request on the same HTTP/2 connection.
fn check_over_http2(victim: impl AsyncFnOnce(&mut Gateway)) {
    on_a_worker(async |mut gateway| {
        gateway.proxy.traffic.limiter.configure(2, &QueueConfig::default());
        let bystander = gateway.running("/-/x/bystander").await;
        gateway.proxy.traffic.breaker.trip(Instant::now());
        sleep(BREAKER_RECOVERY * 10).await;
        victim(&mut gateway).await;
        gateway.has_lost_one_of(2).await;
        let next = gateway.running("/-/x/next").await;
        gateway.finish(next).await;
        gateway.finish(bystander).await;
        gateway.is_as_before();
    });
}

fn on_a_worker(test: impl AsyncFnOnce(Gateway)) {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async { test(Gateway::new().await).await });
}

impl Gateway {
    async fn new() -> Self {
        let breaker = BreakerConfig {
            failure_threshold: 1,
            recovery_timeout: BREAKER_RECOVERY,
            ..BreakerConfig::default()
        };
        let queue = QueueConfig { max_waiting: 2, timeout: PATIENCE, ..QueueConfig::default() };
        let traffic =
            TrafficConfig { max_concurrent: 1, queue, breaker: Some(breaker), ..TrafficConfig::default() };
        let proxy = Arc::new(Proxy {
            path: "/-/x".into(),
            traffic: ProxyTraffic::new(&traffic, Instant::now()),
            traffic_config: traffic.into(),
            ..built_in(
                "x",
                Upstream::parse("https://upstream.test").unwrap(),
                &Arc::new(ProxyMetrics::new(1)),
            )
        });
        let worker = worker_of(Snapshot::new(1, [Arc::clone(&proxy)]));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let limit = ConnectionLimit::new(ConnectionLimits { total: 100, per_address: 0 });
        let streams = share_connection(&worker, &proxy).await;
        Gateway { worker, limit, listener, proxy, streams }
    }

    async fn connect(&self) -> Client {
        let socket = TcpStream::connect(self.listener.local_addr().unwrap()).await.unwrap();
        let (accepted, peer) = self.listener.accept().await.unwrap();
        let counts = (self.limit.admit(peer.ip()).unwrap(), self.worker.count_connection());
        let mut served =
            Box::pin(connection::serve(Rc::clone(&self.worker), Scope::Everything, accepted, peer, counts));
        let is_armed = Rc::new(Cell::new(false));
        let armed = Rc::clone(&is_armed);
        tokio::task::spawn_local(poll_fn(move |cx| {
            if armed.get() {
                // As a panic does, but without a word on standard error.
                resume_unwind(Box::new("injected"));
            }
            served.as_mut().poll(cx)
        }));
        Client { socket, is_armed }
    }

    async fn send(&self, path: &str) -> Client {
        let mut client = self.connect().await;
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        client
    }

    async fn next_stream(&mut self) -> Stream {
        within(self.streams.recv()).await.unwrap()
    }

    /// A request that its upstream works on.
    async fn running(&mut self, path: &str) -> (Client, Stream) {
        let client = self.send(path).await;
        self.arrived(client).await
    }

    async fn arrived(&mut self, client: Client) -> (Client, Stream) {
        (client, self.next_stream().await)
    }

    /// A request that waits in the queue.
    async fn waiting(&self, path: &str) -> Client {
        let before = self.proxy.traffic.limiter.waiting();
        let client = self.send(path).await;
        eventually("it waits", || self.proxy.traffic.limiter.waiting() == before + 1).await;
        client
    }

    async fn finish(&self, (mut client, (_, mut respond)): (Client, Stream)) {
        respond.send_response(Response::new(()), true).unwrap();
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n") {
            let mut bytes = [0; 4096];
            let count = within(client.socket.read(&mut bytes)).await.unwrap();
            assert!(count > 0, "closed after {answer:?}");
            answer.push_str(str::from_utf8(&bytes[..count]).unwrap());
        }
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// One of so many requests has ended, accounted for once, and what it held is there again.
    async fn has_lost_one_of(&self, count: usize) {
        eventually("the connection has ended", || self.worker.connections() == count - 1).await;
        assert_eq!(self.worker.in_flight.running().len(), count - 1);
        let traffic = &self.proxy.traffic;
        assert_eq!((traffic.limiter.in_flight(), traffic.limiter.waiting()), (1, 0));
        assert_eq!(traffic.breaker.status(Instant::now()).probes, 0);
        let total = self.proxy.metrics.total();
        assert_eq!((total.active, total.reasons[Reason::Internal.index()]), (1, 1));
    }

    /// Nothing runs or waits, and one request alone has ended as it should not.
    fn is_as_before(&self) {
        assert!(self.worker.in_flight.running().is_empty());
        let traffic = &self.proxy.traffic;
        assert_eq!((traffic.limiter.in_flight(), traffic.limiter.waiting()), (0, 0));
        let total = self.proxy.metrics.total();
        assert_eq!((total.active, total.reasons[Reason::Internal.index()]), (0, 1));
    }
}

impl Client {
    async fn send(&mut self, bytes: &str) {
        self.socket.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn panic_when_it_sends(&mut self, bytes: &str) {
        self.is_armed.set(true);
        self.send(bytes).await;
    }

    /// What it gets until its connection is closed, or reset.
    async fn everything_until_closed(mut self) -> String {
        let mut answer = Vec::new();
        match within(self.socket.read_to_end(&mut answer)).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8(answer).unwrap()
    }
}

/// Leaves the worker an HTTP/2 connection to the proxy's upstream; returns the requests that come over it.
async fn share_connection(worker: &Worker, proxy: &Proxy) -> mpsc::UnboundedReceiver<Stream> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (arrived, streams) = mpsc::unbounded_channel();
    tokio::task::spawn_local(async move {
        let mut connection = h2::server::handshake(theirs).await.unwrap();
        while let Some(Ok(stream)) = connection.accept().await {
            let _ = arrived.send(stream);
        }
    });
    let connection = Http2Connection::open(ours).await.unwrap();
    let expires = Instant::now() + PATIENCE;
    drop(worker.pool.borrow_mut().share(&proxy.upstream.id, connection, None, expires));
    streams
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap()
}

async fn eventually(what: &str, is_true: impl Fn() -> bool) {
    let held = async {
        while !is_true() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, held).await.is_ok(), "{what}");
}

/// More than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const BREAKER_RECOVERY: Duration = Duration::from_millis(1);
