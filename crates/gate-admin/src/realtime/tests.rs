//! Event streams over HTTP, and the hub behind them.

use super::hub::{Hub, SubscribeError};
use super::topic::Topic;
use crate::router::router;
use crate::testing::{SUPERUSER, Server, USER, connect};
use gate_records::collections::{PROXIES, SUPERUSERS, USERS};
use gate_records::records::{AuthRecord, Record, RecordChange, RequestInfo, Write, WriteKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::timeout;

/// An open event stream.
struct Stream {
    lines: BufReader<DuplexStream>,
    head: String,
    client_id: String,
}

impl Stream {
    async fn open(server: &Server) -> Self {
        let mut connection = connect(router(Arc::clone(&server.services)));
        // HTTP/1.0, so that the body is not chunked.
        let request = "GET /api/realtime HTTP/1.0\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut stream =
            Stream { lines: BufReader::new(connection), head: String::new(), client_id: String::new() };
        while !stream.head.ends_with("\r\n\r\n") {
            let line = stream.line().await;
            stream.head.push_str(&line);
        }
        stream.head.make_ascii_lowercase();
        let [id, event, data] = stream.event().await;
        stream.client_id = id.strip_prefix("id:").unwrap().to_owned();
        assert_eq!(event, "event:PB_CONNECT");
        assert_eq!(data, format!("data:{{\"clientId\":\"{}\"}}", stream.client_id));
        stream
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line);
        timeout(Duration::from_secs(10), read).await.expect("a line in time").unwrap();
        line
    }

    /// The three lines of the next event.
    async fn event(&mut self) -> [String; 3] {
        let event = [self.line().await, self.line().await, self.line().await];
        assert_eq!(self.line().await, "\n");
        event.map(|line| line.trim_end().to_owned())
    }

    /// Subscribes; returns the status and the body.
    async fn subscribe(&self, server: &Server, fields: &str, topics: &[&str]) -> (u16, Value) {
        let body = json!({"clientId": self.client_id, "subscriptions": topics});
        post(server, &format!("{fields}X-Forwarded-For: 192.0.2.1\r\n"), &body).await
    }
}

async fn post(server: &Server, fields: &str, body: &Value) -> (u16, Value) {
    let answer = server.send("POST", "/api/realtime", fields, body).await;
    (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json() })
}

fn proxy(id: &str) -> Record {
    let mut record = Record::new(&PROXIES);
    record.set("id", id);
    record
}

fn created(record: Record) -> RecordChange {
    RecordChange { before: None, after: Some(record) }
}

#[tokio::test]
async fn a_stream_begins_with_the_id_of_the_client() {
    let server = Server::start().await;
    let stream = Stream::open(&server).await;
    assert_eq!(stream.client_id.len(), 40);
    assert!(stream.client_id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    for field in
        ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "x-accel-buffering: no\r\n"]
    {
        assert!(stream.head.contains(field), "{}", stream.head);
    }
}

#[tokio::test]
async fn an_event_has_the_topic_as_subscribed_and_the_record_as_the_caller_sees_it() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server).await;
    let topic = "_proxies/*?options=%7B%22query%22%3A%7B%22fields%22%3A%22id%2Cpath%22%7D%7D";
    assert_eq!(stream.subscribe(&server, SUPERUSER, &[topic]).await, (204, Value::Null));
    let proxy = json!({"path": "/-/a", "upstream": "http://127.0.0.1:9"});
    let auth = AuthRecord::local(&Record::new(&SUPERUSERS));
    let request =
        RequestInfo { body: proxy.as_object().cloned().unwrap(), auth: Some(auth), ..RequestInfo::default() };
    let kind = WriteKind::Create;
    let write = Write { collection: &PROXIES, kind, request };
    let record = server.services.records.write(write).await.unwrap().change.after.unwrap();
    let [id, event, data] = stream.event().await;
    assert_eq!((id, event), (format!("id:{}", stream.client_id), format!("event:{topic}")));
    let data: Value = serde_json::from_str(data.strip_prefix("data:").unwrap()).unwrap();
    assert_eq!(data, json!({"action": "create", "record": {"id": record.id(), "path": "/-/a"}}));
}

#[tokio::test]
async fn subscribing_is_refused_in_pocketbases_words() {
    let server = Server::start().await;
    let stream = Stream::open(&server).await;
    let message =
        |(status, body): (u16, Value)| (status, body["message"].as_str().unwrap_or_default().to_owned());
    let unknown = post(&server, "", &json!({"clientId": "unknown", "subscriptions": []})).await;
    assert_eq!(message(unknown), (404, "Missing or invalid client id.".to_owned()));
    let elsewhere =
        post(&server, "X-Forwarded-For: 192.0.2.2\r\n", &json!({"clientId": stream.client_id})).await;
    assert_eq!(message(elsewhere), (400, "Invalid realtime client.".to_owned()));
    assert_eq!(stream.subscribe(&server, "", &["users/*"]).await.0, 204);
    assert_eq!(stream.subscribe(&server, USER, &["users/*"]).await.0, 204, "a guest may become somebody");
    let expected = (403, "The current and the previous request authorization don't match.".to_owned());
    assert_eq!(message(stream.subscribe(&server, SUPERUSER, &["users/*"]).await), expected);
    assert_eq!(message(stream.subscribe(&server, "", &[]).await), expected);
}

#[tokio::test]
async fn a_subscription_that_cannot_be_is_a_400_with_an_error_for_each_field() {
    let server = Server::start().await;
    let long = "x".repeat(2501);
    for (body, field) in [
        (json!({"subscriptions": []}), "/clientId/code"),
        (json!({"clientId": "x".repeat(256)}), "/clientId/code"),
        (json!({"clientId": "x", "subscriptions": ["users/*", long]}), "/subscriptions/1/code"),
        (json!({"clientId": "x", "subscriptions": ["users/*\nid:1"]}), "/subscriptions/0/code"),
        (json!({"clientId": "x", "subscriptions": vec!["a"; 1001]}), "/subscriptions/code"),
    ] {
        let (status, answer) = post(&server, "", &body).await;
        assert_eq!(status, 400);
        assert!(answer["data"].pointer(field).is_some(), "{field} in {answer}");
    }
    assert_eq!(post(&server, "", &json!({"clientId": 1})).await.0, 400);
}

#[tokio::test]
async fn a_hub_that_was_closed_ends_every_stream_and_takes_nobody_in() {
    let hub = Hub::default();
    let (_connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    hub.close();
    assert!(frames.recv().await.is_some(), "what was queued is sent");
    assert!(frames.recv().await.is_none());
    assert!(hub.connect("a".to_owned()).is_err());
}

#[tokio::test]
async fn a_client_that_goes_away_is_forgotten() {
    let hub = Hub::default();
    let (connected, frames) = hub.connect("a".to_owned()).unwrap();
    let id = connected.client_id().to_owned();
    assert_eq!(hub.subscribe(&id, "a", None, Vec::new()), Ok(()));
    drop((connected, frames));
    assert_eq!(hub.subscribe(&id, "a", None, Vec::new()), Err(SubscribeError::UnknownClient));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    let superuser = Arc::new(AuthRecord::local(&Record::new(&SUPERUSERS)));
    let topics = vec![Topic::parse("_proxies/*")];
    hub.subscribe(connected.client_id(), "a", Some(superuser), topics).unwrap();
    for number in 0..2000 {
        hub.tell(&created(proxy(&format!("p{number:014}"))));
    }
    let mut received = 0;
    while frames.recv().await.is_some() {
        received += 1;
    }
    assert_eq!(received, 1024, "what was queued is sent, and then the stream ends");
}

#[tokio::test]
async fn a_client_whose_tokens_were_revoked_is_a_guest() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    frames.recv().await.unwrap();
    let mut user = Record::new(&USERS);
    user.set("id", "aaaaaaaaaaaaaaa");
    let auth = Some(Arc::new(AuthRecord::local(&user)));
    hub.subscribe(connected.client_id(), "a", auth, vec![Topic::parse("users/*")]).unwrap();
    hub.tell(&RecordChange { before: Some(user.clone()), after: Some(user.clone()) });
    assert!(frames.recv().await.is_some());
    let mut revoked = user.clone();
    revoked.set("tokenKey", "another");
    hub.tell(&RecordChange { before: Some(user.clone()), after: Some(revoked.clone()) });
    assert!(frames.recv().await.is_some(), "it has logged in since");
    revoked.set("updated", "2026-01-01 00:00:00.000Z");
    hub.tell(&RecordChange { before: Some(user), after: Some(revoked) });
    assert!(frames.try_recv().is_err(), "it is nobody any more");
}

#[tokio::test]
async fn superusers_hear_the_status_once_a_second() {
    let server = Server::start().await;
    let (hub, published) = (server.services.hub.clone(), Arc::clone(&server.published));
    tokio::spawn(crate::gateway::tell_status(hub, published, crate::gateway::LastMinute::default()));
    let mut stream = Stream::open(&server).await;
    assert_eq!(stream.subscribe(&server, SUPERUSER, &["@gateway/status"]).await.0, 204);
    let started = std::time::Instant::now();
    for _ in 0..2 {
        let [_, event, data] = stream.event().await;
        assert_eq!(event, "event:@gateway/status");
        assert!(data.starts_with("data:{\"generation\":") && data.ends_with(",\"proxies\":[]}"), "{data}");
    }
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn nobody_works_out_a_status_that_nobody_may_hear() {
    let server = Server::start().await;
    let hub = &server.services.hub;
    let unasked = || -> String { panic!("nobody asked") };
    assert!(!hub.tell_status(unasked));
    let (user, superuser) = (Stream::open(&server).await, Stream::open(&server).await);
    assert_eq!(user.subscribe(&server, USER, &["@gateway/status"]).await.0, 204);
    assert_eq!(superuser.subscribe(&server, SUPERUSER, &["_proxies/*"]).await.0, 204);
    assert!(!hub.tell_status(unasked));
    assert_eq!(superuser.subscribe(&server, SUPERUSER, &["@gateway/status"]).await.0, 204);
    assert!(hub.tell_status(|| "{}".to_owned()));
    drop(superuser);
    timeout(Duration::from_secs(10), async {
        while hub.tell_status(|| "{}".to_owned()) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("whoever has left is not told");
}

#[tokio::test]
async fn of_a_status_that_is_not_read_only_one_is_kept() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    let superuser = Arc::new(AuthRecord::local(&Record::new(&SUPERUSERS)));
    let topics = vec![Topic::parse("@gateway/status")];
    hub.subscribe(connected.client_id(), "a", Some(superuser), topics).unwrap();
    frames.recv().await.unwrap();
    for _ in 0..5 {
        assert!(hub.tell_status(|| "{}".to_owned()));
    }
    assert!(frames.recv().await.is_some());
    assert!(frames.try_recv().is_err());
}
