//! Which proxy a request belongs to.

use crate::reserved::{Owner, owner};
use gate_http::{Method, RequestHead, path};
use gate_snapshot::RouteTable;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the gateway itself: the path is reserved.
    ControlPlane {
        /// How many bytes of the raw path are not forwarded.
        stripped: usize,
    },
    /// To the PocketBase that the gateway stands in front of; to the gateway itself if there is none.
    PocketBase,
    /// To a proxy, which may be inactive.
    Proxy {
        /// Its place in [`RouteTable::proxies`].
        index: usize,
        /// How many bytes of the raw path are not forwarded.
        stripped: usize,
    },
    /// No proxy takes the path.
    Nowhere,
}

/// A request that goes nowhere, whatever the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// `CONNECT` or `TRACE`.
    #[error("a method that is never forwarded")]
    Method,
    /// A path that means different things to different readers.
    #[error(transparent)]
    Path(#[from] path::AmbiguousPath),
}

/// Finds the proxy with the longest prefix of the path. `scratch` keeps its capacity from request to request.
pub fn route(
    routes: &RouteTable,
    head: &RequestHead,
    bytes: &[u8],
    scratch: &mut Vec<u8>,
) -> Result<Route, Unroutable> {
    if matches!(head.method(), Method::Connect | Method::Trace) {
        return Err(Unroutable::Method);
    }
    let raw = head.path().of(bytes);
    let path = path::canonical(raw, scratch)?;
    match owner(path) {
        Some(Owner::ControlPlane { prefix_length }) => {
            return Ok(Route::ControlPlane { stripped: stripped(raw, prefix_length)? });
        }
        Some(Owner::PocketBase) => return Ok(Route::PocketBase),
        None => {}
    }
    let Some(matched) = routes.find(path) else { return Ok(Route::Nowhere) };
    let stripped = if matched.proxy.strip_path { stripped(raw, matched.prefix_length)? } else { 0 };
    Ok(Route::Proxy { index: matched.index, stripped })
}

/// How many bytes of the raw path make up its prefix.
///
/// What is left of the path begins the target, and with a plain slash: an encoded one would begin no path at all, and what
/// follows it be read as the host by a forward proxy (`http://upstream%2f@elsewhere/`).
fn stripped(raw: &[u8], prefix_length: usize) -> Result<usize, path::AmbiguousPath> {
    let length = path::raw_prefix(raw, prefix_length);
    match raw.get(length) {
        None | Some(b'/') => Ok(length),
        Some(_) => Err(path::AmbiguousPath),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{parsed, proxy};
    use gate_snapshot::Proxy;
    use std::sync::Arc;

    #[track_caller]
    fn check(strip_path: bool, request_line: &str, expected: Result<Route, Unroutable>) {
        let routes = RouteTable::new([Arc::new(Proxy { strip_path, ..proxy() })]);
        let bytes = format!("{request_line} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
        assert_eq!(route(&routes, &parsed(&bytes), &bytes, &mut Vec::new()), expected, "{request_line}");
    }

    #[test]
    fn the_raw_prefix_is_stripped_however_it_is_spelled() {
        let to = |stripped| Ok(Route::Proxy { index: 0, stripped });
        check(true, "GET /-/a/b", to(4));
        check(true, "GET /-/a?x=/b", to(4));
        check(true, "GET /%2d/a/b", to(6));
        check(true, "GET //-//a/b", to(6));
        check(false, "GET /%2d/a/b", to(0));
    }

    #[test]
    fn what_is_no_proxys_goes_to_the_gateway_or_nowhere() {
        check(true, "GET /-/ab", Ok(Route::Nowhere));
        check(true, "GET /API/x", Ok(Route::PocketBase));
        check(true, "GET /%5F/", Ok(Route::PocketBase));
        check(true, "GET /api/gateway/status", Ok(Route::ControlPlane { stripped: 0 }));
        check(true, "GET /%5Fgateway//api/health", Ok(Route::ControlPlane { stripped: 11 }));
    }

    #[test]
    fn what_can_be_read_in_two_ways_goes_nowhere() {
        check(true, "GET /-/a/../b", Err(Unroutable::Path(path::AmbiguousPath)));
        check(true, "TRACE /-/a", Err(Unroutable::Method));
    }

    #[test]
    fn what_is_left_of_a_path_begins_with_a_plain_slash() {
        let ambiguous = Err(Unroutable::Path(path::AmbiguousPath));
        check(true, "GET /-/a%2Fb", ambiguous);
        check(true, "GET /-/a%2f@elsewhere/b", ambiguous);
        check(true, "GET /-/a%2f", ambiguous);
        check(true, "GET /_gateway%2Fapi/health", ambiguous);
        check(true, "GET /-/a/%2Fb", Ok(Route::Proxy { index: 0, stripped: 4 }));
        check(false, "GET /-/a%2Fb", Ok(Route::Proxy { index: 0, stripped: 0 }));
    }
}
