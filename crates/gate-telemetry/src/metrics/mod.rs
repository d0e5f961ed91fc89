//! What is counted: cells that one thread writes and everybody reads, and what is made of them.
//!
//! Nothing here locks, and nothing adds atomically: a cell has one writer, the worker it belongs to. To add is a load and a
//! store, which no other thread waits for (H60).

mod configuration_metrics;
mod counter;
mod gauge;
mod histogram;
mod last_failures;
mod latencies;
mod process_metrics;
mod proxy_metrics;
mod worker_metrics;

pub use configuration_metrics::ConfigurationMetrics;
pub use counter::Counter;
pub use gauge::Gauge;
pub use histogram::{Bounds, Histogram, HistogramTotal, LATENCY_BOUNDS, OVERHEAD_BOUNDS};
pub use last_failures::{LastFailure, LastFailures};
pub use latencies::{Latencies, Latency};
pub use process_metrics::ProcessMetrics;
pub use proxy_metrics::{LatencyHistogram, OverheadHistogram, ProxyMetrics, ProxyShard, ProxyTotal};
pub use worker_metrics::WorkerMetrics;
