//! Logs every request to the API.

use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::error::Failure;
use crate::services::{Services, Shared};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use gate_records::Settings;
use gate_records::request_log::{Level, LogEntry};
use http::header::{REFERER, USER_AGENT};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Queues a line about the request once its answer is there. Nothing waits for the log.
pub(crate) async fn add(State(services): State<Shared>, request: Request, next: Next) -> Response {
    let settings = services.settings.current();
    if settings.logs.max_days == 0 || !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    let asked = Asked::of(&request, &services, &settings);
    let start = Instant::now();
    let response = next.run(request).await;
    let level = if response.status().as_u16() < 400 { Level::Info } else { Level::Error };
    if level as i32 >= settings.logs.min_level {
        let message = format!("{} {}", asked.method, asked.url);
        services.request_log.add(LogEntry::new(level, message, asked.data(&response, start.elapsed())));
    }
    response
}

/// What there is to say about a request before it is handed on.
struct Asked {
    method: String,
    url: String,
    members: Map<String, Value>,
}

impl Asked {
    fn of(request: &Request, services: &Services, settings: &Settings) -> Self {
        let text = |name| {
            let value = request.headers().get(&name).map(|value| String::from_utf8_lossy(value.as_bytes()));
            shortened(&value.unwrap_or_default())
        };
        let Caller(caller) = Caller::known(request.extensions());
        let mut members = Map::new();
        members.insert("referer".to_owned(), masked(services, without_fragment(&text(REFERER))).into());
        members.insert("userAgent".to_owned(), text(USER_AGENT).into());
        let collection = caller.as_ref().map_or("", |record| record.collection_name());
        members.insert("auth".to_owned(), collection.into());
        if settings.logs.log_auth_id {
            members.insert("authId".to_owned(), caller.as_ref().map_or("", |record| record.id()).into());
        }
        if settings.logs.log_ip {
            members.extend(addresses(request.headers()));
        }
        Asked { method: request.method().to_string(), url: url(services, request.uri()), members }
    }

    fn data(&self, response: &Response, duration: Duration) -> Map<String, Value> {
        let mut data = self.members.clone();
        data.insert("type".to_owned(), "request".into());
        data.insert("execTime".to_owned(), json!(milliseconds(duration)));
        data.insert("url".to_owned(), self.url.as_str().into());
        data.insert("method".to_owned(), self.method.as_str().into());
        data.insert("status".to_owned(), response.status().as_u16().into());
        if let Some(Failure { message, cause }) = response.extensions().get() {
            data.insert("error".to_owned(), message.as_str().into());
            data.insert("details".to_owned(), cause.as_deref().unwrap_or_default().into());
        }
        data
    }
}

/// A URL says a lot in a few hundred characters; what is longer is not a URL but a payload.
const CHARACTERS_MAX: usize = 2000;

fn addresses(headers: &HeaderMap) -> [(String, Value); 2] {
    let ClientAddress { remote, real } = ClientAddress::of(headers);
    [("userIP".to_owned(), real.into()), ("remoteIP".to_owned(), remote.into())]
}

fn url(services: &Services, uri: &Uri) -> String {
    shortened(&masked(services, uri.path_and_query().map_or("/", |target| target.as_str())))
}

/// The URL without the values of sensitive parameters.
fn masked(services: &Services, url: &str) -> String {
    let mut masked = Vec::with_capacity(url.len());
    services.access_log.mask_target(url.as_bytes(), &mut masked);
    String::from_utf8_lossy(&masked).into_owned()
}

/// Has no place in a `Referer` (RFC 9110, 10.1.3), and may be a token.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect()
}

/// With as many decimals as anybody reads.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}
