//! Which proxy a request belongs to.

use gate_http::{Method, RequestHead, path};
use gate_snapshot::RouteTable;

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the gateway itself: the path is reserved.
    ControlPlane,
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
    if path::is_reserved(path) {
        return Ok(Route::ControlPlane);
    }
    Ok(routes.find(path).map_or(Route::Nowhere, |matched| Route::Proxy {
        index: matched.index,
        stripped: if matched.proxy.strip_path { path::raw_prefix(raw, matched.prefix_length) } else { 0 },
    }))
}
