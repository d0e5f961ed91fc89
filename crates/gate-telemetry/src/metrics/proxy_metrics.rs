//! What is counted about one proxy.

use super::{
    Counter, Gauge, Histogram, HistogramTotal, LATENCY_BOUNDS, LastFailures, Latencies, Latency,
    OVERHEAD_BOUNDS,
};
use crate::Reason;
use std::fmt;
use std::sync::OnceLock;

/// What is counted about one proxy. It outlives edits, being kept by the proxy's id (contract D-12), and ends with the proxy:
/// series of what was deleted end by themselves (H60).
pub struct ProxyMetrics {
    /// The first worker's. There is always one.
    first: Slot,
    others: Box<[Slot]>,
    /// What went wrong lately.
    pub last_failures: LastFailures,
}

/// One worker's, made when that worker gets the first request.
type Slot = OnceLock<Box<ProxyShard>>;

/// What one worker has counted about one proxy. It alone writes to it.
///
/// On cache lines of its own, so that no two workers write to the same, and in this order: of thousands of proxies none is in
/// the cache, and what every request counts fills two lines, the first of the latencies and one of the gateway's own time.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct ProxyShard {
    /// Requests that run.
    pub active: Gauge,
    /// Bytes from clients.
    pub received_bytes: Counter,
    /// Bytes to clients.
    pub sent_bytes: Counter,
    /// Exchanges on a pooled connection.
    pub connections_reused: Counter,
    /// Events that were passed on.
    pub events: Counter,
    /// Attempts after the first.
    pub retries: Counter,
    /// Ended requests by the class of the status the client got: 1xx, 2xx, 3xx, 4xx, 5xx. Where nothing was sent it is the
    /// status of the reason. See [`ProxyShard::count_ended`].
    pub statuses: [Counter; STATUS_CLASSES],
    /// Ended requests by [`Reason::index`], of which the first is the one that most have.
    pub reasons: [Counter; Reason::ALL.len()],
    /// Exchanges on a connection that was dialled for them.
    pub connections_new: Counter,
    /// Event streams that are open.
    pub streams: Gauge,
    /// How long the parts of a request took.
    pub latencies: Latencies,
    /// What the gateway itself needed.
    pub overhead: OverheadHistogram,
    /// Waiting for a place.
    pub queue: LatencyHistogram,
    /// Getting a connection that was not in the pool.
    pub connect: LatencyHistogram,
    /// From the request being sent to the first event of an event stream.
    pub first_event: LatencyHistogram,
}

/// What all workers have counted about one proxy.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `ProxyShard`")]
pub struct ProxyTotal {
    pub statuses: [u64; STATUS_CLASSES],
    pub reasons: [u64; Reason::ALL.len()],
    pub upstream_latency: HistogramTotal<LATENCIES>,
    pub queue: HistogramTotal<LATENCIES>,
    pub connect: HistogramTotal<LATENCIES>,
    pub first_byte: HistogramTotal<LATENCIES>,
    pub body: HistogramTotal<LATENCIES>,
    pub first_event: HistogramTotal<LATENCIES>,
    pub overhead: HistogramTotal<OVERHEADS>,
    pub duration: HistogramTotal<LATENCIES>,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub active: i64,
    pub streams: i64,
    pub events: u64,
    pub connections_new: u64,
    pub connections_reused: u64,
    pub retries: u64,
}

/// A histogram with [`LATENCY_BOUNDS`].
pub type LatencyHistogram = Histogram<LATENCIES>;
/// A histogram with [`OVERHEAD_BOUNDS`].
pub type OverheadHistogram = Histogram<OVERHEADS>;

const LATENCIES: usize = LATENCY_BOUNDS.len();
const OVERHEADS: usize = OVERHEAD_BOUNDS.len();
const STATUS_CLASSES: usize = 5;

impl ProxyMetrics {
    /// Nothing has happened yet.
    pub fn new(workers: usize) -> Self {
        let others = (1..workers).map(|_| Slot::new()).collect();
        ProxyMetrics { first: Slot::new(), others, last_failures: LastFailures::default() }
    }

    /// What this worker writes to. Workers count from 0; one there is not shares that of the first.
    #[inline]
    pub fn shard(&self, worker: usize) -> &ProxyShard {
        let slot = worker.checked_sub(1).and_then(|other| self.others.get(other));
        slot.unwrap_or(&self.first).get_or_init(Box::default)
    }

    /// Whether any worker ever had a request for it.
    pub fn is_used(&self) -> bool {
        self.shards().next().is_some()
    }

    /// What all workers have written, each number as it is when it is read.
    pub fn total(&self) -> ProxyTotal {
        let mut total = ProxyTotal::default();
        for shard in self.shards() {
            total.add(shard);
        }
        total
    }

    fn shards(&self) -> impl Iterator<Item = &ProxyShard> {
        std::iter::once(&self.first).chain(&self.others).filter_map(|slot| slot.get().map(|shard| &**shard))
    }
}

impl fmt::Debug for ProxyMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyMetrics").field("workers", &self.shards().count()).finish_non_exhaustive()
    }
}

impl ProxyShard {
    /// A request has ended: with this status, and for this reason.
    #[inline]
    pub fn count_ended(&self, status: u16, reason: Reason) {
        if let Some(counter) = usize::from(status / 100).checked_sub(1).and_then(|at| self.statuses.get(at)) {
            counter.add(1);
        } else if let Some(server_error) = self.statuses.last() {
            // An upstream may say 999. Every request is counted once.
            server_error.add(1);
        }
        if let Some(counter) = self.reasons.get(reason.index()) {
            counter.add(1);
        }
    }
}

impl Default for ProxyShard {
    fn default() -> Self {
        ProxyShard {
            statuses: [const { Counter::new() }; _],
            reasons: [const { Counter::new() }; _],
            latencies: Latencies::default(),
            queue: Histogram::new(&LATENCY_BOUNDS),
            connect: Histogram::new(&LATENCY_BOUNDS),
            first_event: Histogram::new(&LATENCY_BOUNDS),
            overhead: Histogram::new(&OVERHEAD_BOUNDS),
            received_bytes: Counter::new(),
            sent_bytes: Counter::new(),
            active: Gauge::new(),
            streams: Gauge::new(),
            events: Counter::new(),
            connections_new: Counter::new(),
            connections_reused: Counter::new(),
            retries: Counter::new(),
        }
    }
}

impl ProxyTotal {
    /// With what one more worker has counted.
    pub fn add(&mut self, shard: &ProxyShard) {
        add_all(&mut self.statuses, &shard.statuses);
        add_all(&mut self.reasons, &shard.reasons);
        shard.latencies.add_to(&mut self.upstream_latency, Latency::Upstream);
        shard.latencies.add_to(&mut self.first_byte, Latency::FirstByte);
        shard.latencies.add_to(&mut self.body, Latency::Body);
        shard.latencies.add_to(&mut self.duration, Latency::Duration);
        self.queue.add(&shard.queue);
        self.connect.add(&shard.connect);
        self.first_event.add(&shard.first_event);
        self.overhead.add(&shard.overhead);
        self.received_bytes += shard.received_bytes.get();
        self.sent_bytes += shard.sent_bytes.get();
        self.active += shard.active.get();
        self.streams += shard.streams.get();
        self.events += shard.events.get();
        self.connections_new += shard.connections_new.get();
        self.connections_reused += shard.connections_reused.get();
        self.retries += shard.retries.get();
    }

    /// How many of the histograms have samples.
    pub fn histograms(&self) -> usize {
        let latencies = [
            &self.upstream_latency,
            &self.queue,
            &self.connect,
            &self.first_byte,
            &self.body,
            &self.first_event,
            &self.duration,
        ];
        let latencies = latencies.iter().filter(|histogram| histogram.count() > 0).count();
        latencies + usize::from(self.overhead.count() > 0)
    }
}

fn add_all(totals: &mut [u64], counters: &[Counter]) {
    for (total, counter) in totals.iter_mut().zip(counters) {
        *total += counter.get();
    }
}

impl Default for ProxyTotal {
    fn default() -> Self {
        ProxyTotal {
            statuses: [0; _],
            reasons: [0; _],
            upstream_latency: HistogramTotal::new(&LATENCY_BOUNDS),
            queue: HistogramTotal::new(&LATENCY_BOUNDS),
            connect: HistogramTotal::new(&LATENCY_BOUNDS),
            first_byte: HistogramTotal::new(&LATENCY_BOUNDS),
            body: HistogramTotal::new(&LATENCY_BOUNDS),
            first_event: HistogramTotal::new(&LATENCY_BOUNDS),
            overhead: HistogramTotal::new(&OVERHEAD_BOUNDS),
            duration: HistogramTotal::new(&LATENCY_BOUNDS),
            received_bytes: 0,
            sent_bytes: 0,
            active: 0,
            streams: 0,
            events: 0,
            connections_new: 0,
            connections_reused: 0,
            retries: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn h60_workers_count_side_by_side_and_a_total_is_exact() {
        const WORKERS: u64 = 4;
        const REQUESTS: u64 = 10_000;
        let metrics = ProxyMetrics::new(4);
        thread::scope(|scope| {
            for worker in 0..4 {
                let shard = metrics.shard(worker);
                scope.spawn(move || {
                    for _ in 0..REQUESTS {
                        shard.active.up();
                        shard.count_ended(200, Reason::Completed);
                        shard.latencies.observe(Latency::Upstream, Duration::from_millis(3));
                        shard.received_bytes.add(2);
                        shard.active.down();
                    }
                });
            }
        });
        let total = metrics.total();
        assert_eq!(total.statuses, [0, WORKERS * REQUESTS, 0, 0, 0]);
        assert_eq!(total.reasons[Reason::Completed.index()], WORKERS * REQUESTS);
        assert_eq!(total.upstream_latency.count(), WORKERS * REQUESTS);
        assert_eq!((total.received_bytes, total.active), (2 * WORKERS * REQUESTS, 0));
    }

    #[track_caller]
    fn check_class(status: u16, expected: [u64; STATUS_CLASSES]) {
        let metrics = ProxyMetrics::new(1);
        metrics.shard(0).count_ended(status, Reason::Completed);
        assert_eq!(metrics.total().statuses, expected, "{status}");
    }

    #[test]
    fn a_request_is_counted_once_whatever_its_status() {
        check_class(101, [1, 0, 0, 0, 0]);
        check_class(204, [0, 1, 0, 0, 0]);
        check_class(304, [0, 0, 1, 0, 0]);
        check_class(499, [0, 0, 0, 1, 0]);
        check_class(599, [0, 0, 0, 0, 1]);
        check_class(999, [0, 0, 0, 0, 1]);
        check_class(0, [0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_no_worker_has_used_takes_no_memory_and_every_worker_has_its_own() {
        let metrics = ProxyMetrics::new(2);
        assert_eq!(metrics.shards().count(), 0);
        let (first, second) = (metrics.shard(0), metrics.shard(1));
        assert!(!std::ptr::eq(first, second));
        assert!(std::ptr::eq(first, metrics.shard(2)), "there is no third");
        assert_eq!(metrics.shards().count(), 2);
        assert!(size_of::<ProxyShard>() <= 2048, "{}", size_of::<ProxyShard>());
    }
}
