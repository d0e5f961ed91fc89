//! Upstreams that were parsed before.

use gate_snapshot::{Upstream, UpstreamError};
use rustc_hash::FxHashMap;

/// The upstreams of all proxies, by the text that was typed. Each is parsed once, and its proxies share it: a request that
/// leads to the upstream of the one before it finds it in the processor's cache.
#[derive(Debug, Default)]
pub(crate) struct Upstreams(FxHashMap<Box<str>, Upstream>);

impl Upstreams {
    /// As [`Upstream::parse`].
    pub(crate) fn parse(&mut self, typed: &str) -> Result<Upstream, UpstreamError> {
        if let Some(known) = self.0.get(typed) {
            return Ok(known.clone());
        }
        let upstream = Upstream::parse(typed)?;
        self.0.insert(typed.into(), upstream.clone());
        Ok(upstream)
    }

    /// Forgets those that nobody but this list has, once it may be worth looking: with `proxies` there are as many at most.
    pub(crate) fn forget_unused(&mut self, proxies: usize) {
        if self.0.len() > 2 * proxies {
            self.0.retain(|_, upstream| upstream.id.is_shared());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_parsed_once_and_what_nobody_uses_is_forgotten() {
        let mut upstreams = Upstreams::default();
        let used = upstreams.parse("http://a/base").unwrap();
        assert_eq!(
            (upstreams.parse("http://a/base"), upstreams.parse("ftp://a")),
            (Ok(used.clone()), Err(UpstreamError::Scheme))
        );
        assert!(["http://b", "http://c"].iter().all(|typed| upstreams.parse(typed).is_ok()));
        upstreams.forget_unused(2);
        assert_eq!(upstreams.0.len(), 3, "not yet worth looking");
        upstreams.forget_unused(1);
        assert_eq!(upstreams.0.keys().map(|typed| &**typed).collect::<Vec<_>>(), ["http://a/base"]);
        drop(used);
    }
}
