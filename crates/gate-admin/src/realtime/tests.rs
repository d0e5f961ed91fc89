//! Event streams over HTTP, and the hub behind them.

use super::client::Topics;
use super::hub::{Hub, SubscribeError};
use super::room::CLIENTS_PER_ADDRESS_MAX;
use super::subscriber::{Subscriber, Token};
use super::topic::Topic;
use crate::router::router;
use crate::services::Authenticate;
use crate::testing::{SUPERUSER, Server, USER, connect};
use gate_records::auth::Unavailable;
use gate_records::collections::{PROXIES, SUPERUSERS, USERS};
use gate_records::records::{AuthRecord, Record, RecordChange, RequestInfo, Write, WriteKind};
use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::{sleep, timeout};

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

/// Subscribes to one topic without a server.
fn subscribe(hub: &Hub, client_id: &str, auth: Option<AuthRecord>, topic: &str) {
    let subscriber = Subscriber { token: auth.as_ref().map(|_| token()), auth: auth.map(Arc::new) };
    let topics = Topics { topics: vec![Topic::parse(topic, subscriber.is_superuser())], bytes: 0 };
    assert_eq!(hub.subscribe(client_id, "a", subscriber, topics), Ok(()));
}

fn token() -> Token {
    Token("a token".to_owned())
}

fn superuser() -> AuthRecord {
    AuthRecord::local(&Record::new(&SUPERUSERS))
}

fn user() -> Record {
    let mut user = Record::new(&USERS);
    user.set("id", "aaaaaaaaaaaaaaa");
    user
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
    assert!(frames.next().await.is_some(), "what was queued is sent");
    assert!(frames.next().await.is_none());
    assert!(hub.connect("a".to_owned()).is_err());
}

#[tokio::test]
async fn a_client_that_goes_away_is_forgotten() {
    let hub = Hub::default();
    let (connected, frames) = hub.connect("a".to_owned()).unwrap();
    let id = connected.client_id().to_owned();
    subscribe(&hub, &id, None, "users/*");
    drop((connected, frames));
    let again = hub.subscribe(&id, "a", Subscriber::default(), Topics::default());
    assert_eq!(again, Err(SubscribeError::UnknownClient));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    subscribe(&hub, connected.client_id(), Some(superuser()), "_proxies/*");
    for number in 0..2000 {
        hub.tell(&created(proxy(&format!("p{number:014}")))).await;
    }
    let mut received = 0;
    while frames.next().await.is_some() {
        received += 1;
    }
    assert_eq!(received, 1024, "what was queued is sent, and then the stream ends");
}

#[tokio::test]
async fn what_waits_for_somebody_who_is_no_superuser_is_bounded_in_bytes() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    let mut user = user();
    user.set("name", "x".repeat(1000));
    subscribe(&hub, connected.client_id(), Some(AuthRecord::local(&user)), "users/*");
    for _ in 0..1000 {
        hub.tell(&RecordChange { before: Some(user.clone()), after: Some(user.clone()) }).await;
    }
    let mut bytes = 0;
    while let Some(frame) = frames.next().await {
        bytes += frame.len();
    }
    assert!((100_000..140_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn others_connect_and_subscribe_while_filters_are_asked() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    let topics = (0..1000).map(|number| Topic::parse(&format!("_proxies/*?{number}"), true)).collect();
    let subscriber = Subscriber { auth: Some(Arc::new(superuser())), token: Some(token()) };
    hub.subscribe(connected.client_id(), "a", subscriber, Topics { topics, bytes: 0 }).unwrap();
    let change = created(proxy("p00000000000001"));
    let mut telling = pin!(hub.tell(&change));
    let mut polls = 0;
    while poll_fn(|context| Poll::Ready(telling.as_mut().poll(context).is_pending())).await {
        polls += 1;
        let (other, _) = hub.connect("a".to_owned()).expect("nobody waits for anybody");
        subscribe(&hub, other.client_id(), None, "users/*");
        tokio::task::yield_now().await;
    }
    assert!(polls > 5, "{polls}");
    let told = std::iter::from_fn(|| frames.now()).count();
    assert_eq!(told, 1001, "and it has heard of everything");
}

#[tokio::test]
async fn a_client_whose_tokens_were_revoked_is_a_guest() {
    let hub = Hub::default();
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    frames.next().await.unwrap();
    let user = user();
    subscribe(&hub, connected.client_id(), Some(AuthRecord::local(&user)), "users/*");
    hub.tell(&RecordChange { before: Some(user.clone()), after: Some(user.clone()) }).await;
    assert!(frames.now().is_some());
    let mut revoked = user.clone();
    revoked.set("tokenKey", "another");
    hub.tell(&RecordChange { before: Some(user.clone()), after: Some(revoked.clone()) }).await;
    assert!(frames.now().is_some(), "it has logged in since");
    revoked.set("updated", "2026-01-01 00:00:00.000Z");
    hub.tell(&RecordChange { before: Some(user), after: Some(revoked) }).await;
    assert!(frames.now().is_none(), "it is nobody any more");
}

#[tokio::test]
async fn whose_token_it_is_decides_again_what_a_client_hears() {
    let hub = Hub::default();
    let values = json!({"id": "su0000000000001"}).as_object().cloned().unwrap();
    let remote = AuthRecord::remote(&SUPERUSERS.id, "_superusers", values, true);
    let (connected, mut frames) = hub.connect("a".to_owned()).unwrap();
    frames.next().await.unwrap();
    let id = connected.client_id();
    subscribe(&hub, id, Some(remote.clone()), "_proxies/*");
    let change = created(proxy("p00000000000001"));
    hub.caller_is(id, &token(), Ok(Some(remote.clone())));
    hub.caller_is(id, &Token("an earlier one".to_owned()), Ok(None));
    hub.tell(&change).await;
    assert!(frames.now().is_some());
    hub.caller_is(id, &token(), Ok(None));
    hub.tell(&change).await;
    assert!(frames.now().is_none(), "the token is nobody's");
    subscribe(&hub, id, Some(remote), "_proxies/*");
    hub.caller_is(id, &token(), Err(Unavailable));
    assert_eq!(frames.next().await, None, "nobody can tell whose it is");
}

/// Whose token it is may change.
fn changing(answer: &Arc<AtomicBool>) -> Authenticate {
    let answer = Arc::clone(answer);
    Arc::new(move |_| {
        let is_somebody = answer.load(Ordering::Relaxed);
        Box::pin(async move { Ok(is_somebody.then(superuser)) })
    })
}

#[tokio::test]
async fn a_token_that_is_nobodys_any_more_is_noticed_without_a_change_of_a_record() {
    let is_somebody = Arc::new(AtomicBool::new(true));
    let server = Server::start_with(|services| services.authenticate = changing(&is_somebody)).await;
    let stream = Stream::open(&server).await;
    assert_eq!(stream.subscribe(&server, SUPERUSER, &["@gateway/status"]).await.0, 204);
    is_somebody.store(false, Ordering::Relaxed);
    assert!(server.services.hub.tell_status(|| "{}".to_owned()));
    timeout(Duration::from_secs(30), async {
        while server.services.hub.tell_status(|| "{}".to_owned()) {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("it is nobody's");
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_once() {
    let server = Server::start().await;
    let stream = Stream::open(&server).await;
    let listened = server.services.hub.listened();
    assert!(*listened.borrow());
    drop(stream);
    let left = timeout(Duration::from_secs(5), async {
        while *listened.borrow() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    left.await.expect("before the next heartbeat");
}

#[tokio::test]
async fn one_address_has_so_many_streams() {
    let server = Server::start().await;
    let hub = &server.services.hub;
    let mut open: Vec<_> =
        (0..CLIENTS_PER_ADDRESS_MAX).map(|_| hub.connect("192.0.2.1".to_owned()).unwrap()).collect();
    let fields = "X-Forwarded-For: 192.0.2.1\r\n";
    assert_eq!(server.request("GET", "/api/realtime", fields).await.status, 503);
    assert!(hub.connect("192.0.2.2".to_owned()).is_ok());
    open.pop();
    assert!(hub.connect("192.0.2.1".to_owned()).is_ok());
}

#[tokio::test]
async fn a_client_that_was_disconnected_keeps_its_place_until_it_has_gone() {
    let hub = Hub::default();
    let mut open: Vec<_> =
        (0..CLIENTS_PER_ADDRESS_MAX).map(|_| hub.connect("a".to_owned()).unwrap()).collect();
    let client_id = open[0].0.client_id().to_owned();
    subscribe(&hub, &client_id, Some(superuser()), "_proxies/*");
    hub.caller_is(&client_id, &token(), Err(Unavailable));
    assert_eq!(hub.token(&client_id), None, "it is disconnected");
    assert!(hub.connect("a".to_owned()).is_err(), "what it has not read takes memory");
    open.remove(0);
    assert!(hub.connect("a".to_owned()).is_ok());
}

#[tokio::test]
async fn topics_of_anybody_take_little_memory_and_those_of_superusers_what_they_take() {
    let server = Server::start().await;
    let filter = |number| format!("users/*?options={{\"query\":{{\"filter\":\"name='{number:02000}'\"}}}}");
    let topics: Vec<_> = (0..9).map(filter).collect();
    let topics: Vec<_> = topics.iter().map(String::as_str).collect();
    let mut streams = Vec::new();
    for expected in [204; 10].into_iter().chain([503]) {
        let stream = Stream::open(&server).await;
        assert_eq!(stream.subscribe(&server, "", &topics[..6]).await.0, expected);
        streams.push(stream);
    }
    let (last, first) = (streams.pop().unwrap(), streams.pop().unwrap());
    let (status, answer) = first.subscribe(&server, "", &topics).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["data"]["subscriptions"]["code"], "validation_subscriptions_too_large");
    assert_eq!(last.subscribe(&server, SUPERUSER, &topics).await.0, 204);
    assert_eq!(first.subscribe(&server, "", &[]).await.0, 204);
    assert_eq!(first.subscribe(&server, "", &topics[..6]).await.0, 204);
    let plain: Vec<_> = (0..1000).map(|number| format!("users/{number:015}")).collect();
    let plain: Vec<_> = plain.iter().map(String::as_str).collect();
    assert_eq!(first.subscribe(&server, "", &plain).await.0, 204, "as many as PocketBase takes");
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
    subscribe(&hub, connected.client_id(), Some(superuser()), "@gateway/status");
    frames.next().await.unwrap();
    for _ in 0..5 {
        assert!(hub.tell_status(|| "{}".to_owned()));
    }
    assert!(frames.now().is_some());
    assert!(frames.now().is_none());
}
