//! What everything that counts requests is called in the label `proxy`.

use gate_snapshot::{Proxy, Snapshot};
use gate_telemetry::exposition::families::{CONTROL_PLANE, DEV_PROXY, POCKETBASE, UNMATCHED};
use gate_telemetry::metrics::{ProcessMetrics, ProxyTotal};
use std::collections::HashMap;
use std::sync::Arc;

/// Something that counts requests: a proxy, or what takes requests that have none.
pub(super) struct Counted<'a> {
    /// Its own: the name of the proxy, or its path where somebody else has the same name.
    pub(super) label: &'a str,
    /// `None` for what has no record.
    pub(super) proxy: Option<&'a Proxy>,
    /// Whether there ever was a request.
    pub(super) is_used: bool,
    /// What all workers have counted.
    pub(super) total: ProxyTotal,
}

impl<'a> Counted<'a> {
    /// Every proxy, and behind them what has no record. Together they count every request once.
    pub(super) fn all(snapshot: &'a Snapshot, metrics: &ProcessMetrics) -> Vec<Self> {
        let proxies = snapshot.routes().proxies();
        let labels = labels(proxies);
        let mut counted: Vec<_> = proxies
            .iter()
            .zip(labels)
            .map(|(proxy, label)| Counted {
                label,
                proxy: Some(proxy),
                is_used: proxy.metrics.is_used(),
                total: proxy.metrics.total(),
            })
            .collect();
        let without = |label, total| Counted { label, proxy: None, is_used: true, total };
        counted.push(without(UNMATCHED, metrics.unmatched()));
        counted.push(without(CONTROL_PLANE, metrics.control_plane.total()));
        // These two there may not be.
        for (label, metrics) in [(POCKETBASE, &metrics.pocketbase), (DEV_PROXY, &metrics.dev_proxy)] {
            let total = metrics.total();
            if total.statuses.iter().any(|count| *count > 0) || total.active > 0 {
                counted.push(without(label, total));
            }
        }
        counted
    }
}

/// The label of each proxy. Names need not be unique, paths are; and since every path begins with a slash, none of them is one
/// of the reserved labels.
fn labels(proxies: &[Arc<Proxy>]) -> impl Iterator<Item = &str> {
    let reserved = [UNMATCHED, CONTROL_PLANE, POCKETBASE, DEV_PROXY];
    let mut bearers: HashMap<&str, u32> = reserved.map(|label| (label, 1)).into();
    for proxy in proxies {
        *bearers.entry(&proxy.name).or_default() += 1;
        if proxy.name != proxy.path {
            *bearers.entry(&proxy.path).or_default() += 1;
        }
    }
    proxies.iter().map(move |proxy| {
        let is_its_own = !proxy.name.is_empty() && bearers.get(&*proxy.name) == Some(&1);
        if is_its_own { &*proxy.name } else { &*proxy.path }
    })
}
