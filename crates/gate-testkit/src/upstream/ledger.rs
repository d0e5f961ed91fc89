//! What an upstream has seen, for the test to ask.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::wire::Fields;

/// The head of a request as it came over the wire.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method in the sender's spelling.
    pub method: String,
    /// The request target, undecoded.
    pub target: String,
    /// `HTTP/1.1`, `HTTP/1.0`, `HTTP/2.0`, or whatever stood there.
    pub version: String,
    /// The fields in wire order; of an HTTP/2 request `:authority` stands before them.
    pub headers: Fields,
}

/// A request body that arrived to its end.
#[derive(Clone, Debug, Default)]
pub struct ReceivedBody {
    /// Bytes of content, without chunk framing.
    pub length: u64,
    /// Lower-case hexadecimal SHA-256 of the content.
    pub sha256: String,
    /// The fields after the last chunk.
    pub trailers: Fields,
}

/// One request an upstream has seen.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    /// Which accepted connection it came on, counted from 0.
    pub connection: usize,
    /// Its head.
    pub head: RequestHead,
    /// Its body, once it has arrived to its end.
    pub body: Option<ReceivedBody>,
}

/// Counters and requests of one upstream, live while it runs.
#[derive(Debug, Default)]
pub struct Ledger {
    accepted: AtomicUsize,
    open: AtomicUsize,
    open_peak: AtomicUsize,
    pub(super) received: Arc<AtomicU64>,
    requests: Mutex<Vec<ReceivedRequest>>,
}

impl Ledger {
    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The most connections that were ever open at the same time.
    pub fn open_peak(&self) -> usize {
        self.open_peak.load(Ordering::SeqCst)
    }

    /// Bytes received over all connections, heads and framing included.
    pub fn bytes_received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    /// Requests whose head has arrived.
    pub fn request_count(&self) -> usize {
        self.lock().len()
    }

    /// Requests that have arrived to the end of their body.
    pub fn complete_count(&self) -> usize {
        self.lock().iter().filter(|request| request.body.is_some()).count()
    }

    /// All requests in the order in which their heads arrived.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.lock().clone()
    }

    /// The one request that arrived.
    ///
    /// # Panics
    /// When there was none or more than one.
    #[track_caller]
    pub fn only_request(&self) -> ReceivedRequest {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "expected one request upstream: {requests:#?}");
        requests[0].clone()
    }

    /// The newest request.
    ///
    /// # Panics
    /// When none has arrived.
    #[track_caller]
    pub fn last_request(&self) -> ReceivedRequest {
        self.requests().pop().expect("no request reached the upstream")
    }

    /// Whether nothing at all has reached the upstream, not even a connection.
    pub fn is_untouched(&self) -> bool {
        self.accepted() == 0 && self.bytes_received() == 0 && self.request_count() == 0
    }

    /// Counts a new connection and returns its number.
    pub(super) fn connection_opened(&self) -> usize {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.open_peak.fetch_max(open, Ordering::SeqCst);
        self.accepted.fetch_add(1, Ordering::SeqCst)
    }

    /// Counts a connection as gone.
    pub(super) fn connection_closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Notes a request's head and returns the place where its body belongs.
    pub(super) fn head_arrived(&self, connection: usize, head: RequestHead) -> usize {
        let mut requests = self.lock();
        requests.push(ReceivedRequest { connection, head, body: None });
        requests.len() - 1
    }

    /// Notes that the body of a request has arrived.
    pub(super) fn body_arrived(&self, place: usize, body: ReceivedBody) {
        self.lock()[place].body = Some(body);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ReceivedRequest>> {
        self.requests.lock().expect("no test thread panics while it holds the ledger")
    }
}
