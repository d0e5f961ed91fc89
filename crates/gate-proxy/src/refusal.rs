//! The gateway's own answers: a refusal with its reason, a preflight.

use crate::buffer::Buffer;
use crate::pipeline::RequestFacts;
use crate::response_head::{ALLOW_ORIGIN, REQUEST_ID, write_connection};
use crate::told::{EXPOSED, Told};
use gate_http::{HeadWriter, Method};
use gate_telemetry::Reason;
use std::sync::LazyLock;

/// An answer of the gateway's own.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Head and body.
    pub(crate) bytes: Buffer,
}

/// What of a refusal is the same whoever is refused: everything but what limits say, the request's id, and what becomes of the
/// connection.
#[derive(Debug)]
struct Refusal {
    /// The status line and the first fields.
    head: Box<[u8]>,
    /// The body up to the request's id.
    body: Box<[u8]>,
}

/// Composes the answer to a request that is refused: JSON in PocketBase's shape and the fork's at once (contract D-4), with the
/// reason and the request's id. It never says more than the reason does (H42).
pub(crate) fn refuse(reason: Reason, facts: &RequestFacts) -> Answer {
    let refusal = Refusal::of(reason);
    let body = [&*refusal.body, facts.id.as_bytes(), BODY_END];
    compose(facts, reason.status(), body, |writer| {
        writer.raw(&refusal.head);
        let told = if matches!(reason, Reason::Overloaded | Reason::DrainTimeout) {
            Told::come_back_soon()
        } else {
            facts.told
        };
        told.write_refusal(writer);
        if facts.is_cross_origin {
            writer.field(ALLOW_ORIGIN, b"*");
            writer.field(b"Access-Control-Expose-Headers", EXPOSED.as_bytes());
        }
    })
}

impl Refusal {
    fn of(reason: Reason) -> &'static Self {
        static ALL: LazyLock<[Refusal; Reason::ALL.len()]> = LazyLock::new(|| Reason::ALL.map(Refusal::new));
        match ALL.get(reason.index()) {
            Some(refusal) => refusal,
            None => unreachable!("there is one for each"),
        }
    }

    fn new(reason: Reason) -> Self {
        let (status, title, message, word) =
            (reason.status(), reason.title(), reason.message(), reason.label());
        let head = format!(
            "HTTP/1.1 {status} {title}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Gateway-Reason: {word}\r\n"
        );
        // Neither a title nor a message holds a character that JSON would have to escape; a test says so.
        let body = format!(
            "{{\"status\":{status},\"message\":\"{message}\",\"data\":{{}},\"error\":\"{title}\",\"details\":\"{message} Request id: "
        );
        Refusal { head: head.into_bytes().into(), body: body.into_bytes().into() }
    }
}

/// Composes the answer to whoever asks whether the gateway is ready.
pub(crate) fn ready(status: u16, title: &str, body: &str, facts: &RequestFacts) -> Answer {
    compose(facts, status, [body.as_bytes()], |writer| {
        writer.status_line(status, title.as_bytes());
        writer.field(b"Content-Type", b"application/json");
        writer.field(b"Cache-Control", b"no-store");
    })
}

/// Composes the answer to a CORS preflight, as PocketBase gives it (contract §1.1, D-22).
pub(crate) fn preflight(requested_headers: &[u8], facts: &RequestFacts) -> Answer {
    compose(facts, 204, [], |writer| {
        writer.status_line(204, b"No Content");
        writer.field(ALLOW_ORIGIN, b"*");
        writer.field(b"Access-Control-Allow-Methods", b"GET,HEAD,PUT,PATCH,POST,DELETE");
        if !requested_headers.is_empty() {
            writer.field(b"Access-Control-Allow-Headers", requested_headers);
        }
        writer.field(b"Vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    })
}

/// `begin` writes the status line and the fields that are its own; a body is its parts put together.
fn compose<const PARTS: usize>(
    facts: &RequestFacts,
    status: u16,
    body: [&[u8]; PARTS],
    begin: impl FnOnce(&mut HeadWriter<'_>),
) -> Answer {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    begin(&mut writer);
    writer.field(REQUEST_ID, facts.id.as_bytes());
    if status != 204 {
        writer.content_length(body.iter().map(|part| part.len() as u64).sum());
    }
    write_connection(&mut writer, facts.version, facts.stays_when_refused());
    writer.end();
    if facts.method != Method::Head {
        for part in body {
            writer.raw(part);
        }
    }
    // The head of a refusal is a fraction of a buffer; the one field a client fills is limited to half of one.
    let length = writer.finish().unwrap_or_default();
    buffer.fill(length);
    Answer { status, bytes: buffer }
}

const BODY_END: &[u8] = b".\"}\n";

#[cfg(test)]
mod tests {
    use super::*;
    use gate_telemetry::RequestId;

    #[test]
    fn h43_no_text_of_a_refusal_needs_escaping() {
        for reason in Reason::ALL {
            let plain =
                |text: &str| text.chars().all(|c| c.is_ascii() && !c.is_control() && c != '"' && c != '\\');
            assert!(plain(reason.title()) && plain(reason.message()), "{reason:?}");
        }
    }

    #[test]
    fn r019_us4_ac1_a_refusal_is_json_with_error_and_details() {
        let facts = RequestFacts::unknown(RequestId::new(0x0123_4567_89ab_cdef));
        let answer = refuse(Reason::UpstreamConnect, &facts);
        let text = String::from_utf8(answer.bytes.filled().to_vec()).unwrap();
        assert!(text.starts_with("HTTP/1.1 502 Upstream Unavailable\r\n"), "{text}");
        assert!(text.contains("\r\nX-Gateway-Reason: upstream_connect\r\n"), "{text}");
        assert!(text.contains("\r\nX-Request-Id: 0123456789abcdef\r\n"), "{text}");
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            body,
            "{\"status\":502,\"message\":\"The upstream service could not be reached.\",\"data\":{},\
             \"error\":\"Upstream Unavailable\",\
             \"details\":\"The upstream service could not be reached. Request id: 0123456789abcdef.\"}\n"
        );
    }
}
