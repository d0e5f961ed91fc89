//! The gateway's own answers: a refusal with its reason, a preflight.

use crate::buffer::Buffer;
use crate::pipeline::RequestFacts;
use crate::response_head::{ALLOW_ORIGIN, REQUEST_ID, write_connection};
use crate::told::{EXPOSED, Told};
use gate_http::{HeadWriter, Method};
use gate_telemetry::Reason;

/// An answer of the gateway's own.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Head and body.
    pub(crate) bytes: Buffer,
}

/// Composes the answer to a request that is refused: JSON in PocketBase's shape and the fork's at once (contract D-4), with the
/// reason and the request's id. It never says more than the reason does (H42).
pub(crate) fn refuse(reason: Reason, facts: &RequestFacts) -> Answer {
    let request_id = facts.id;
    let (status, title, message) = (reason.status(), reason.title(), reason.message());
    // Neither a title nor a message holds a character that JSON would have to escape; a test says so.
    let body = format!(
        "{{\"status\":{status},\"message\":\"{message}\",\"data\":{{}},\"error\":\"{title}\",\"details\":\"{message} Request id: {request_id}.\"}}\n"
    );
    compose(facts, status, title, &body, |writer| {
        writer.field(b"Content-Type", b"application/json");
        writer.field(b"Cache-Control", b"no-store");
        writer.field(b"X-Content-Type-Options", b"nosniff");
        writer.field(b"X-Gateway-Reason", reason.label().as_bytes());
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

/// Composes the answer to whoever asks whether the gateway is ready.
pub(crate) fn ready(status: u16, title: &str, body: &str, facts: &RequestFacts) -> Answer {
    compose(facts, status, title, body, |writer| {
        writer.field(b"Content-Type", b"application/json");
        writer.field(b"Cache-Control", b"no-store");
    })
}

/// Composes the answer to a CORS preflight, as PocketBase gives it (contract §1.1, D-22).
pub(crate) fn preflight(requested_headers: &[u8], facts: &RequestFacts) -> Answer {
    compose(facts, 204, "No Content", "", |writer| {
        writer.field(ALLOW_ORIGIN, b"*");
        writer.field(b"Access-Control-Allow-Methods", b"GET,HEAD,PUT,PATCH,POST,DELETE");
        if !requested_headers.is_empty() {
            writer.field(b"Access-Control-Allow-Headers", requested_headers);
        }
        writer.field(b"Vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
    })
}

fn compose(
    facts: &RequestFacts,
    status: u16,
    title: &str,
    body: &str,
    fields: impl FnOnce(&mut HeadWriter<'_>),
) -> Answer {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    writer.status_line(status, title.as_bytes());
    fields(&mut writer);
    writer.field(REQUEST_ID, facts.id.as_bytes());
    if status != 204 {
        writer.content_length(body.len() as u64);
    }
    write_connection(&mut writer, facts.version, facts.stays_when_refused());
    writer.end();
    if facts.method != Method::Head {
        writer.raw(body.as_bytes());
    }
    // The head of a refusal is a fraction of a buffer; the one field a client fills is limited to half of one.
    let length = writer.finish().unwrap_or_default();
    buffer.fill(length);
    Answer { status, bytes: buffer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_telemetry::RequestId;

    #[test]
    fn no_text_of_a_refusal_needs_escaping() {
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
