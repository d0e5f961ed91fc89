//! An OpenTelemetry collector, as far as traces go.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::behaviour::Behaviour;
use super::listening::Upstream;
use super::peer::Peer;
use crate::deadline::{PATIENCE, eventually};

/// Takes traces (OTLP over HTTP, in JSON) and keeps them for the test to ask.
pub struct Collector {
    /// The listening upstream and its ledger.
    pub upstream: Upstream,
    state: Arc<State>,
}

/// What a collector does with what it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub enum CollectorMood {
    /// It takes it.
    #[default]
    Takes,
    /// It reads it, and answers with a status that says no.
    Busy {
        /// The status.
        status: u16,
        /// When it wants to be asked again, in seconds.
        retry_after: Option<u32>,
    },
    /// It reads it and says nothing.
    Silent,
    /// It reads the head and hangs up.
    HangsUp,
}

#[derive(Default)]
struct State {
    mood: Mutex<CollectorMood>,
    exports: Mutex<Vec<Value>>,
}

impl Collector {
    /// Listens on IPv4 loopback.
    pub async fn start() -> Self {
        let state = Arc::<State>::default();
        Self { upstream: Upstream::start(Taking(Arc::clone(&state))).await, state }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.upstream.url()
    }

    /// From now on it does that.
    pub fn is(&self, mood: CollectorMood) {
        *self.state.mood.lock().expect("no test thread panics while it holds the mood") = mood;
    }

    /// What it took, in the order in which it came.
    pub fn exports(&self) -> Vec<Value> {
        self.state.exports.lock().expect("no test thread panics while it holds the exports").clone()
    }

    /// The spans in what it took.
    pub fn spans(&self) -> Vec<Value> {
        let exports = self.exports();
        let resources = exports.iter().flat_map(|export| members(export, "resourceSpans"));
        let scopes = resources.flat_map(|resource| members(resource, "scopeSpans"));
        scopes.flat_map(|scope| members(scope, "spans")).cloned().collect()
    }

    /// The first span like that, once it has come.
    ///
    /// # Panics
    /// When none comes.
    pub async fn span(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let find = || self.spans().into_iter().find(|span| wanted(span));
        eventually(PATIENCE, || find().is_some()).await;
        find().expect("spans are never taken back")
    }
}

/// The items of a list that is a member.
fn members<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

struct Taking(Arc<State>);

impl Behaviour for Taking {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while let Some(head) = peer.read_head().await? {
            let mood = *self.0.mood.lock().expect("no test thread panics while it holds the mood");
            if matches!(mood, CollectorMood::HangsUp) {
                return Ok(());
            }
            let length = head.headers.value("content-length").and_then(|length| length.parse().ok());
            let body = peer.read_bytes(length.unwrap_or(0)).await?;
            match mood {
                CollectorMood::Takes => {
                    let export = serde_json::from_slice(&body).map_err(io::Error::other)?;
                    self.0
                        .exports
                        .lock()
                        .expect("no test thread panics while it holds the exports")
                        .push(export);
                    peer.send(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                    )
                    .await?;
                }
                CollectorMood::Busy { status, retry_after } => {
                    let retry_after =
                        retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
                    peer.send(format!("HTTP/1.1 {status} x\r\n{retry_after}Content-Length: 0\r\n\r\n"))
                        .await?;
                }
                CollectorMood::Silent | CollectorMood::HangsUp => return peer.until_closed().await,
            }
        }
        Ok(())
    }
}
