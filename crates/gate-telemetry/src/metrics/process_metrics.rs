//! What is counted about the whole process.

use super::{ConfigurationMetrics, ProxyMetrics, ProxyTotal, WorkerMetrics};
use std::sync::Arc;
use std::time::SystemTime;

/// What is counted about the whole process: what its workers count, and what they count about proxies that have no record.
#[derive(Debug)]
pub struct ProcessMetrics {
    /// One a worker, by its number.
    pub workers: Box<[Arc<WorkerMetrics>]>,
    /// The configuration.
    pub configuration: ConfigurationMetrics,
    /// The way to the control plane.
    pub control_plane: Arc<ProxyMetrics>,
    /// The way to the PocketBase the gateway stands in front of.
    pub pocketbase: Arc<ProxyMetrics>,
    /// The way to the dev proxy.
    pub dev_proxy: Arc<ProxyMetrics>,
    /// When the process began.
    pub started: SystemTime,
}

impl ProcessMetrics {
    /// For as many workers; nothing is counted unless it is on.
    pub fn new(workers: usize, is_on: bool) -> Self {
        ProcessMetrics {
            workers: (0..workers.max(1)).map(|_| Arc::new(WorkerMetrics::new(is_on))).collect(),
            configuration: ConfigurationMetrics::new(),
            started: SystemTime::now(),
            control_plane: Arc::new(ProxyMetrics::new(workers)),
            pocketbase: Arc::new(ProxyMetrics::new(workers)),
            dev_proxy: Arc::new(ProxyMetrics::new(workers)),
        }
    }

    /// What this worker writes to. Workers count from 0; one there is not gets one nobody reads.
    pub fn worker(&self, number: usize) -> Arc<WorkerMetrics> {
        let known = self.workers.get(number).map(Arc::clone);
        known.unwrap_or_else(|| Arc::new(WorkerMetrics::new(self.is_on())))
    }

    /// Requests no proxy took, of all workers.
    pub fn unmatched(&self) -> ProxyTotal {
        let mut total = ProxyTotal::default();
        for worker in &self.workers {
            total.add(&worker.unmatched);
        }
        total
    }

    /// Whether anything is counted.
    pub fn is_on(&self) -> bool {
        self.workers.iter().any(|worker| worker.is_on())
    }
}
