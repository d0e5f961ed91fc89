//! The route table: the proxy with the longest prefix of whole path segments.

use crate::{Proxy, in_slices};
use rustc_hash::FxHashMap;
use std::iter;
use std::sync::Arc;

/// Finds the proxy whose path is the longest prefix, in whole segments, of a request's path (contract §3.2).
///
/// `/-/a` matches `/-/a` and `/-/a/b`, never `/-/ab`. A tree of segments: looking a path up costs one hash
/// of each segment it shares with a stored path, however many proxies there are.
#[derive(Debug, Default)]
pub struct RouteTable {
    root: Node,
    proxies: Vec<Arc<Proxy>>,
}

/// What a path was matched to.
#[derive(Debug)]
pub struct Matched<'a> {
    /// The proxy; it may be inactive.
    pub proxy: &'a Arc<Proxy>,
    /// Its place in [`RouteTable::proxies`].
    pub index: usize,
    /// How many bytes of the looked-up path its prefix is.
    pub prefix_length: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: FxHashMap<Box<[u8]>, Node>,
    /// Place in the table's list.
    proxy: Option<usize>,
}

impl RouteTable {
    /// Builds the table; of two proxies with the same path the later one wins.
    pub fn new(proxies: impl IntoIterator<Item = Arc<Proxy>>) -> Self {
        let mut table = RouteTable::default();
        for proxy in proxies {
            table.insert(proxy);
        }
        table
    }

    /// Finds the longest match for a canonical path: starts with `/`, no empty segment but perhaps the last one.
    pub fn find(&self, path: &[u8]) -> Option<Matched<'_>> {
        let mut node = &self.root;
        let mut end = 0;
        let mut longest = None;
        for segment in path.split(|byte| *byte == b'/').skip(1) {
            let Some(child) = node.children.get(segment) else { break };
            end += 1 + segment.len();
            if let Some(index) = child.proxy {
                longest = Some((index, end));
            }
            node = child;
        }
        let (index, prefix_length) = longest?;
        Some(Matched { proxy: self.proxies.get(index)?, index, prefix_length })
    }

    /// Every proxy, in the order given.
    pub fn proxies(&self) -> &[Arc<Proxy>] {
        &self.proxies
    }

    /// Frees it, and lets others run meanwhile.
    pub(crate) fn free(self) {
        in_slices(self.proxies).for_each(drop);
        let mut nodes = vec![self.root];
        in_slices(iter::from_fn(|| nodes.pop().map(|node| nodes.extend(node.children.into_values()))))
            .for_each(drop);
    }

    fn insert(&mut self, proxy: Arc<Proxy>) {
        let mut node = &mut self.root;
        for segment in proxy.path.as_bytes().split(|byte| *byte == b'/').skip(1) {
            node = node.children.entry(segment.into()).or_default();
        }
        match node.proxy.and_then(|earlier| self.proxies.get_mut(earlier)) {
            Some(earlier) => *earlier = proxy,
            None => {
                node.proxy = Some(self.proxies.len());
                self.proxies.push(proxy);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessRule, ProxyFields, Timeouts, Upstream};
    use gate_telemetry::metrics::ProxyMetrics;
    use gate_traffic::{ProxyTraffic, TrafficConfig};
    use proptest::prelude::*;
    use std::time::Instant;

    fn proxy(path: &str) -> Arc<Proxy> {
        Arc::new(Proxy {
            id: path.into(),
            name: path.into(),
            path: path.to_owned(),
            active: true,
            strip_path: true,
            access_rule: AccessRule::Public,
            record: ProxyFields::default(),
            upstream: Upstream::parse("http://upstream").unwrap(),
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            traffic_config: TrafficConfig::default(),
            traffic: Arc::new(ProxyTraffic::new(&TrafficConfig::default(), Instant::now())),
            metrics: Arc::new(ProxyMetrics::new(1)),
            forward_auth: false,
            forward_encoding: false,
            forward_preflight: false,
        })
    }

    fn table(paths: &[&str]) -> RouteTable {
        RouteTable::new(paths.iter().map(|path| proxy(path)))
    }

    #[track_caller]
    fn check(table: &RouteTable, path: &str, expected: Option<&str>) {
        let found = table.find(path.as_bytes());
        assert_eq!(found.as_ref().map(|matched| matched.proxy.path.as_str()), expected, "{path}");
        assert_eq!(found.map(|matched| matched.prefix_length), expected.map(str::len), "{path}");
    }

    #[test]
    fn r005_ec4_the_longest_prefix_of_whole_segments_wins() {
        let table = table(&["/-/a", "/-/a/b", "/v1/chat/completions"]);
        check(&table, "/-/a", Some("/-/a"));
        check(&table, "/-/a/", Some("/-/a"));
        check(&table, "/-/a/c", Some("/-/a"));
        check(&table, "/-/a/b/c", Some("/-/a/b"));
        check(&table, "/-/ab", None);
        check(&table, "/-", None);
        check(&table, "/v1/chat/completions", Some("/v1/chat/completions"));
        check(&table, "/v1/chat", None);
        check(&table, "/", None);
        check(&table, "*", None);
    }

    #[test]
    fn the_later_of_two_proxies_with_one_path_wins() {
        let first = proxy("/x");
        let second = proxy("/x");
        let table = RouteTable::new([first, Arc::clone(&second)]);
        assert!(Arc::ptr_eq(table.find(b"/x").unwrap().proxy, &second));
        assert_eq!(table.proxies().len(), 1);
    }

    fn naive<'a>(paths: &'a [String], path: &str) -> Option<&'a str> {
        paths
            .iter()
            .map(String::as_str)
            .filter(|prefix| {
                path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .max_by_key(|prefix| prefix.len())
    }

    proptest! {
        #[test]
        fn r005_fr_002_agrees_with_trying_every_prefix(
            paths in prop::collection::vec("(/[ab]{1,2}){1,4}", 0..20),
            path in "(/[ab]{1,2}){0,6}/?",
        ) {
            let table = RouteTable::new(paths.iter().map(|path| proxy(path)));
            let found = table.find(path.as_bytes()).map(|matched| matched.proxy.path.as_str());
            prop_assert_eq!(found, naive(&paths, &path));
        }
    }
}
