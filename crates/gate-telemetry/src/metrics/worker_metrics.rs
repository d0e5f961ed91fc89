//! What a worker counts about itself.

use super::{Counter, Gauge, Histogram, OVERHEAD_BOUNDS, OverheadHistogram, ProxyShard};

/// What a worker counts about itself, and about requests that led to no proxy. It alone writes to it.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerMetrics {
    is_on: bool,
    /// Client connections that were taken.
    pub connections_accepted: Counter,
    /// Client connections that were closed at once, for want of room.
    pub connections_turned_away: Counter,
    /// Client connections that are open.
    pub connections_open: Gauge,
    /// Upstream connections that lie idle in its pool.
    pub pooled_connections: Gauge,
    /// Tokens whose answer was at hand.
    pub token_hits: Counter,
    /// Tokens that had to be asked about.
    pub token_misses: Counter,
    /// Buffers that were taken, since the start.
    pub buffers_taken: Counter,
    /// Buffers of those that came from the worker's pool.
    pub buffers_reused: Counter,
    /// Buffers of those that were taken although the pool was at its bound.
    pub buffers_beyond: Counter,
    /// How much later than it should the worker's clock ticked: how long its event loop did not turn.
    pub stalls: OverheadHistogram,
    /// Requests that no proxy took.
    pub unmatched: ProxyShard,
}

impl WorkerMetrics {
    /// Nothing has happened yet; nothing is to be counted unless it is on.
    pub fn new(is_on: bool) -> Self {
        WorkerMetrics {
            is_on,
            connections_accepted: Counter::new(),
            connections_turned_away: Counter::new(),
            connections_open: Gauge::new(),
            pooled_connections: Gauge::new(),
            token_hits: Counter::new(),
            token_misses: Counter::new(),
            buffers_taken: Counter::new(),
            buffers_reused: Counter::new(),
            buffers_beyond: Counter::new(),
            stalls: Histogram::new(&OVERHEAD_BOUNDS),
            unmatched: ProxyShard::default(),
        }
    }

    /// Whether anything is to be counted at all, here and about proxies.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on
    }
}
