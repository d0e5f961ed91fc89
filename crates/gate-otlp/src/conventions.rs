//! A request as spans: one of the server, and one within it for each phase (OpenTelemetry semantic conventions for HTTP, 1.27
//! and later).

use crate::attribute::{Attribute, Written};
use crate::span::{Kind, Span, Status};
use gate_telemetry::Reason;
use gate_telemetry::trace::{Phase, TraceRecord};
use std::time::{Duration, UNIX_EPOCH};

/// The spans of a request, its own first.
pub(crate) fn spans(record: &TraceRecord) -> impl Iterator<Item = Span<'_>> {
    let phases = Phase::ALL.into_iter().zip(record.spans);
    let phases = phases.filter_map(|(phase, span)| Some((phase, span?)));
    let context = record.placement.context;
    let inner = phases.map(move |(phase, span)| Span {
        trace: Written(context.trace),
        id: Written(context.span.inner(phase.index())),
        parent: Some(Written(context.span)),
        flags: flags(record, false),
        name: phase.label().to_owned(),
        kind: Kind::Internal,
        start_time_unix_nano: nanoseconds(record, span.begin),
        end_time_unix_nano: nanoseconds(record, span.end),
        attributes: if phase == Phase::Queue { Vec::new() } else { upstream(record) },
        status: None,
    });
    std::iter::once(server(record)).chain(inner)
}

fn server(record: &TraceRecord) -> Span<'_> {
    let is_error = record.status >= 500;
    Span {
        trace: Written(record.placement.context.trace),
        id: Written(record.placement.context.span),
        parent: record.placement.parent.map(Written),
        flags: flags(record, record.placement.parent.is_some()),
        name: name(record),
        kind: Kind::Server,
        start_time_unix_nano: nanoseconds(record, Duration::ZERO),
        end_time_unix_nano: nanoseconds(record, record.total),
        attributes: attributes(record),
        status: is_error.then_some(Status::ERROR),
    }
}

/// `METHOD ROUTE`, of which there are not many.
fn name(record: &TraceRecord) -> String {
    let method = if is_known(&record.method) { &record.method } else { "HTTP" };
    match route(record) {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

/// The path of the proxy, of which the request's own is a part.
fn route(record: &TraceRecord) -> Option<&str> {
    record.proxy.as_ref().map(|proxy| &*proxy.path).filter(|path| !path.is_empty())
}

fn attributes(record: &TraceRecord) -> Vec<Attribute<'_>> {
    let mut attributes = Vec::with_capacity(ATTRIBUTES);
    if is_known(&record.method) {
        attributes.push(Attribute::text("http.request.method", &*record.method));
    } else {
        attributes.push(Attribute::text("http.request.method", "_OTHER"));
        attributes.push(Attribute::text("http.request.method_original", &*record.method));
    }
    attributes.push(Attribute::text("url.scheme", "http"));
    attributes.push(Attribute::text("url.path", &*record.path));
    attributes.extend(route(record).map(|route| Attribute::text("http.route", route)));
    attributes.push(Attribute::text("network.peer.address", record.client.to_string()));
    attributes.push(Attribute::text("client.address", record.client.to_string()));
    // Nothing was sent to a client that had left.
    if record.status != Reason::ClientClosed.status() {
        attributes.push(Attribute::number("http.response.status_code", record.status));
    }
    attributes.extend(error(record));
    attributes.push(Attribute::text("pocketgate.request_id", record.request_id.to_string()));
    if let Some(proxy) = &record.proxy {
        attributes.push(Attribute::text("pocketgate.proxy.name", &*proxy.name));
        if !proxy.id.is_empty() {
            attributes.push(Attribute::text("pocketgate.proxy.id", &*proxy.id));
        }
    }
    attributes.extend(record.identity.as_deref().map(|id| Attribute::text("pocketgate.identity", id)));
    attributes.push(Attribute::number("pocketgate.attempts", record.attempts));
    attributes.push(Attribute::number("pocketgate.received_bytes", record.received));
    attributes.push(Attribute::number("pocketgate.sent_bytes", record.sent));
    attributes
}

/// Why it failed: the reason, or the status of an upstream that failed in its own words.
fn error(record: &TraceRecord) -> Option<Attribute<'_>> {
    match record.reason {
        Reason::Completed if record.status < 500 => None,
        Reason::Completed => Some(Attribute::text("error.type", record.status.to_string())),
        reason => Some(Attribute::text("error.type", reason.label())),
    }
}

/// Whom a phase has to do with.
fn upstream(record: &TraceRecord) -> Vec<Attribute<'_>> {
    let mut attributes = Vec::with_capacity(ATTRIBUTES);
    if let Some((host, port)) = record.proxy.as_ref().and_then(|proxy| proxy.upstream.as_ref()) {
        attributes.push(Attribute::text("server.address", &**host));
        attributes.push(Attribute::number("server.port", *port));
    }
    if let Some(address) = record.upstream {
        attributes.push(Attribute::text("network.peer.address", address.ip().to_string()));
        attributes.push(Attribute::number("network.peer.port", address.port()));
        attributes.push(Attribute::flag("pocketgate.connection.reused", record.is_reused));
    }
    attributes
}

fn flags(record: &TraceRecord, is_remote: bool) -> u32 {
    let remote = if is_remote { PARENT_IS_REMOTE } else { 0 };
    u32::from(record.placement.context.flags()) | PARENT_IS_KNOWN | remote
}

fn nanoseconds(record: &TraceRecord, since_start: Duration) -> Written<u64> {
    let since_epoch = record.started.duration_since(UNIX_EPOCH).unwrap_or_default() + since_start;
    // Lasts until the year 2554.
    Written(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}

/// Whether a method is one of RFC 9110 or PATCH (RFC 5789); any other one would make as many names as clients can think of.
fn is_known(method: &str) -> bool {
    matches!(method, "CONNECT" | "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT" | "TRACE")
}

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`.
const PARENT_IS_KNOWN: u32 = 0x100;
/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const PARENT_IS_REMOTE: u32 = 0x200;
/// As many as there are at most, more or less.
const ATTRIBUTES: usize = 16;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use gate_telemetry::RequestId;
    use gate_telemetry::trace::{Placement, Span as Part, SpanId, TraceContext, TracedProxy};
    use serde_json::{Value, json};
    use std::net::{Ipv4Addr, SocketAddr};

    const MS: Duration = Duration::from_millis(1);

    /// A request that went through every phase, on 2026-11-23 at 12:34:56.789.
    pub(crate) fn record() -> TraceRecord {
        let parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = TraceContext::parse(parent).unwrap();
        let part = |begin: u32, end: u32| Some(Part { begin: begin * MS, end: end * MS });
        TraceRecord {
            placement: Placement { context: parent.child(SpanId::random(0xab)), parent: Some(parent.span) },
            request_id: RequestId::new(0xdead_beef),
            started: UNIX_EPOCH + Duration::from_millis(1_795_437_296_789),
            total: 310 * MS,
            method: "POST".into(),
            path: "/-/ai/chat".into(),
            proxy: Some(TracedProxy {
                id: "abcdefghijklmno".into(),
                name: "AI".into(),
                path: "/-/ai".into(),
                upstream: Some(("ai.example".into(), 443)),
            }),
            identity: Some("usr000000000001".into()),
            client: Ipv4Addr::new(192, 0, 2, 1).into(),
            status: 200,
            reason: Reason::Completed,
            upstream: Some(SocketAddr::from(([10, 0, 0, 5], 443))),
            is_reused: false,
            attempts: 1,
            received: 321,
            sent: 65_536,
            spans: [part(2, 102), part(102, 152), part(160, 200), part(200, 300)],
        }
    }

    fn written(record: &TraceRecord) -> Vec<Value> {
        spans(record).map(|span| serde_json::to_value(span).unwrap()).collect()
    }

    /// What is said about the request itself, by key.
    fn said(record: &TraceRecord) -> Value {
        let span = written(record).remove(0);
        let attributes = span["attributes"].as_array().unwrap().iter();
        let value =
            |attribute: &Value| attribute["value"].as_object().unwrap().values().next().unwrap().clone();
        attributes
            .map(|it| (it["key"].as_str().unwrap().to_owned(), value(it)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    #[test]
    fn a_request_is_a_span_of_the_server() {
        let mut span = written(&record()).remove(0);
        span["attributes"] = json!([]);
        assert_eq!(
            span,
            json!({
                "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "00000000000000ab", "parentSpanId": "b7ad6b7169203331",
                "flags": 0x301, "name": "POST /-/ai", "kind": 2,
                "startTimeUnixNano": "1795437296789000000", "endTimeUnixNano": "1795437297099000000", "attributes": [],
            })
        );
    }

    #[test]
    fn its_attributes_have_the_names_of_the_conventions() {
        assert_eq!(
            said(&record()),
            json!({
                "http.request.method": "POST", "url.scheme": "http", "url.path": "/-/ai/chat", "http.route": "/-/ai",
                "network.peer.address": "192.0.2.1", "client.address": "192.0.2.1", "http.response.status_code": "200",
                "pocketgate.request_id": "00000000deadbeef", "pocketgate.proxy.name": "AI",
                "pocketgate.proxy.id": "abcdefghijklmno", "pocketgate.identity": "usr000000000001",
                "pocketgate.attempts": "1", "pocketgate.received_bytes": "321", "pocketgate.sent_bytes": "65536",
            })
        );
    }

    #[test]
    fn each_phase_is_a_span_within_it() {
        let spans = written(&record());
        let [request, inner @ ..] = &spans[..] else { unreachable!("there is one") };
        let names: Vec<_> = inner.iter().map(|span| span["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["queue", "connect", "first_byte", "body"]);
        for span in inner {
            assert_eq!((&span["parentSpanId"], &span["traceId"]), (&request["spanId"], &request["traceId"]));
            assert_eq!((&span["kind"], &span["flags"]), (&json!(1), &json!(0x101)));
        }
        assert_eq!(inner[1]["startTimeUnixNano"], "1795437296891000000");
        assert_eq!(inner[1]["endTimeUnixNano"], "1795437296941000000");
        let said = |key: &str, value: Value| json!({"key": key, "value": value});
        assert_eq!(inner[0]["attributes"], json!([]));
        assert_eq!(
            inner[1]["attributes"],
            json!([
                said("server.address", json!({"stringValue": "ai.example"})),
                said("server.port", json!({"intValue": "443"})),
                said("network.peer.address", json!({"stringValue": "10.0.0.5"})),
                said("network.peer.port", json!({"intValue": "443"})),
                said("pocketgate.connection.reused", json!({"boolValue": false})),
            ])
        );
        let reused = TraceRecord { spans: [None; 4], ..record() };
        assert_eq!(written(&reused).len(), 1);
    }

    #[track_caller]
    fn check_error(status: u16, reason: Reason, error: Option<&str>, is_error: bool) {
        let record = TraceRecord { status, reason, ..record() };
        assert_eq!(said(&record).get("error.type").and_then(Value::as_str), error, "{status} {reason:?}");
        let status = &written(&record)[0]["status"];
        assert_eq!(status, &if is_error { json!({"code": 2}) } else { Value::Null }, "{reason:?}");
    }

    #[test]
    fn a_failure_says_why() {
        check_error(200, Reason::Completed, None, false);
        check_error(404, Reason::Completed, None, false);
        check_error(500, Reason::Completed, Some("500"), true);
        check_error(403, Reason::Forbidden, Some("forbidden"), false);
        check_error(502, Reason::UpstreamReset, Some("upstream_reset"), true);
        check_error(499, Reason::ClientClosed, Some("client_closed"), false);
        let gone = TraceRecord { status: 499, reason: Reason::ClientClosed, ..record() };
        assert_eq!(said(&gone).get("http.response.status_code"), None);
    }

    #[test]
    fn a_method_nobody_knows_makes_no_name_of_its_own() {
        let record = TraceRecord { method: "BREW".into(), proxy: None, ..record() };
        assert_eq!(written(&record)[0]["name"], "HTTP");
        let said = said(&record);
        assert_eq!(
            (&said["http.request.method"], &said["http.request.method_original"]),
            (&json!("_OTHER"), &json!("BREW"))
        );
        assert_eq!(said.get("http.route"), None);
    }

    #[test]
    fn a_trace_that_begins_here_has_no_parent() {
        let context = record().placement.context;
        let span =
            written(&TraceRecord { placement: Placement { context, parent: None }, ..record() }).remove(0);
        assert_eq!((&span["parentSpanId"], &span["flags"]), (&Value::Null, &json!(0x101)));
    }
}
