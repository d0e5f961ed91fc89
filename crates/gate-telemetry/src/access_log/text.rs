//! A line for a person, in the form of the process's log: time, level, what was asked for and what became of it, and the
//! rest as `name=value`, of which those are left out that say nothing.

use super::entry::AccessEntry;
use super::escape::{Escaping, are_plain, push_escaped};
use super::number::{push_address, push_integer, push_milliseconds, push_socket_address};
use super::timestamp::Timestamps;
use std::fmt::Write;
use std::time::Duration;

/// Appends the line.
pub(super) fn push_text(out: &mut Vec<u8>, entry: &AccessEntry<'_>, timestamps: &mut Timestamps) {
    timestamps.push(out, entry.time);
    let level = entry.level().label();
    out.extend_from_slice(if level.len() < 5 { b"  " } else { b" " });
    out.extend_from_slice(level.as_bytes());
    text(out, b" ", entry.method);
    text(out, b" ", entry.target);
    number(out, b" ", entry.status.into());
    text(out, b" ", entry.reason.label().as_bytes());
    milliseconds(out, b" total_ms=", entry.total);
    optional_milliseconds(out, b" upstream_latency_ms=", entry.upstream_latency);
    milliseconds(out, b" proxy_latency_ms=", entry.own);
    optional_milliseconds(out, b" first_byte_ms=", entry.first_byte);
    optional_milliseconds(out, b" connect_ms=", Some(entry.connect).filter(|connect| !connect.is_zero()));
    optional_milliseconds(out, b" queue_ms=", Some(entry.queue).filter(|queue| !queue.is_zero()));
    text(out, b" proxy=", entry.proxy.as_bytes());
    if let Some(upstream) = entry.upstream {
        out.extend_from_slice(b" upstream=");
        push_socket_address(out, upstream);
    }
    if entry.attempts > 1 {
        number(out, b" attempts=", entry.attempts.into());
    }
    number(out, b" bytes_received=", entry.received);
    number(out, b" bytes_sent=", entry.sent);
    if entry.events > 0 {
        number(out, b" events=", entry.events);
    }
    if !matches!(entry.breaker, "closed" | "off") {
        text(out, b" breaker=", entry.breaker.as_bytes());
    }
    out.extend_from_slice(b" client_ip=");
    push_address(out, entry.client);
    if let Some((id, collection)) = entry.identity {
        text(out, b" identity=", id.as_bytes());
        text(out, b" collection=", collection.as_bytes());
    }
    text(out, b" request_id=", entry.request_id.as_bytes());
    if let Some(trace) = entry.trace {
        text(out, b" trace_id=", &trace.to_digits());
    }
    if let Some(reason) = entry.would_refuse {
        text(out, b" would_refuse=", reason.label().as_bytes());
    }
    if let Some(cause) = entry.cause {
        out.extend_from_slice(b" cause=\"");
        // An error says that there was more of it than fits.
        let _ = write!(Escaping::new(out), "{cause}");
        out.push(b'"');
    }
    out.push(b'\n');
}

/// Quoted where it would not be one word.
fn text(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    if !value.is_empty() && are_plain(value) && !value.contains(&b' ') {
        return push_escaped(out, value);
    }
    out.push(b'"');
    push_escaped(out, value);
    out.push(b'"');
}

fn number(out: &mut Vec<u8>, name: &[u8], value: u64) {
    out.extend_from_slice(name);
    push_integer(out, value);
}

fn milliseconds(out: &mut Vec<u8>, name: &[u8], value: Duration) {
    out.extend_from_slice(name);
    push_milliseconds(out, value);
}

fn optional_milliseconds(out: &mut Vec<u8>, name: &[u8], value: Option<Duration>) {
    if let Some(value) = value {
        milliseconds(out, name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::{completed, failed};
    use super::*;
    use crate::Reason;

    #[track_caller]
    fn check(entry: &AccessEntry<'_>, expected: &str) {
        let mut out = Vec::new();
        push_text(&mut out, entry, &mut Timestamps::default());
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn a_line_begins_with_what_happened() {
        check(
            &completed(),
            "2026-11-23T12:34:56.789Z  INFO POST /-/ai/chat?stream=1 200 completed total_ms=1002.090 \
             upstream_latency_ms=1002.003 proxy_latency_ms=0.087 first_byte_ms=12.345 proxy=AI upstream=127.0.0.1:8001 \
             bytes_received=321 bytes_sent=65536 events=7 client_ip=192.0.2.1 identity=usr000000000001 \
             collection=users request_id=00000000deadbeef \
             trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
        );
    }

    #[test]
    fn a_failure_ends_with_its_cause() {
        let cause = "refused by \"sidecar\"";
        let entry = AccessEntry {
            attempts: 3,
            breaker: "open",
            proxy: "My AI",
            events: 0,
            would_refuse: Some(Reason::RateLimited),
            ..failed(&cause)
        };
        check(
            &entry,
            "2026-11-23T12:34:56.789Z  WARN POST /-/ai/chat?stream=1 502 upstream_connect total_ms=1002.090 \
             proxy_latency_ms=0.087 proxy=\"My AI\" upstream=127.0.0.1:8001 attempts=3 bytes_received=321 \
             bytes_sent=65536 breaker=open client_ip=192.0.2.1 request_id=00000000deadbeef \
             would_refuse=rate_limited cause=\"refused by \\\"sidecar\\\"\"",
        );
    }
}
