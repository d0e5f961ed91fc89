//! One open event stream.

use super::frame::frame;
use super::queue::{Frames, Queue, Stuck, queue};
use super::subscriber::Subscriber;
use super::topic::Topic;
use bytes::Bytes;
use gate_records::records::{Action, Seen};
use rand::distr::{Alphanumeric, SampleString};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::task::coop::consume_budget;

/// One open event stream: who listens, to what, and where its frames go. It never changes; a subscription makes another
/// one in its place.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    /// Where the stream was opened from.
    pub(super) address: String,
    pub(super) subscriber: Subscriber,
    pub(super) topics: Arc<Topics>,
    queue: Queue,
}

/// What a client subscribed to.
#[derive(Debug, Default)]
pub(super) struct Topics {
    pub(super) topics: Vec<Topic>,
    /// The memory they take, as far as it is counted.
    pub(super) bytes: usize,
}

impl Client {
    /// A client with an id of its own, and the frames it will be sent.
    pub(super) fn new(address: String) -> (Self, Frames) {
        let (queue, frames) = queue();
        let id = Alphanumeric.sample_string(&mut rand::rng(), ID_CHARACTERS);
        (Client { id, address, subscriber: Subscriber::default(), topics: Arc::default(), queue }, frames)
    }

    /// The same, for somebody else.
    pub(super) fn with_subscriber(&self, subscriber: Subscriber) -> Arc<Self> {
        Arc::new(Client { subscriber, ..self.clone() })
    }

    /// The same, with other topics.
    pub(super) fn with_topics(&self, topics: Topics) -> Arc<Self> {
        Arc::new(Client { topics: Arc::new(topics), ..self.clone() })
    }

    /// Queues a frame for every topic that a change is about and whose rule and filter let this client see it.
    /// Lets others run in between: there may be many.
    pub(super) async fn hear_of(&self, seen: &Seen<'_>, action: Action) -> Result<(), Stuck> {
        let mut request = None;
        for topic in &self.topics.topics {
            if !topic.is_about(seen.record()) {
                continue;
            }
            consume_budget().await;
            let request = request.get_or_insert_with(|| self.subscriber.request());
            let Some(record) = topic.shown(seen, request) else { continue };
            let told = serde_json::to_string(&Told { record, action: action.as_str() });
            // Values and texts can always be written.
            self.push(frame(&self.id, &topic.text, &told.unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Whether it asked for the status of the proxies and may have it.
    pub(super) fn wants_status(&self) -> bool {
        self.subscriber.is_superuser() && self.topics.topics.iter().any(|topic| topic.is_status)
    }

    /// Queues the status for every topic that is about it, unless something is still to be read: of a status only the
    /// newest counts, and the next is made soon.
    pub(super) fn hear_status(&self, json: &str) {
        if !self.queue.is_empty() {
            return;
        }
        for topic in self.topics.topics.iter().filter(|topic| topic.is_status) {
            // There is room, or it has gone.
            let _ = self.push(frame(&self.id, &topic.text, json));
        }
    }

    pub(super) fn push(&self, frame: Bytes) -> Result<(), Stuck> {
        let bytes_max = if self.subscriber.is_superuser() { usize::MAX } else { QUEUE_BYTES_MAX };
        self.queue.push(frame, bytes_max)
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
/// A hundred changes of one's own account. Superusers are trusted: they hear of every change of an import.
const QUEUE_BYTES_MAX: usize = 128 << 10;
