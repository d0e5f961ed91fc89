//! What is known of a request while it runs: for its log line, for the metrics, and for whoever asks what runs.
//!
//! ```text
//!  started       queue          connect     begun   (upload)   sent     first byte   answered     body      ended     end
//!  ├──── own ────┼──────────────┼───────────┼──────────────────┼────────────────────┼────────────────────┼──── own ────┤
//!                                                              └────────── upstream latency ─────────────┘
//! ```
//! What the client was waited for (it did not take what was there) is nobody's but the client's: it is part of neither
//! the upstream's time nor ours.

use crate::admit::Admitted;
use crate::client::{Client, WireCount};
use crate::deadline::Slot;
use crate::identify::Caller;
use crate::route::ProxyRef;
use crate::upstream_answer::UpstreamAnswer;
use gate_telemetry::Reason;
use gate_telemetry::RequestId;
use gate_telemetry::trace::Placement;
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What is known of a request while it runs. Written and read by its worker's thread alone.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its place among those of the worker.
    place: usize,
    /// Whether there is such a request now.
    pub(crate) is_running: Cell<bool>,
    /// Whether somebody has ended it by hand.
    pub(crate) is_ended: Cell<bool>,
    /// The deadline of its client's connection.
    pub(crate) deadline: Cell<Slot>,
    /// What it is called.
    pub(crate) id: Cell<RequestId>,
    /// Where it stands in its trace, if it is traced.
    pub(crate) placement: Cell<Option<Placement>>,
    /// `METHOD /path`, and the query if there is an access log, without what may be a key in it (H28).
    pub(crate) line: RefCell<Vec<u8>>,
    /// Who asks, by address.
    pub(crate) client: Cell<IpAddr>,
    /// Who asks, by token.
    pub(crate) caller: RefCell<Caller>,
    /// Where it leads, once that is known.
    pub(crate) proxy: RefCell<Option<ProxyRef>>,
    /// What it holds of its proxy's limits.
    pub(crate) admitted: RefCell<Admitted>,
    /// What it does at the moment.
    pub(crate) phase: Cell<Phase>,
    /// When its head was complete.
    pub(crate) started: Cell<Instant>,
    /// How long it waited for a place.
    pub(crate) queue: Cell<Duration>,
    /// How long its connections took to open.
    pub(crate) connect: Cell<Duration>,
    /// What attempts took that were given up, and the pauses behind them.
    pub(crate) given_up: Cell<Duration>,
    /// When its first byte left for the upstream.
    pub(crate) begun: Cell<Option<Instant>>,
    /// When its last byte had left.
    pub(crate) sent: Cell<Option<Instant>>,
    /// When the head of the answer had come.
    pub(crate) answered: Cell<Option<Instant>>,
    /// When the upstream had sent all of it.
    pub(crate) ended: Cell<Option<Instant>>,
    /// How long the client had kept us waiting until then.
    blocked_before_end: Cell<Duration>,
    /// What the upstream says the client gets.
    pub(crate) answer: Cell<Option<UpstreamAnswer>>,
    /// The status the client got; 0 = none.
    pub(crate) status: Cell<u16>,
    /// The upstream's address, where there is one.
    pub(crate) upstream: Cell<Option<SocketAddr>>,
    /// Whether the connection had served another request.
    pub(crate) is_reused: Cell<bool>,
    /// How often it was sent, or tried to be.
    pub(crate) attempts: Cell<u32>,
    /// How many requests of its proxy ran when it was let in, itself included.
    pub(crate) concurrent: Cell<u32>,
    /// Why it would have been refused, were that limit no dry run.
    pub(crate) would_refuse: Cell<Option<Reason>>,
    /// Whether its answer is an event stream.
    pub(crate) is_event_stream: Cell<bool>,
    /// How many events of it have come.
    pub(crate) events: Cell<u64>,
    /// When the first of them had come.
    pub(crate) first_event: Cell<Option<Instant>>,
    /// What its client's connection has moved so far.
    wire: RefCell<Rc<WireCount>>,
    /// Same, when the request began.
    at_start: Cell<Moved>,
}

/// What a request does at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is being checked: path, token, rule.
    #[default]
    Checking,
    /// It waits for a place.
    Queued,
    /// It gets a connection.
    Connecting,
    /// It is sent, and waits for its answer.
    Waiting,
    /// Its answer is relayed.
    Relaying,
}

/// Bytes of a client's connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moved {
    /// From the client, heads and framing included.
    pub(crate) received: u64,
    /// To the client, the same.
    pub(crate) sent: u64,
    /// How long the client did not take what was there.
    pub(crate) blocked: Duration,
}

/// The times of a request that has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// From its head to its end.
    pub(crate) total: Duration,
    /// From its last byte to the head of the answer.
    pub(crate) first_byte: Option<Duration>,
    /// From the request's last byte to the end of the first event.
    pub(crate) first_event: Option<Duration>,
    /// From the head of the answer to its last byte, less what the client was waited for.
    pub(crate) body: Option<Duration>,
    /// From the request's last byte to the answer's, less what the client was waited for. For one that failed, until then.
    pub(crate) upstream: Option<Duration>,
    /// What is left: what the gateway itself took.
    pub(crate) own: Duration,
}

impl Record {
    pub(crate) fn new(place: usize, now: Instant) -> Rc<Self> {
        Rc::new(Record {
            place,
            is_running: Cell::new(false),
            is_ended: Cell::new(false),
            deadline: Cell::default(),
            id: Cell::new(RequestId::new(0)),
            placement: Cell::default(),
            line: RefCell::default(),
            client: Cell::new(Ipv4Addr::UNSPECIFIED.into()),
            caller: RefCell::default(),
            proxy: RefCell::default(),
            admitted: RefCell::default(),
            phase: Cell::default(),
            started: Cell::new(now),
            queue: Cell::default(),
            connect: Cell::default(),
            given_up: Cell::default(),
            begun: Cell::default(),
            sent: Cell::default(),
            answered: Cell::default(),
            ended: Cell::default(),
            blocked_before_end: Cell::default(),
            answer: Cell::default(),
            status: Cell::default(),
            upstream: Cell::default(),
            is_reused: Cell::default(),
            attempts: Cell::default(),
            concurrent: Cell::default(),
            would_refuse: Cell::default(),
            is_event_stream: Cell::default(),
            events: Cell::default(),
            first_event: Cell::default(),
            wire: RefCell::default(),
            at_start: Cell::default(),
        })
    }

    /// Its place among those of the worker.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// A request begins whose head was read already.
    pub(crate) fn begin(&self, id: RequestId, client: &Client, now: Instant) {
        self.deadline.set(client.deadline.slot());
        self.begin_with(id, client.address, client.count(), client.bytes().len(), now);
    }

    fn begin_with(&self, id: RequestId, client: IpAddr, wire: &Rc<WireCount>, at_hand: usize, now: Instant) {
        self.is_running.set(true);
        self.is_ended.set(false);
        self.id.set(id);
        self.placement.set(None);
        self.client.set(client);
        self.phase.set(Phase::Checking);
        self.started.set(now);
        self.queue.set(Duration::ZERO);
        self.connect.set(Duration::ZERO);
        self.given_up.set(Duration::ZERO);
        self.begun.set(None);
        self.sent.set(None);
        self.answered.set(None);
        self.ended.set(None);
        self.blocked_before_end.set(Duration::ZERO);
        self.answer.set(None);
        self.status.set(0);
        self.upstream.set(None);
        self.is_reused.set(false);
        self.attempts.set(0);
        self.concurrent.set(0);
        self.would_refuse.set(None);
        self.is_event_stream.set(false);
        self.events.set(0);
        self.first_event.set(None);
        self.at_start.set(wire.moved(at_hand));
        self.wire.replace(Rc::clone(wire));
    }

    /// The request has ended; what it held is let go, what can be used again stays.
    pub(crate) fn end(&self) {
        self.is_running.set(false);
        self.admitted.take();
        self.proxy.take();
        self.caller.take();
        let mut line = self.line.borrow_mut();
        line.clear();
        line.shrink_to(LINE_KEPT);
    }

    /// An attempt is given up for another one.
    pub(crate) fn give_up(&self, now: Instant) {
        if let Some(begun) = self.begun.take() {
            self.wait_again(now.saturating_duration_since(begun));
        }
        self.sent.set(None);
    }

    /// Another attempt was waited for.
    pub(crate) fn wait_again(&self, time: Duration) {
        self.given_up.set(self.given_up.get() + time);
    }

    /// The upstream has sent everything.
    pub(crate) fn upstream_ended(&self, now: Instant) {
        self.ended.set(Some(now));
        self.blocked_before_end.set(self.moved(0).blocked);
    }

    /// Its method and its path, without the query, which may hold keys (H28).
    pub(crate) fn asked_for(&self) -> (Box<str>, Box<str>) {
        let line = self.line.borrow();
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let method = words.next().unwrap_or_default();
        let path = words.next().and_then(|target| target.split(|byte| *byte == b'?').next());
        let lossy = |bytes| String::from_utf8_lossy(bytes).into();
        (lossy(method), lossy(path.unwrap_or_default()))
    }

    /// What it has moved so far; `at_hand` bytes read from the client belong to the next request.
    pub(crate) fn moved(&self, at_hand: usize) -> Moved {
        let (now, start) = (self.wire.borrow().moved(at_hand), self.at_start.get());
        Moved {
            received: now.received.saturating_sub(start.received),
            sent: now.sent.saturating_sub(start.sent),
            blocked: now.blocked.saturating_sub(start.blocked),
        }
    }

    /// Its times, now that it has ended.
    pub(crate) fn times(&self, end: Instant) -> Times {
        let total = end.saturating_duration_since(self.started.get());
        let waited = self.queue.get() + self.connect.get() + self.given_up.get();
        let Some(begun) = self.begun.get() else {
            return Times { total, own: total.saturating_sub(waited), ..Times::default() };
        };
        let blocked = self.moved(0).blocked;
        let (ended, before) = match self.ended.get() {
            Some(ended) => (ended, self.blocked_before_end.get()),
            None => (end, blocked),
        };
        // Neither: the upstream was waiting for the client's upload.
        let is_sent = self.sent.get().is_some() || self.answered.get().is_some();
        let sent = self.sent.get().unwrap_or(begun);
        let checked = begun.saturating_duration_since(self.started.get()).saturating_sub(waited);
        let finished = end.saturating_duration_since(ended).saturating_sub(blocked.saturating_sub(before));
        let answered = self.answered.get();
        Times {
            total,
            first_event: self.first_event.get().map(|event| event.saturating_duration_since(sent)),
            first_byte: answered.map(|answered| answered.saturating_duration_since(sent)),
            body: answered.map(|answered| ended.saturating_duration_since(answered).saturating_sub(before)),
            upstream: is_sent.then(|| ended.saturating_duration_since(sent).saturating_sub(before)),
            own: checked + finished,
        }
    }
}

/// How much room for its line a record keeps for the next request: nearly every line is shorter, and a record outlives its requests.
const LINE_KEPT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn begun() -> (Rc<Record>, Rc<WireCount>, Instant) {
        let (now, wire) = (Instant::now(), Rc::<WireCount>::default());
        let record = Record::new(0, now);
        record.begin_with(RequestId::new(1), Ipv4Addr::LOCALHOST.into(), &wire, 0, now);
        (record, wire, now)
    }

    #[test]
    fn r020_fr_021_a_slow_upstream_is_the_upstreams_time() {
        let (record, _, start) = begun();
        record.begun.set(Some(start + MS));
        record.sent.set(Some(start + MS));
        record.answered.set(Some(start + 301 * MS));
        record.upstream_ended(start + 501 * MS);
        let times = record.times(start + 502 * MS);
        assert_eq!((times.upstream, times.own), (Some(500 * MS), 2 * MS));
        assert_eq!((times.first_byte, times.body), (Some(300 * MS), Some(200 * MS)));
    }

    #[test]
    fn r020_fr_021_h24_a_slow_client_is_neither_the_upstreams_time_nor_ours() {
        let (record, wire, start) = begun();
        record.begun.set(Some(start));
        record.sent.set(Some(start));
        record.answered.set(Some(start + 5 * MS));
        wire.block(start + 5 * MS);
        wire.unblock(start + 905 * MS);
        record.upstream_ended(start + 910 * MS);
        wire.block(start + 910 * MS);
        wire.unblock(start + 1910 * MS);
        let times = record.times(start + 1911 * MS);
        assert_eq!((times.upstream, times.own, times.total), (Some(10 * MS), MS, 1911 * MS));
    }

    #[test]
    fn the_room_of_a_long_line_is_given_back() {
        let (record, ..) = begun();
        record.line.borrow_mut().resize(60_000, b'a');
        record.end();
        assert!((1..=LINE_KEPT).contains(&record.line.borrow().capacity()));
    }

    #[test]
    fn waiting_for_a_place_and_for_a_connection_is_neither() {
        let (record, _, start) = begun();
        record.queue.set(100 * MS);
        record.connect.set(50 * MS);
        record.begun.set(Some(start + 152 * MS));
        record.sent.set(Some(start + 152 * MS));
        record.upstream_ended(start + 162 * MS);
        let times = record.times(start + 162 * MS);
        assert_eq!((times.upstream, times.own), (Some(10 * MS), 2 * MS));
        let (refused, _, start) = begun();
        refused.queue.set(100 * MS);
        assert_eq!(refused.times(start + 101 * MS).own, MS);
        assert_eq!(refused.times(start + 101 * MS).upstream, None);
    }

    #[test]
    fn attempts_that_were_given_up_are_nobodys_but_theirs() {
        let (record, _, start) = begun();
        record.begun.set(Some(start + MS));
        record.sent.set(Some(start + MS));
        record.give_up(start + 101 * MS);
        record.wait_again(50 * MS);
        record.begun.set(Some(start + 152 * MS));
        record.sent.set(Some(start + 152 * MS));
        record.upstream_ended(start + 172 * MS);
        let times = record.times(start + 172 * MS);
        assert_eq!((times.upstream, times.own), (Some(20 * MS), 2 * MS));
        record.give_up(start + 172 * MS);
        assert_eq!(record.times(start + 173 * MS).upstream, None, "another attempt found no connection");
    }

    #[test]
    fn an_upload_that_does_not_end_is_not_the_upstreams_time() {
        let (record, _, start) = begun();
        record.begun.set(Some(start + MS));
        let times = record.times(start + 60_000 * MS);
        assert_eq!((times.upstream, times.own), (None, MS));
    }

    #[test]
    fn bytes_of_the_next_request_are_not_this_ones() {
        let (record, wire, _) = begun();
        wire.read(100);
        wire.wrote(300);
        let moved = record.moved(40);
        assert_eq!((moved.received, moved.sent), (60, 300));
    }
}
