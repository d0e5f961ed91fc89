//! Many open event streams: how late each event arrives after the upstream wrote it.

use std::io;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clock::{StepDetector, wall_ns};
use crate::connection::{Connection, ConnectionError};
use crate::event_reader::EventReader;
use crate::histogram::{Histogram, Quantiles};
use crate::message::Body;
use crate::target::{SOURCES_MAX, Target};
use crate::watch::Watched;
use crate::window::{Shared, Window};

/// How long a response head may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);

/// Which streams to open where.
#[derive(Args, Debug)]
pub(crate) struct SseOptions {
    /// Where to, as http://ADDRESS:PORT/sse?rate=EVENTS_PER_SECOND
    pub target: Target,
    /// Streams to keep open
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub streams: usize,
    /// Spread the connections over this many loopback addresses
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(SOURCES_MAX)))]
    pub sources: u8,
    #[command(flatten)]
    pub window: Window,
}

/// What arrived inside the window.
#[derive(Debug, Serialize)]
pub(crate) struct SseReport {
    /// Streams that were open until the window closed.
    pub streams: usize,
    pub events: u64,
    /// Events without a time stamp, and streams that ended.
    pub errors: u64,
    pub seconds: f64,
    /// From the time stamp inside the event to its last byte's arrival.
    pub delay: Quantiles,
    pub watched: Option<Watched>,
}

/// Why the streams could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SseError {
    #[error("a stream was refused with status {status}")]
    Refused { status: u16 },
    #[error("a stream got no response head in time")]
    NotAnswered,
    #[error("a stream could not be opened")]
    Connection(#[from] ConnectionError),
    #[error("the clock was set while delays were measured with it")]
    ClockStepped,
    #[error(transparent)]
    Io(#[from] io::Error),
}

#[derive(Debug, Default)]
struct Tally {
    events: u64,
    errors: u64,
    delay: Histogram,
}

/// Opens the streams, listens and reports the window.
pub(crate) async fn run(options: SseOptions) -> Result<SseReport, SseError> {
    let before = options.window.usage_before()?;
    let clock = StepDetector::start();
    let tally = Shared::<Tally>::default();
    let mut readers = JoinSet::new();
    for (connection, body) in open_all(&options).await? {
        readers.spawn(listen(connection, body, tally.clone()));
    }
    let measured = options.window.measure(&tally, before).await?;
    if clock.was_stepped() {
        return Err(SseError::ClockStepped);
    }
    while readers.try_join_next().is_some() {}
    Ok(SseReport {
        streams: readers.len(),
        events: measured.counted.events,
        errors: measured.counted.errors,
        seconds: measured.seconds,
        delay: measured.counted.delay.quantiles(),
        watched: measured.watched,
    })
}

/// Opens all streams side by side: a proxy may hold each response head back for a while.
async fn open_all(options: &SseOptions) -> Result<Vec<(Connection, Body)>, SseError> {
    let mut opening = JoinSet::new();
    for index in 0..options.streams {
        let connection = options.target.connect(index, options.sources).await?;
        opening.spawn(open(connection, options.target.clone()));
    }
    let mut opened = Vec::with_capacity(options.streams);
    while let Some(outcome) = opening.join_next().await {
        opened.push(outcome.map_err(io::Error::from)??);
    }
    Ok(opened)
}

async fn open(mut connection: Connection, target: Target) -> Result<(Connection, Body), SseError> {
    let answered = timeout(OPEN_TIMEOUT, request_stream(&mut connection, &target)).await;
    match answered.map_err(|_| SseError::NotAnswered)?? {
        Some((200, body)) => Ok((connection, body)),
        Some((status, _)) => Err(SseError::Refused { status }),
        None => Err(ConnectionError::Truncated.into()),
    }
}

async fn request_stream(
    connection: &mut Connection,
    target: &Target,
) -> Result<Option<(u16, Body)>, ConnectionError> {
    connection.send(&target.get(&[])).await?;
    connection.read_head(|head| (head.status().unwrap_or(0), Body::of_response(head))).await
}

/// Reads events until the stream ends, which none should.
async fn listen(mut connection: Connection, mut body: Body, tally: Shared<Tally>) {
    let mut events = EventReader::default();
    while let Ok(true) = connection.read_payload(&mut body, |piece| events.feed(piece)).await {
        let (arrived_ns, mut tally) = (wall_ns(), tally.lock());
        events.take(|sent_ns| tally.count(sent_ns, arrived_ns));
    }
    tally.lock().errors += 1;
}

impl Tally {
    fn count(&mut self, sent_ns: Option<u64>, arrived_ns: u64) {
        let Some(sent_ns) = sent_ns else {
            self.errors += 1;
            return;
        };
        self.events += 1;
        self.delay.record(arrived_ns.saturating_sub(sent_ns));
    }
}
