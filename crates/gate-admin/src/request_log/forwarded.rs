//! Logs requests that were forwarded, or refused on the way.

use super::asked::{milliseconds, shortened};
use gate_records::request_log::{Level, LogEntry, RequestLog};
use gate_records::{LiveSettings, Settings};
use gate_telemetry::Reason;
use gate_telemetry::access_log::{AccessEntry, TakeEntry};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Queues a line about each request it is given, unless the settings want none. Waits for nobody.
pub fn log_forwarded(settings: LiveSettings, log: RequestLog) -> TakeEntry {
    Arc::new(move |entry| {
        let settings = settings.current();
        let level = if entry.is_success() { Level::Info } else { Level::Error };
        if settings.logs.max_days > 0 && level as i32 >= settings.logs.min_level {
            let message = format!("{} {}", text(entry.method), target(entry));
            log.add(LogEntry::new(level, message, data(entry, &settings)));
        }
    })
}

/// What PocketBase says of a request, under its names; the rest under those of the access log.
fn data(entry: &AccessEntry<'_>, settings: &Settings) -> Map<String, Value> {
    let (id, collection) = entry.identity.unwrap_or_default();
    let mut data = Map::new();
    let mut say = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    say("type", "request".into());
    say("execTime", json!(milliseconds(entry.total)));
    say("url", target(entry).into());
    say("method", text(entry.method).into());
    say("status", entry.status.into());
    say("auth", collection.into());
    if settings.logs.log_auth_id {
        say("authId", id.into());
    }
    if settings.logs.log_ip {
        say("userIP", entry.client.to_string().into());
    }
    if let Some(side) = entry.side() {
        say("error", entry.reason.message().into());
        say("details", entry.cause.map(|cause| shortened(&cause.to_string())).unwrap_or_default().into());
        say("side", side.into());
    }
    say("request_id", entry.request_id.as_str().into());
    say("trace_id", entry.trace.map(|trace| trace.to_string()).into());
    say("proxy", entry.proxy.into());
    say("proxy_id", entry.proxy_id.into());
    say("reason", entry.reason.label().into());
    say("upstream", entry.upstream.map(|address| address.to_string()).into());
    say("reused", entry.reused.into());
    say("attempts", entry.attempts.into());
    say("queue_ms", json!(milliseconds(entry.queue)));
    say("connect_ms", json!(milliseconds(entry.connect)));
    say("first_byte_ms", optional_milliseconds(entry.first_byte));
    say("upstream_latency_ms", optional_milliseconds(entry.upstream_latency));
    say("proxy_latency_ms", json!(milliseconds(entry.own)));
    say("bytes_received", entry.received.into());
    say("bytes_sent", entry.sent.into());
    say("events", entry.events.into());
    say("breaker", entry.breaker.into());
    say("concurrent", entry.concurrent.into());
    say("would_refuse", entry.would_refuse.map(Reason::label).into());
    data
}

fn target(entry: &AccessEntry<'_>) -> String {
    shortened(&text(entry.target))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn optional_milliseconds(duration: Option<Duration>) -> Value {
    duration.map_or(Value::Null, |duration| json!(milliseconds(duration)))
}
