//! A line as one JSON object. Every member is always there, so that whoever reads it needs no cases.

use super::entry::AccessEntry;
use super::escape::{Escaping, push_escaped};
use super::number::{push_address, push_integer, push_milliseconds, push_socket_address};
use super::timestamp::Timestamps;
use crate::Reason;
use std::fmt::Write;
use std::time::Duration;

/// Appends the line.
pub(super) fn push_json(out: &mut Vec<u8>, entry: &AccessEntry<'_>, timestamps: &mut Timestamps) {
    out.extend_from_slice(b"{\"time\":\"");
    timestamps.push(out, entry.time);
    word(out, b"\",\"level\":\"", entry.level().label());
    out.extend_from_slice(b"\",\"request_id\":\"");
    out.extend_from_slice(entry.request_id.as_bytes());
    optional(out, b"\",\"trace_id\":null", entry.trace, |out, trace| {
        out.extend_from_slice(&trace.to_digits());
    });
    text(out, b",\"proxy\":\"", entry.proxy.as_bytes());
    text(out, b"\",\"proxy_id\":\"", entry.proxy_id.as_bytes());
    text(out, b"\",\"method\":\"", entry.method);
    text(out, b"\",\"path\":\"", entry.target);
    number(out, b"\",\"status\":", entry.status.into());
    word(out, b",\"reason\":\"", entry.reason.label());
    optional_text(out, b"\",\"side\":null", entry.side());
    optional_text(out, b",\"identity\":null", entry.identity.map(|(id, _)| id));
    optional_text(out, b",\"collection\":null", entry.identity.map(|(_, collection)| collection));
    out.extend_from_slice(b",\"client_ip\":\"");
    push_address(out, entry.client);
    optional(out, b"\",\"upstream\":null", entry.upstream, push_socket_address);
    out.extend_from_slice(if entry.reused { b",\"reused\":true" } else { b",\"reused\":false" });
    number(out, b",\"attempts\":", entry.attempts.into());
    milliseconds(out, b",\"queue_ms\":", Some(entry.queue));
    milliseconds(out, b",\"connect_ms\":", Some(entry.connect));
    milliseconds(out, b",\"first_byte_ms\":", entry.first_byte);
    milliseconds(out, b",\"upstream_latency_ms\":", entry.upstream_latency);
    milliseconds(out, b",\"proxy_latency_ms\":", Some(entry.own));
    milliseconds(out, b",\"total_ms\":", Some(entry.total));
    number(out, b",\"bytes_received\":", entry.received);
    number(out, b",\"bytes_sent\":", entry.sent);
    number(out, b",\"events\":", entry.events);
    word(out, b",\"breaker\":\"", entry.breaker);
    number(out, b"\",\"concurrent\":", entry.concurrent.into());
    optional_text(out, b",\"would_refuse\":null", entry.would_refuse.map(Reason::label));
    match entry.cause {
        Some(cause) => {
            out.extend_from_slice(b",\"cause\":\"");
            // An error says that there was more of it than fits.
            let _ = write!(Escaping::new(out), "{cause}");
            out.extend_from_slice(b"\"}\n");
        }
        None => out.extend_from_slice(b",\"cause\":null}\n"),
    }
}

/// Of our own, with nothing in it that would have to be escaped.
#[inline]
fn word(out: &mut Vec<u8>, member: &[u8], word: &'static str) {
    out.extend_from_slice(member);
    out.extend_from_slice(word.as_bytes());
}

#[inline]
fn text(out: &mut Vec<u8>, member: &[u8], value: &[u8]) {
    out.extend_from_slice(member);
    push_escaped(out, value);
}

#[inline]
fn optional_text(out: &mut Vec<u8>, member: &[u8], value: Option<&str>) {
    optional(out, member, value, |out, value| push_escaped(out, value.as_bytes()));
}

/// What `push` appends stands in quotes, in the place of the null at the end of `member`.
#[inline]
fn optional<T>(out: &mut Vec<u8>, member: &[u8], value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        Some(value) => {
            out.extend_from_slice(member.strip_suffix(b"null").unwrap_or_default());
            out.push(b'"');
            push(out, value);
            out.push(b'"');
        }
        None => out.extend_from_slice(member),
    }
}

#[inline]
fn number(out: &mut Vec<u8>, member: &[u8], value: u64) {
    out.extend_from_slice(member);
    push_integer(out, value);
}

#[inline]
fn milliseconds(out: &mut Vec<u8>, member: &[u8], value: Option<Duration>) {
    out.extend_from_slice(member);
    match value {
        Some(value) => push_milliseconds(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::{completed, failed};
    use super::*;
    use serde_json::{Value, json};

    fn line(entry: &AccessEntry<'_>) -> String {
        let mut out = Vec::new();
        push_json(&mut out, entry, &mut Timestamps::default());
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn parsed(entry: &AccessEntry<'_>) -> Value {
        let line = line(entry);
        assert_eq!(line.matches('\n').count(), 1);
        serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap()
    }

    #[test]
    fn a_line_says_everything_there_is_to_say() {
        let expected = json!({
            "time": "2026-11-23T12:34:56.789Z", "level": "INFO", "request_id": "00000000deadbeef",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "proxy": "AI",
            "proxy_id": "abcdefghijklmno", "method": "POST", "path": "/-/ai/chat?stream=1", "status": 200,
            "reason": "completed", "side": null, "identity": "usr000000000001", "collection": "users",
            "client_ip": "192.0.2.1", "upstream": "127.0.0.1:8001", "reused": true, "attempts": 1, "queue_ms": 0.0,
            "connect_ms": 0.0, "first_byte_ms": 12.345, "upstream_latency_ms": 1002.003, "proxy_latency_ms": 0.087,
            "total_ms": 1002.09, "bytes_received": 321, "bytes_sent": 65536, "events": 7, "breaker": "closed",
            "concurrent": 3, "would_refuse": null, "cause": null,
        });
        assert_eq!(parsed(&completed()), expected);
    }

    #[test]
    fn h42_a_failure_has_its_side_and_its_whole_cause() {
        let parsed = parsed(&failed(&"dialling \"sidecar\"\n: refused"));
        assert_eq!(parsed["level"], "WARN");
        assert_eq!(parsed["side"], "upstream");
        assert_eq!(parsed["cause"], "dialling \"sidecar\"\n: refused");
        for absent in ["identity", "collection", "first_byte_ms", "upstream_latency_ms"] {
            assert_eq!(parsed[absent], Value::Null, "{absent}");
        }
    }

    #[test]
    fn every_line_has_the_same_members_in_the_same_order() {
        let members = |line: String| {
            let names = line.split(['{', ',']).filter_map(|part| part.split_once("\":"));
            names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(members(line(&failed(&"refused"))), members(line(&completed())));
    }

    #[test]
    fn whatever_a_client_sends_stays_one_line() {
        let every: Vec<u8> = (0..=255).collect();
        let entry = AccessEntry { method: b"\"\n", target: &every, proxy: "\u{1b}\n", ..completed() };
        assert_eq!(parsed(&entry)["method"], "\"\n");
    }
}
