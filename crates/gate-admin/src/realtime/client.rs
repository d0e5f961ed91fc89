//! One open event stream.

use super::frame::frame;
use super::topic::Topic;
use bytes::Bytes;
use gate_records::records::{AuthRecord, Context, RecordChange, RequestInfo};
use rand::distr::{Alphanumeric, SampleString};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;

/// One open event stream: who listens, to what, and where its frames go.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// Where the stream was opened from.
    pub(super) address: String,
    /// Whose token the last subscription came with; `None` for a guest.
    pub(super) auth: Option<Arc<AuthRecord>>,
    pub(super) topics: Vec<Topic>,
    /// What is to be sent. Bounded: a client that does not read is disconnected instead of remembered for.
    frames: mpsc::Sender<Bytes>,
}

/// The client does not take its frames, or is gone.
#[derive(Debug)]
pub(super) struct Stuck;

impl Client {
    /// A client with an id of its own, and the frames it will be sent.
    pub(super) fn new(address: String) -> (Self, mpsc::Receiver<Bytes>) {
        let (frames, receiver) = mpsc::channel(QUEUE_FRAMES_MAX);
        let id = Alphanumeric.sample_string(&mut rand::rng(), ID_CHARACTERS);
        (Client { id, address, auth: None, topics: Vec::new(), frames }, receiver)
    }

    /// Queues a frame for every topic that a change is about and whose rule and filter let this client see it.
    pub(super) fn hear_of(&self, change: &RecordChange) -> Result<(), Stuck> {
        let Some(record) = change.record() else { return Ok(()) };
        for topic in self.topics.iter().filter(|topic| topic.is_about(record)) {
            if let Some(json) = self.shown(change, topic) {
                self.queue(frame(&self.id, &topic.text, &json))?;
            }
        }
        Ok(())
    }

    /// Whether it asked for the status of the proxies and may have it.
    pub(super) fn wants_status(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.is_superuser()) && self.topics.iter().any(Topic::is_status)
    }

    /// Queues the status for every topic that is about it, unless something is still to be read: of a status only the
    /// newest counts, and the next is made soon.
    pub(super) fn hear_status(&self, json: &str) {
        if self.frames.capacity() < self.frames.max_capacity() {
            return;
        }
        for topic in self.topics.iter().filter(|topic| topic.is_status()) {
            // There is room, or it has gone.
            let _ = self.queue(frame(&self.id, &topic.text, json));
        }
    }

    pub(super) fn queue(&self, frame: Bytes) -> Result<(), Stuck> {
        self.frames.try_send(frame).map_err(|_| Stuck)
    }

    /// Whether a change ends the tokens it listens with: those of this very record, from before the change. What others
    /// wrote is told a moment later, and by then somebody may have logged in again.
    pub(super) fn is_revoked_by(&self, change: &RecordChange) -> bool {
        let (Some(auth), Some(record)) = (&self.auth, change.record()) else { return false };
        let logged_in = auth.value("updated").and_then(Value::as_str).unwrap_or_default();
        let is_older = change.after.as_ref().is_none_or(|after| logged_in < after.text("updated"));
        change.revokes_tokens() && auth.is(record) && is_older
    }

    fn shown(&self, change: &RecordChange, topic: &Topic) -> Option<String> {
        let request = RequestInfo {
            method: "GET".to_owned(),
            context: Context::Realtime,
            headers: topic.headers.clone(),
            query: topic.query.clone(),
            auth: self.auth.as_deref().cloned(),
            ..RequestInfo::default()
        };
        let record = change.shown_to(&request, topic.interest(), topic.filter())?;
        let mut record = Value::Object(record);
        if let Some(fields) = &topic.fields {
            fields.apply(&mut record);
        }
        serde_json::to_string(&Told { record, action: change.action().as_str() }).ok()
    }
}

/// The data of an event, its members in PocketBase's order.
#[derive(Serialize)]
struct Told {
    record: Value,
    action: &'static str,
}

/// As PocketBase's.
const ID_CHARACTERS: usize = 40;
/// As many changes as one import makes; at a few hundred bytes each they are no burden.
const QUEUE_FRAMES_MAX: usize = 1024;
