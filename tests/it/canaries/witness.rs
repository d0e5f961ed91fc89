//! A client that remembers every byte it got.

use super::canary::Canaries;
use gate_testkit::{Gateway, RawClient, Response};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// Where in a body a token is what was asked for.
const HANDS_OUT_TOKENS: [&str; 5] =
    ["/auth-with-password", "/auth-refresh", "/impersonate/", "/api/files/token", "/api/gateway/setup"];

/// What was said, by whom, and the bytes that came back.
type Heard = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A client that remembers every byte it got; clones remember together.
#[derive(Clone, Default)]
pub(super) struct Witness {
    heard: Heard,
}

impl Witness {
    /// Sends a request on a connection of its own.
    pub(super) async fn ask(
        &self,
        gateway: &Gateway,
        method: &str,
        target: &str,
        lines: &[&str],
        body: &[u8],
    ) -> Response {
        self.ask_on(&mut gateway.connect().await, method, target, lines, body).await
    }

    /// Sends a request on that connection.
    pub(super) async fn ask_on(
        &self,
        client: &mut RawClient,
        method: &str,
        target: &str,
        lines: &[&str],
        body: &[u8],
    ) -> Response {
        let response = client.request(method, target, lines, body).await;
        let body = if HANDS_OUT_TOKENS.iter().any(|path| target.contains(path)) {
            without_token(&response.body)
        } else {
            response.body.clone()
        };
        let head = format!("{:?}\n{:?}\n", response.head, response.trailers);
        let heard = format!("{method} {target} of {}", lines.join(", "));
        self.hear(&heard, [head.into_bytes(), body].concat());
        response
    }

    /// A request with a JSON body by whoever has the token.
    pub(super) async fn call(
        &self,
        gateway: &Gateway,
        token: &str,
        method: &str,
        target: &str,
        body: &Value,
    ) -> Response {
        let authorization = format!("Authorization: {token}");
        let lines = ["Content-Type: application/json", &authorization];
        self.ask(gateway, method, target, &lines, body.to_string().as_bytes()).await
    }

    /// Listens to that stream until it ends.
    pub(super) fn listen(&self, mut stream: RawClient) {
        let witness = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(part)) = stream.read_part().await {
                witness.hear("realtime", part);
            }
        });
    }

    /// Remembers what came in another way.
    pub(super) fn hear(&self, origin: &str, bytes: Vec<u8>) {
        self.heard.lock().expect("no holder panics").push((origin.to_owned(), bytes));
    }

    /// How much of that was heard so far.
    pub(super) fn count(&self, wanted: impl Fn(&str, &str) -> bool) -> usize {
        let heard = self.heard.lock().expect("no holder panics");
        heard.iter().filter(|(origin, bytes)| wanted(origin, &String::from_utf8_lossy(bytes))).count()
    }

    /// Checks everything that was heard.
    #[track_caller]
    pub(super) fn check(&self, canaries: &Canaries) {
        for (origin, bytes) in self.heard.lock().expect("no holder panics").iter() {
            canaries.check_output(origin, bytes);
        }
    }
}

/// The body with its one token taken out, as it was otherwise.
fn without_token(body: &[u8]) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    let mut left = String::new();
    if let Some(token) = json.get_mut("token") {
        *token = Value::Null;
    }
    write!(left, "{json}").expect("a text takes everything");
    left.into_bytes()
}
