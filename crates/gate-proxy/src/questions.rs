//! What the control plane asks a worker about its requests.

use crate::record::{Phase, Record};
use crate::worker::Worker;
use gate_telemetry::RequestId;
use gate_telemetry::in_flight::{InFlightQuestion, InFlightQuestions, RequestInFlight};
use std::rc::Rc;
use std::time::Instant;

/// Answers until nobody asks any more.
pub(crate) async fn answer(worker: Rc<Worker>, mut questions: InFlightQuestions) {
    while let Some(question) = questions.next().await {
        // Whoever asked may have gone.
        match question {
            InFlightQuestion::List(asked) => drop(asked.send(list(&worker))),
            InFlightQuestion::End(id, asked) => drop(asked.send(end(&worker, id))),
        }
    }
}

fn list(worker: &Worker) -> Vec<RequestInFlight> {
    let now = Instant::now();
    worker.in_flight.running().iter().map(|record| describe(record, now)).collect()
}

/// No time is left for these requests: they end where they stand, as at any timeout.
fn end(worker: &Worker, id: RequestId) -> usize {
    let records = worker.in_flight.running();
    let named = records.iter().filter(|record| record.id.get() == id);
    named
        .map(|record| {
            record.is_ended.set(true);
            worker.deadlines.run_out(record.deadline.get());
        })
        .count()
}

fn describe(record: &Record, now: Instant) -> RequestInFlight {
    let (proxy, caller) = (record.proxy.borrow(), record.caller.borrow());
    let (method, path) = record.asked_for();
    let moved = record.moved(0);
    RequestInFlight {
        id: record.id.get(),
        proxy: proxy.as_ref().map_or("", |proxy| &*proxy.name).into(),
        proxy_id: proxy.as_ref().filter(|proxy| proxy.is_configured()).map_or("", |proxy| &*proxy.id).into(),
        method,
        path,
        identity: caller.identity().map(|it| (it.text("id").into(), it.text("collectionName").into())),
        client: record.client.get(),
        upstream: record.upstream.get(),
        phase: match record.phase.get() {
            Phase::Checking => "checking",
            Phase::Queued => "queued",
            Phase::Connecting => "connecting",
            Phase::Waiting => "waiting",
            Phase::Relaying => "relaying",
        },
        age: now.saturating_duration_since(record.started.get()),
        attempts: record.attempts.get(),
        received: moved.received,
        sent: moved.sent,
    }
}
