//! Which proxy a request belongs to.

use crate::fault::Fault;
use crate::listener::Scope;
use crate::worker::Worker;
use gate_http::RequestHead;
use gate_request::{Route, Unroutable};
use gate_snapshot::{HeldSnapshot, Proxy};
use gate_telemetry::Reason;
use std::ops::Deref;
use std::rc::Rc;

/// A request that has found its proxy.
#[derive(Debug)]
pub(crate) struct Routed {
    /// The proxy, of the generation the request began with.
    pub(crate) proxy: ProxyRef,
    /// How many bytes of the raw path are not forwarded.
    pub(crate) stripped: usize,
    /// The control plane gets the client's own `Host`.
    pub(crate) is_control_plane: bool,
}

/// A proxy that stays as it is for the life of a request.
#[derive(Clone, Debug)]
pub(crate) enum ProxyRef {
    /// One of the configuration. Counted on this thread only, so that two workers never write to the same cache line.
    Configured {
        /// The generation.
        snapshot: HeldSnapshot,
        /// Its place in the table.
        index: usize,
    },
    /// One of the process itself: the control plane, the way to PocketBase, the development proxy.
    BuiltIn(Rc<Proxy>),
}

/// Finds the proxy with the longest prefix of the path; what is reserved goes to the control plane, or to the PocketBase the
/// gateway stands in front of, and what nothing matches to the development proxy if there is one. What is not in `scope` is
/// not there.
pub(crate) fn route(
    worker: &Worker,
    scope: Scope,
    head: &RequestHead,
    bytes: &[u8],
) -> Result<Routed, Fault> {
    let routed = find(worker, head, bytes)?;
    let is_in_scope = match scope {
        Scope::Everything => true,
        Scope::Proxies => !routed.is_control_plane,
        Scope::ControlPlane => routed.is_control_plane,
    };
    if is_in_scope { Ok(routed) } else { Err(Reason::NotFound.into()) }
}

fn find(worker: &Worker, head: &RequestHead, bytes: &[u8]) -> Result<Routed, Fault> {
    let snapshot = worker.snapshot();
    let route = gate_request::route(snapshot.routes(), head, bytes, &mut worker.path_scratch.borrow_mut());
    let (index, stripped) = match route {
        Ok(Route::Proxy { index, stripped }) => (index, stripped),
        Ok(Route::ControlPlane { stripped }) => {
            return Ok(Routed { stripped, ..Routed::whole(&worker.control_plane, true) });
        }
        Ok(Route::PocketBase) => {
            let there = worker.pocketbase.as_ref().map(|proxy| Routed::whole(proxy, false));
            return Ok(there.unwrap_or_else(|| Routed::whole(&worker.control_plane, true)));
        }
        Ok(Route::Nowhere) => {
            let fallback = worker.dev_proxy.as_ref().map(|proxy| Routed::whole(proxy, false));
            return fallback.ok_or_else(|| Reason::NotFound.into());
        }
        Err(Unroutable::Method) => return Err(Reason::MethodNotAllowed.into()),
        Err(error @ Unroutable::Path(_)) => return Err(Fault::because(Reason::BadRequest, error)),
    };
    let proxy = ProxyRef::Configured { snapshot, index };
    if !proxy.active {
        return Err(Reason::ProxyInactive.into());
    }
    Ok(Routed { proxy, stripped, is_control_plane: false })
}

impl Routed {
    fn whole(proxy: &Rc<Proxy>, is_control_plane: bool) -> Self {
        Routed { proxy: ProxyRef::BuiltIn(Rc::clone(proxy)), stripped: 0, is_control_plane }
    }
}

impl ProxyRef {
    /// Whether it is one of the configuration, which has a record.
    pub(crate) fn is_configured(&self) -> bool {
        matches!(self, ProxyRef::Configured { .. })
    }
}

impl Deref for ProxyRef {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        match self {
            ProxyRef::Configured { snapshot, index } => match snapshot.routes().proxies().get(*index) {
                Some(proxy) => proxy,
                None => unreachable!("an index of this very snapshot"),
            },
            ProxyRef::BuiltIn(proxy) => proxy,
        }
    }
}
