//! Request load over keep-alive connections, as fast as answers come or at a fixed rate.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::connection::{Connection, ConnectionError};
use crate::histogram::{Histogram, Quantiles};
use crate::message::{Body, Head};
use crate::pace::Pace;
use crate::target::{SOURCES_MAX, Target};
use crate::watch::Watched;
use crate::window::{Shared, Window};

/// How long requests that run when the window closes may take to finish.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Keeps a connection that always fails from spinning.
const RECONNECT_DELAY: Duration = Duration::from_millis(10);

/// What load to put where.
#[derive(Args, Debug)]
pub(crate) struct LoadOptions {
    /// Where to, as http://ADDRESS:PORT/path
    pub target: Target,
    /// Keep-alive connections, each with one request at a time
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub connections: usize,
    /// Send POST requests with a body of this many bytes instead of GET
    #[arg(long, value_name = "BYTES")]
    pub post: Option<usize>,
    /// A header field of every request, as `Name: value`; may be given several times
    #[arg(long, value_name = "FIELD")]
    pub header: Vec<String>,
    /// Requests a second, all connections together; without it each answer starts the next request
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub rate: Option<f64>,
    /// Spread the connections over this many loopback addresses
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(SOURCES_MAX)))]
    pub sources: u8,
    #[command(flatten)]
    pub window: Window,
}

/// What came of it inside the window.
#[derive(Debug, Serialize)]
pub(crate) struct LoadReport {
    /// Answers with status 200 that arrived whole.
    pub requests: u64,
    /// Other answers, and requests that got none.
    pub errors: u64,
    /// Connections that were replaced, after an error or because the peer announced their end.
    pub reconnects: u64,
    /// Connections whose last request did not end within two seconds after the window.
    pub stalled: usize,
    pub body_bytes: u64,
    pub seconds: f64,
    /// From when a request was due (see `Pace`) to the last byte of its answer.
    pub latency: Quantiles,
    pub watched: Option<Watched>,
}

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    errors: u64,
    reconnects: u64,
    body_bytes: u64,
    latency: Histogram,
}

/// What every connection of the run works from.
struct Job {
    target: Target,
    sources: u8,
    request: Vec<u8>,
    tally: Shared<Tally>,
    stop: AtomicBool,
}

/// Opens the connections, runs the load and reports the window.
pub(crate) async fn run(options: LoadOptions) -> io::Result<LoadReport> {
    let before = options.window.usage_before()?;
    let job = Arc::new(Job::of(&options));
    let mut workers = JoinSet::new();
    for (index, connection) in open_all(&options).await?.into_iter().enumerate() {
        let pace = Pace::of_connection(index, options.connections, options.rate);
        workers.spawn(drive(index, connection, pace, Arc::clone(&job)));
    }
    let measured = options.window.measure(&job.tally, before).await?;
    job.stop.store(true, Ordering::Relaxed);
    let stalled = unfinished(workers).await;
    let Tally { requests, errors, reconnects, body_bytes, latency } = measured.counted;
    Ok(LoadReport {
        requests,
        errors,
        reconnects,
        stalled,
        body_bytes,
        seconds: measured.seconds,
        latency: latency.quantiles(),
        watched: measured.watched,
    })
}

impl Job {
    fn of(options: &LoadOptions) -> Self {
        Self {
            target: options.target.clone(),
            sources: options.sources,
            request: options.post.map_or_else(
                || options.target.get(&options.header),
                |length| options.target.post(length, &options.header),
            ),
            tally: Shared::default(),
            stop: AtomicBool::new(false),
        }
    }
}

async fn open_all(options: &LoadOptions) -> io::Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        connections.push(options.target.connect(index, options.sources).await?);
    }
    Ok(connections)
}

async fn unfinished(mut workers: JoinSet<()>) -> usize {
    let all_done = async { while workers.join_next().await.is_some() {} };
    // On a timeout the set still holds, and on return aborts, the workers that have not ended.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all_done).await;
    workers.len()
}

/// One connection's work: a request when it is due, its answer, and a new connection when needed.
async fn drive(index: usize, mut connection: Connection, mut pace: Pace, job: Arc<Job>) {
    loop {
        let due = pace.due().await;
        if job.stop.load(Ordering::Relaxed) {
            return;
        }
        let reusable = job.count(due, exchange(&mut connection, &job.request).await);
        if !reusable && !job.stop.load(Ordering::Relaxed) {
            connection = reconnect(index, &job).await;
        }
    }
}

/// One whole answer.
struct Answer {
    status: u16,
    body_bytes: u64,
    close: bool,
}

async fn exchange(connection: &mut Connection, request: &[u8]) -> Result<Answer, ConnectionError> {
    connection.send(request).await?;
    let head = connection.read_head(ResponseHead::of).await?;
    let ResponseHead { status, body, close } = head.ok_or(ConnectionError::Truncated)?;
    let close = close || matches!(body, Body::UntilClose);
    Ok(Answer { status, body_bytes: connection.drain(body).await?, close })
}

struct ResponseHead {
    status: u16,
    body: Body,
    close: bool,
}

impl ResponseHead {
    fn of(head: &Head<'_>) -> Self {
        Self { status: head.status().unwrap_or(0), body: Body::of_response(head), close: head.close }
    }
}

impl Job {
    /// Counts an outcome; true when the connection can take another request.
    fn count(&self, due: Instant, outcome: Result<Answer, ConnectionError>) -> bool {
        let mut tally = self.tally.lock();
        let Ok(answer) = outcome else {
            tally.errors += 1;
            return false;
        };
        if answer.status == 200 {
            tally.requests += 1;
            tally.body_bytes += answer.body_bytes;
            tally.latency.record(nanoseconds_since(due));
        } else {
            tally.errors += 1;
        }
        !answer.close
    }
}

async fn reconnect(index: usize, job: &Job) -> Connection {
    loop {
        job.tally.lock().reconnects += 1;
        match job.target.connect(index, job.sources).await {
            Ok(connection) => return connection,
            Err(_) => tokio::time::sleep(RECONNECT_DELAY).await,
        }
    }
}

fn nanoseconds_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn positive(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("{text} is not a number"))?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err(format!("{text} is not a positive rate")) }
}
