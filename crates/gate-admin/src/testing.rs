//! Asks the control plane over an in-memory connection, as the data plane does.

use crate::router::router;
use crate::serve::serve_router;
use crate::services::Services;
use axum::Router;
use axum::response::Response;
use gate_records::collections::{SUPERUSERS, USERS};
use gate_records::records::{AuthRecord, Record};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    fields: Vec<(String, String)>,
}

impl Answer {
    /// The value of the only field of that name, which is asked for in lower case.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "two fields {name}");
        value
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer { status, body: body.to_owned(), fields }
    }
}

/// The field of a request made by a superuser.
pub(crate) const SUPERUSER: &str = "Authorization: superuser\r\n";
/// The field of a request made by a record of `users`.
pub(crate) const USER: &str = "Authorization: Bearer user\r\n";

/// Services that know two tokens.
pub(crate) fn services() -> Arc<Services> {
    let authenticate = |token: String| {
        let record = match token.as_str() {
            "superuser" => Some(Record::new(&SUPERUSERS)),
            "user" => Some(Record::new(&USERS)),
            _ => None,
        };
        let record = record.map(|record| AuthRecord::local(&record));
        Box::pin(async { record }) as _
    };
    Arc::new(Services { authenticate: Arc::new(authenticate) })
}

/// Sends one request, with more field lines if there are any, and reads the answer.
pub(crate) async fn request(method: &str, target: &str, fields: &str) -> Answer {
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: gateway.example\r\n{fields}Connection: close\r\n\r\n");
    Answer::parse(&exchange(&head).await)
}

/// Sends raw bytes and reads until the connection is closed.
pub(crate) async fn exchange(request: &str) -> String {
    let mut client = connect(router(services()));
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Opens a connection to a router.
pub(crate) fn connect(router: Router) -> DuplexStream {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(server).unwrap();
    tokio::spawn(serve_router(receiver, router));
    client
}

/// The body of a response.
pub(crate) async fn text_of(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
