//! Where a request stands in its trace, and what is told of it when it has ended.

use crate::fault::Fault;
use crate::record::{Moved, Record};
use crate::route::ProxyRef;
use crate::worker::Worker;
use gate_http::{FieldName, RequestHead};
use gate_snapshot::Scheme;
use gate_telemetry::Reason;
use gate_telemetry::trace::{Phase, Placement, Span, TraceContext, TraceRecord, TracedProxy};
use std::time::{Duration, Instant, SystemTime};

/// Where a request stands in its trace; none when requests are not traced. A context that cannot be read, and one of several, is
/// none (W3C Trace Context §3.2).
pub(crate) fn place(worker: &Worker, head: &RequestHead, bytes: &[u8]) -> Option<Placement> {
    if !worker.traces.is_on() {
        return None;
    }
    let mut lines = head.fields().iter().filter(|line| line.known == FieldName::Traceparent);
    let parent = match (lines.next(), lines.next()) {
        (Some(line), None) => TraceContext::parse(line.value.of(bytes)),
        _ => None,
    };
    worker.traces.place(parent, || worker.next_scrambled())
}

/// Whether a client's field does not go on because of it. What others say about a trace (`tracestate`) goes on only together with
/// the trace (§3.3.1).
pub(crate) fn replaces(placement: &Placement, known: FieldName) -> bool {
    match known {
        FieldName::Traceparent => true,
        FieldName::Tracestate => placement.parent.is_none(),
        _ => false,
    }
}

/// Tells of a sampled request that has ended.
pub(crate) fn record(
    worker: &Worker,
    record: &Record,
    placement: Placement,
    (end, moved): (Instant, Moved),
    outcome: Result<(), &Fault>,
) {
    let total = end.saturating_duration_since(record.started.get());
    let (method, path) = record.asked_for();
    let caller = record.caller.borrow();
    worker.traces.record(TraceRecord {
        placement,
        request_id: record.id.get(),
        // The clocks are read one after the other: what ended just now began so long ago.
        started: SystemTime::now().checked_sub(total).unwrap_or(SystemTime::UNIX_EPOCH),
        total,
        method,
        path,
        proxy: record.proxy.borrow().as_ref().map(traced),
        identity: caller.identity().map(|identity| identity.text("id").into()),
        client: record.client.get(),
        status: record.status.get(),
        reason: outcome.err().map_or(Reason::Completed, |fault| fault.reason),
        upstream: record.upstream.get(),
        is_reused: record.is_reused.get(),
        attempts: record.attempts.get(),
        received: moved.received,
        sent: moved.sent,
        spans: Phase::ALL.map(|phase| span(record, phase, total)),
    });
}

/// When a request that took so long did this; none if it did not.
fn span(record: &Record, phase: Phase, total: Duration) -> Option<Span> {
    let since_start = |instant: Instant| instant.saturating_duration_since(record.started.get());
    // Nothing takes time between the queue, the connection and the first byte.
    let connected = record.begun.get().map_or(total, since_start);
    let queued = connected.saturating_sub(record.connect.get());
    let (begin, end) = match phase {
        Phase::Queue => (queued.saturating_sub(record.queue.get()), queued),
        Phase::Connect => (queued, connected),
        Phase::FirstByte => {
            let begun = record.sent.get().or(record.begun.get())?;
            (since_start(begun), record.answered.get().map_or(total, since_start))
        }
        Phase::Body => {
            let answered = record.answered.get()?;
            return Some(Span {
                begin: since_start(answered),
                end: record.ended.get().map_or(total, since_start),
            });
        }
    };
    (end > begin).then_some(Span { begin, end })
}

fn traced(proxy: &ProxyRef) -> TracedProxy {
    let upstream = &proxy.upstream.id;
    TracedProxy {
        id: if proxy.is_configured() { (*proxy.id).into() } else { "".into() },
        name: (*proxy.name).into(),
        path: (&*proxy.path).into(),
        upstream: (upstream.scheme() != Scheme::ControlPlane)
            .then(|| (upstream.host().into(), upstream.port())),
    }
}

/// What a request tells about its trace.
pub(crate) const PARENT: &[u8] = b"traceparent";

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    const MS: Duration = Duration::from_millis(1);

    fn running() -> (Rc<Record>, Instant) {
        let now = Instant::now();
        (Record::new(0, now), now)
    }

    #[track_caller]
    fn check(record: &Record, total: Duration, expected: [Option<(u32, u32)>; 4]) {
        let spans = Phase::ALL.map(|phase| span(record, phase, total));
        let expected =
            expected.map(|span| span.map(|(begin, end)| Span { begin: begin * MS, end: end * MS }));
        assert_eq!(spans, expected);
    }

    #[test]
    fn phases_follow_one_another() {
        let (record, start) = running();
        record.queue.set(100 * MS);
        record.connect.set(50 * MS);
        record.begun.set(Some(start + 152 * MS));
        record.sent.set(Some(start + 160 * MS));
        record.answered.set(Some(start + 200 * MS));
        record.ended.set(Some(start + 300 * MS));
        check(&record, 310 * MS, [Some((2, 102)), Some((102, 152)), Some((160, 200)), Some((200, 300))]);
    }

    #[test]
    fn what_did_not_take_place_has_no_span() {
        let (record, start) = running();
        check(&record, MS, [None; 4]);
        record.begun.set(Some(start + MS));
        record.sent.set(Some(start + MS));
        check(&record, 9 * MS, [None, None, Some((1, 9)), None]);
    }

    #[test]
    fn a_phase_in_which_a_request_ended_goes_on_to_its_end() {
        let (record, start) = running();
        record.queue.set(8 * MS);
        check(&record, 9 * MS, [Some((1, 9)), None, None, None]);
        record.connect.set(3 * MS);
        record.queue.set(5 * MS);
        check(&record, 9 * MS, [Some((1, 6)), Some((6, 9)), None, None]);
        record.begun.set(Some(start + 9 * MS));
        check(&record, 20 * MS, [Some((1, 6)), Some((6, 9)), Some((9, 20)), None]);
        record.answered.set(Some(start + 12 * MS));
        check(&record, 20 * MS, [Some((1, 6)), Some((6, 9)), Some((9, 12)), Some((12, 20))]);
    }

    #[test]
    fn a_trace_of_our_own_takes_nothing_over() {
        let (traces, _records) = gate_telemetry::trace::Traces::on(1.0);
        let field = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let replaced = |parent| {
            let placement = traces.worker().place(parent, || 7).unwrap();
            [FieldName::Traceparent, FieldName::Tracestate, FieldName::Other]
                .map(|name| replaces(&placement, name))
        };
        assert_eq!(replaced(TraceContext::parse(field)), [true, false, false]);
        assert_eq!(replaced(None), [true, true, false]);
    }
}
