//! Both ends of the way from the workers to whoever exports traces.

use super::sample::Sample;
use super::{Placement, SpanId, TraceContext, TraceId, TraceRecord};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The traces of the process. Cheap to clone; all clones lead to the same exporter.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Way>);

/// A worker's end of the way: collects records in a buffer of its own, and hands it over when it is full or the worker's clock
/// ticks. Never blocks: what there is no room for is dropped and counted.
#[derive(Debug)]
pub struct TraceSink {
    way: Option<Way>,
    pending: RefCell<Vec<TraceRecord>>,
}

/// The exporter's end. It ends when the last [`TraceSink`] and the last [`Traces`] are gone.
#[derive(Debug)]
pub struct TraceRecords {
    batches: Receiver<Vec<TraceRecord>>,
    counts: Arc<TraceCounts>,
}

/// What became of the sampled requests.
#[derive(Debug, Default)]
pub struct TraceCounts {
    exported: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Clone, Debug)]
struct Way {
    batches: Sender<Vec<TraceRecord>>,
    sample: Sample,
    counts: Arc<TraceCounts>,
}

impl Traces {
    /// Nothing is traced.
    pub fn off() -> Self {
        Traces(None)
    }

    /// Requests are traced: those whose clients want it, and a share (from 0 to 1) of those that come without a trace.
    pub fn on(sample: f64) -> (Self, TraceRecords) {
        let (sender, batches) = channel(BATCHES_MAX);
        let counts = Arc::<TraceCounts>::default();
        let way = Way { batches: sender, sample: Sample::new(sample), counts: Arc::clone(&counts) };
        (Traces(Some(way)), TraceRecords { batches, counts })
    }

    /// What becomes of what is recorded; nothing ever does when nothing is traced.
    pub fn counts(&self) -> Arc<TraceCounts> {
        self.0.as_ref().map(|way| Arc::clone(&way.counts)).unwrap_or_default()
    }

    /// One worker's end.
    pub fn worker(&self) -> TraceSink {
        TraceSink { way: self.0.clone(), pending: RefCell::default() }
    }
}

impl TraceSink {
    /// Whether requests are traced.
    pub fn is_on(&self) -> bool {
        self.way.is_some()
    }

    /// Where a request stands that comes with this context, or begins a trace; none when nothing is traced. `random` gives a
    /// number no other request gets.
    pub fn place(&self, parent: Option<TraceContext>, mut random: impl FnMut() -> u64) -> Option<Placement> {
        let way = self.way.as_ref()?;
        let span = SpanId::random(random());
        if let Some(parent) = parent {
            return Some(Placement { context: parent.child(span), parent: Some(parent.span) });
        }
        let trace = TraceId::random(random(), random());
        let context = TraceContext::new(trace, span, way.sample.has(trace));
        Some(Placement { context, parent: None })
    }

    /// Tells of a request that has ended.
    pub fn record(&self, record: TraceRecord) {
        let mut pending = self.pending.borrow_mut();
        if pending.capacity() == 0 {
            pending.reserve_exact(BATCH_RECORDS);
        }
        pending.push(record);
        if pending.len() >= BATCH_RECORDS {
            self.hand_over(&mut pending);
        }
    }

    /// Hands over what was recorded. For the tick of the worker's clock, and its end.
    pub fn flush(&self) {
        let mut pending = self.pending.borrow_mut();
        if !pending.is_empty() {
            self.hand_over(&mut pending);
        }
    }

    fn hand_over(&self, pending: &mut Vec<TraceRecord>) {
        let batch = std::mem::take(pending);
        if let Some(way) = &self.way {
            let count = batch.len();
            if way.batches.try_send(batch).is_err() {
                way.counts.dropped(count);
            }
        }
    }
}

impl Drop for TraceSink {
    fn drop(&mut self) {
        self.flush();
    }
}

impl TraceRecords {
    /// The next records; none when there will never be any again.
    ///
    /// Cancel-safe: nothing is lost when the call is dropped.
    pub async fn next(&mut self) -> Option<Vec<TraceRecord>> {
        self.batches.recv().await
    }

    /// What becomes of them, for the metrics.
    pub fn counts(&self) -> Arc<TraceCounts> {
        Arc::clone(&self.counts)
    }
}

impl TraceCounts {
    /// How many requests were told of, since the start.
    pub fn exported_total(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// How many sampled requests nobody was told of, since the start: whoever is to be told was away or too slow.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// So many more were told of.
    pub fn exported(&self, count: usize) {
        self.exported.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// So many more were not.
    pub fn dropped(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// So many records at a time that handing them over costs next to nothing for each.
const BATCH_RECORDS: usize = 64;
/// What may wait for an exporter that does not keep up, of all workers together: 4096 records, some 2 MiB.
const BATCHES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reason, RequestId};
    use std::net::Ipv4Addr;
    use std::time::{Duration, UNIX_EPOCH};

    fn record(sink: &TraceSink) -> TraceRecord {
        TraceRecord {
            placement: sink.place(None, numbers()).unwrap(),
            request_id: RequestId::new(1),
            started: UNIX_EPOCH,
            total: Duration::ZERO,
            method: "GET".into(),
            path: "/".into(),
            proxy: None,
            identity: None,
            client: Ipv4Addr::LOCALHOST.into(),
            status: 200,
            reason: Reason::Completed,
            upstream: None,
            is_reused: false,
            attempts: 0,
            received: 0,
            sent: 0,
            spans: [None; 4],
        }
    }

    fn numbers() -> impl FnMut() -> u64 {
        let mut number = 0;
        move || {
            number += 1;
            number
        }
    }

    #[test]
    fn a_client_decides_for_its_trace() {
        let (traces, _records) = Traces::on(0.5);
        for (flags, is_sampled) in [("01", true), ("00", false)] {
            let field = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            let parent = TraceContext::parse(field.as_bytes()).unwrap();
            let placement = traces.worker().place(Some(parent), numbers()).unwrap();
            assert_eq!((placement.is_sampled(), placement.parent), (is_sampled, Some(parent.span)));
            assert_eq!(placement.context.trace, parent.trace);
            assert_ne!(placement.context.span, parent.span);
        }
    }

    #[test]
    fn whoever_comes_without_a_trace_gets_one() {
        for (share, is_sampled) in [(1.0, true), (0.0, false)] {
            let (traces, _records) = Traces::on(share);
            let placement = traces.worker().place(None, numbers()).unwrap();
            assert_eq!((placement.is_sampled(), placement.parent), (is_sampled, None));
            assert_eq!(placement.context.span.to_string(), "0000000000000001");
        }
    }

    #[test]
    fn nothing_is_placed_when_nothing_is_traced() {
        let sink = Traces::off().worker();
        assert!(!sink.is_on());
        assert_eq!(sink.place(None, || unreachable!("nobody needs an id")), None);
    }

    #[tokio::test]
    async fn records_arrive_at_the_tick_and_when_they_are_many() {
        let (traces, mut records) = Traces::on(1.0);
        let sink = traces.worker();
        sink.record(record(&sink));
        assert!(records.batches.try_recv().is_err());
        sink.flush();
        assert_eq!(records.next().await.map(|batch| batch.len()), Some(1));
        sink.flush();
        for _ in 0..BATCH_RECORDS {
            sink.record(record(&sink));
        }
        assert_eq!(records.next().await.map(|batch| batch.len()), Some(BATCH_RECORDS));
    }

    #[tokio::test]
    async fn what_a_worker_told_last_arrives_and_then_the_end() {
        let (traces, mut records) = Traces::on(1.0);
        let sink = traces.worker();
        sink.record(record(&sink));
        drop((sink, traces));
        assert_eq!(records.next().await.map(|batch| batch.len()), Some(1));
        assert!(records.next().await.is_none());
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (traces, records) = Traces::on(1.0);
        let sink = traces.worker();
        for _ in 0..BATCHES_MAX + 2 {
            sink.record(record(&sink));
            sink.flush();
        }
        assert_eq!(records.counts().dropped_total(), 2);
    }
}
