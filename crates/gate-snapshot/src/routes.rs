//! The route table: the proxy with the longest prefix of whole path segments.

use crate::{Proxy, in_slices};
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::hash::Hasher;
use std::sync::Arc;

/// Finds the proxy whose path is the longest prefix, in whole segments, of a request's path (contract §3.2).
///
/// `/-/a` matches `/-/a` and `/-/a/b`, never `/-/ab`. Each prefix that is no longer than the stored paths costs one look into a
/// table of hashes, however many proxies there are. The table has five bytes a place: with thousands of proxies, each of which
/// is seldom asked for, it stays in the processor's cache.
#[derive(Debug, Default)]
pub struct RouteTable {
    proxies: Vec<Arc<Proxy>>,
    /// Places in that list, by the hash of the path.
    places: HashTable<u32>,
    /// Segments of the path that has the most.
    depth: usize,
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
        let matches = prefixes(path).take(self.depth).filter_map(|(prefix, hash)| {
            let index = self.place(prefix, hash)?;
            Some(Matched { proxy: self.proxies.get(index)?, index, prefix_length: prefix.len() })
        });
        matches.last()
    }

    /// Every proxy, in the order given.
    pub fn proxies(&self) -> &[Arc<Proxy>] {
        &self.proxies
    }

    /// Frees it, and lets others run meanwhile.
    pub(crate) fn free(self) {
        in_slices(self.proxies).for_each(drop);
    }

    fn insert(&mut self, proxy: Arc<Proxy>) {
        let path = proxy.path.as_bytes();
        let hash = hash_of(path);
        if let Some(earlier) = self.place(path, hash).and_then(|place| self.proxies.get_mut(place)) {
            *earlier = proxy;
        } else if let Ok(place) = u32::try_from(self.proxies.len()) {
            self.depth = self.depth.max(prefixes(path).count());
            self.proxies.push(proxy);
            let proxies = &self.proxies;
            self.places.insert_unique(hash, place, |place| {
                proxies.get(*place as usize).map_or(0, |proxy| hash_of(proxy.path.as_bytes()))
            });
        }
    }

    /// Where the proxy with this very path is.
    fn place(&self, path: &[u8], hash: u64) -> Option<usize> {
        let has_path = |proxy: &Arc<Proxy>| proxy.path.as_bytes() == path;
        let place = self.places.find(hash, |place| self.proxies.get(*place as usize).is_some_and(has_path));
        place.map(|place| *place as usize)
    }
}

/// The prefixes of a path in whole segments, the shortest first, each with its hash.
fn prefixes(path: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    let (mut hasher, mut end) = (FxHasher::default(), 0);
    path.split(|byte| *byte == b'/').skip(1).filter_map(move |segment| {
        hasher.write(segment);
        end += 1 + segment.len();
        Some((path.get(..end)?, hasher.finish()))
    })
}

fn hash_of(path: &[u8]) -> u64 {
    prefixes(path).last().map_or(0, |(_, hash)| hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessRule, ProxyFields, Upstream};
    use gate_telemetry::metrics::ProxyMetrics;
    use gate_traffic::{ProxyTraffic, TrafficConfig};
    use proptest::prelude::*;
    use std::time::Instant;

    fn proxy(path: &str) -> Arc<Proxy> {
        Arc::new(Proxy {
            id: path.into(),
            name: path.into(),
            path: path.into(),
            active: true,
            strip_path: true,
            access_rule: AccessRule::Public,
            record: ProxyFields::default(),
            upstream: Upstream::parse("http://upstream").unwrap(),
            headers: Vec::new(),
            timeouts: Arc::default(),
            traffic_config: Arc::default(),
            traffic: ProxyTraffic::new(&TrafficConfig::default(), Instant::now()),
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
        assert_eq!(found.as_ref().map(|matched| &*matched.proxy.path), expected, "{path}");
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
            let found = table.find(path.as_bytes()).map(|matched| &*matched.proxy.path);
            prop_assert_eq!(found, naive(&paths, &path));
        }
    }
}
