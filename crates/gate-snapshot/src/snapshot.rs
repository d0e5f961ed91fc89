//! One generation of the configuration.

use crate::{Proxy, RouteTable, in_slices};
use std::sync::Arc;
use std::time::Instant;

/// One generation of the configuration: every compiled proxy, found by path.
#[derive(Debug, Default)]
pub struct Snapshot {
    generation: u64,
    routes: RouteTable,
}

impl Snapshot {
    /// Builds a snapshot; of two proxies with the same path the later one wins.
    pub fn new(generation: u64, proxies: impl IntoIterator<Item = Arc<Proxy>>) -> Self {
        Snapshot { generation, routes: RouteTable::new(in_slices(proxies)) }
    }

    /// Counts up with every snapshot a process publishes.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Holds the traffic of each proxy to what this generation says, whichever generation its requests began with.
    pub(crate) fn hold_traffic(&self) {
        let now = Instant::now();
        for proxy in in_slices(self.routes.proxies()) {
            proxy.traffic.configure(&proxy.traffic_config, now);
        }
    }

    /// Frees it, and lets others run meanwhile.
    pub(crate) fn free(self) {
        self.routes.free();
    }

    /// The proxies, found by path.
    pub fn routes(&self) -> &RouteTable {
        &self.routes
    }
}
