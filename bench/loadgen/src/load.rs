//! Request load over keep-alive connections, as fast as answers come or at a fixed rate.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::clock::wall_ns;
use crate::connection::{Connection, ConnectionError};
use crate::event_reader::EventReader;
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
    /// Open a new connection for each request, which asks for its end; latency includes the opening
    #[arg(long)]
    pub fresh: bool,
    /// Send requests to N paths in turn: {n} in the path becomes 0 to N-1
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub spread: usize,
    /// The status that is no error
    #[arg(long, default_value_t = 200, value_name = "STATUS")]
    pub expect: u16,
    /// The answers are event streams: report also when their events arrive
    #[arg(long)]
    pub events: bool,
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
    /// Answers with the expected status that arrived whole.
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
    /// With `--events`.
    pub event_times: Option<EventTimes>,
    pub watched: Option<Watched>,
}

/// The events of the answers.
#[derive(Debug, Serialize)]
pub(crate) struct EventTimes {
    pub count: u64,
    /// From when a request was due to the arrival of its first event.
    pub first: Quantiles,
    /// By how much an event came later after the one before it than it was sent.
    pub gap: Quantiles,
}

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    errors: u64,
    reconnects: u64,
    body_bytes: u64,
    latency: Histogram,
    events: u64,
    first_event: Histogram,
    gap: Histogram,
}

/// What every connection of the run works from.
struct Job {
    target: Target,
    sources: u8,
    fresh: bool,
    events: bool,
    expect: u16,
    /// Sent in turn.
    requests: Vec<Vec<u8>>,
    sent: AtomicUsize,
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
    let tally = measured.counted;
    Ok(LoadReport {
        requests: tally.requests,
        errors: tally.errors,
        reconnects: tally.reconnects,
        stalled,
        body_bytes: tally.body_bytes,
        seconds: measured.seconds,
        latency: tally.latency.quantiles(),
        event_times: options.events.then(|| EventTimes {
            count: tally.events,
            first: tally.first_event.quantiles(),
            gap: tally.gap.quantiles(),
        }),
        watched: measured.watched,
    })
}

impl Job {
    fn of(options: &LoadOptions) -> Self {
        Self {
            target: options.target.clone(),
            sources: options.sources,
            fresh: options.fresh,
            events: options.events,
            expect: options.expect,
            requests: (0..options.spread.max(1)).map(|number| request(options, number)).collect(),
            sent: AtomicUsize::new(0),
            tally: Shared::default(),
            stop: AtomicBool::new(false),
        }
    }
}

fn request(options: &LoadOptions, number: usize) -> Vec<u8> {
    let target = options.target.numbered(number);
    let mut header = options.header.clone();
    if options.fresh {
        header.push("Connection: close".to_owned());
    }
    match options.post {
        Some(length) => target.post(length, &header),
        None => target.get(&header),
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
        if job.fresh {
            connection = reconnect(index, &job).await;
        }
        let outcome = if job.events {
            exchange_events(&mut connection, due, &job).await
        } else {
            exchange(&mut connection, job.next_request()).await
        };
        let reusable = job.count(due, outcome);
        if job.fresh {
            // The peer closes first and so keeps the port in TIME_WAIT; ours would soon run out.
            let _ = tokio::time::timeout(DRAIN_TIMEOUT, connection.closed()).await;
        } else if !reusable && !job.stop.load(Ordering::Relaxed) {
            connection = reconnect(index, &job).await;
        }
    }
}

/// One whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    body_bytes: u64,
    close: bool,
}

/// Sends a request and reads its answer to the end. Not cancel-safe.
pub(crate) async fn exchange(connection: &mut Connection, request: &[u8]) -> Result<Answer, ConnectionError> {
    connection.send(request).await?;
    let ResponseHead { status, body, close } = response_head(connection).await?;
    Ok(Answer { status, body_bytes: connection.drain(body).await?, close })
}

/// The same with an answer whose events are counted as they come.
async fn exchange_events(
    connection: &mut Connection,
    due: Instant,
    job: &Job,
) -> Result<Answer, ConnectionError> {
    connection.send(job.next_request()).await?;
    let ResponseHead { status, mut body, close } = response_head(connection).await?;
    let (mut events, mut arrivals, mut body_bytes) =
        (EventReader::default(), Arrivals { due, last: None }, 0);
    let mut take = |piece: &[u8]| {
        body_bytes += piece.len() as u64;
        events.feed(piece);
        let (arrived_ns, mut tally) = (wall_ns(), job.tally.lock());
        events.take(|sent_ns| arrivals.count(sent_ns, arrived_ns, &mut tally));
    };
    while connection.read_payload(&mut body, &mut take).await? {}
    Ok(Answer { status, body_bytes, close })
}

/// The events of one answer.
struct Arrivals {
    due: Instant,
    /// When the newest was sent and arrived.
    last: Option<(u64, u64)>,
}

impl Arrivals {
    fn count(&mut self, sent_ns: Option<u64>, arrived_ns: u64, tally: &mut Tally) {
        let Some(sent_ns) = sent_ns else {
            tally.errors += 1;
            return;
        };
        tally.events += 1;
        match self.last {
            None => tally.first_event.record(nanoseconds_since(self.due)),
            Some((last_sent, last_arrived)) => {
                let (sent, arrived) = (sent_ns.abs_diff(last_sent), arrived_ns.abs_diff(last_arrived));
                tally.gap.record(arrived.saturating_sub(sent));
            }
        }
        self.last = Some((sent_ns, arrived_ns));
    }
}

async fn response_head(connection: &mut Connection) -> Result<ResponseHead, ConnectionError> {
    let mut head = connection.read_head(ResponseHead::of).await?.ok_or(ConnectionError::Truncated)?;
    head.close |= matches!(head.body, Body::UntilClose);
    Ok(head)
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
    fn next_request(&self) -> &[u8] {
        let turn = self.sent.fetch_add(1, Ordering::Relaxed) % self.requests.len().max(1);
        self.requests.get(turn).map_or(&[], Vec::as_slice)
    }

    /// Counts an outcome; true when the connection can take another request.
    fn count(&self, due: Instant, outcome: Result<Answer, ConnectionError>) -> bool {
        let mut tally = self.tally.lock();
        let Ok(answer) = outcome else {
            tally.errors += 1;
            return false;
        };
        if answer.status == self.expect {
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
