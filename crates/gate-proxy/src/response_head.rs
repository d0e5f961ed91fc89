//! The response head as the client gets it: the upstream's, without what is about the upstream's connection alone.

use crate::buffer::Buffer;
use crate::fault::Fault;
use crate::pipeline::RequestFacts;
use gate_http::{FieldName, HeadWriter, ResponseBody, ResponseHead, Version};
use gate_telemetry::Reason;
use http::{HeaderMap, StatusCode, header};

/// How the client gets the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFraming {
    /// There is none; a length may be declared all the same (HEAD, 304).
    Empty(Option<u64>),
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes: HTTP/1.0, without a length.
    UntilClose,
}

impl ClientFraming {
    /// How a body the upstream frames like this reaches this client.
    pub(crate) fn of(head: &ResponseHead, version: Version) -> Self {
        match (head.body(), version) {
            // A 1xx or 204 has no length to speak of (RFC 9110 §8.6).
            (ResponseBody::Empty, _) if head.status() < 200 || head.status() == 204 => {
                ClientFraming::Empty(None)
            }
            (ResponseBody::Empty, _) => ClientFraming::Empty(head.declared_length()),
            (ResponseBody::Length(length), _) => ClientFraming::Length(length),
            (ResponseBody::Chunked | ResponseBody::UntilClose, Version::Http11) => ClientFraming::Chunked,
            (ResponseBody::Chunked | ResponseBody::UntilClose, Version::Http10) => ClientFraming::UntilClose,
        }
    }

    /// Whether the connection must close behind the body.
    pub(crate) fn closes(self) -> bool {
        self == ClientFraming::UntilClose
    }

    /// Writes the field that says so.
    pub(crate) fn write(self, writer: &mut HeadWriter<'_>) {
        match self {
            ClientFraming::Length(length) | ClientFraming::Empty(Some(length)) => {
                writer.content_length(length);
            }
            ClientFraming::Chunked => writer.field(b"Transfer-Encoding", b"chunked"),
            ClientFraming::Empty(None) | ClientFraming::UntilClose => {}
        }
    }
}

/// Composes the head of a final response.
///
/// # Errors
/// The head does not fit the buffer.
pub(crate) fn compose(
    head: &ResponseHead,
    bytes: &[u8],
    facts: &RequestFacts,
    framing: ClientFraming,
    keep_alive: bool,
) -> Result<Buffer, Fault> {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    writer.status_line(head.status(), head.reason().of(bytes));
    let mut grants_origin = facts.grants_origin;
    let mut varies = false;
    for line in head.fields() {
        let name = line.name.of(bytes);
        let is_framing = matches!(line.known, FieldName::ContentLength | FieldName::TransferEncoding);
        if is_framing || line.known.is_hop_by_hop() || head.is_named_by_connection(bytes, name) {
            continue;
        }
        if line.known == FieldName::XRequestId {
            write_upstream_id(&mut writer, line.value.of(bytes), facts);
            continue;
        }
        if facts.told.replaces(name) {
            continue;
        }
        if facts.grants_origin {
            grants_origin &= !name.eq_ignore_ascii_case(ALLOW_ORIGIN);
            varies |= name.eq_ignore_ascii_case(VARY) && varies_by_origin(line.value.of(bytes));
        }
        writer.field(name, line.value.of(bytes));
    }
    writer.field(REQUEST_ID, facts.id.as_bytes());
    if grants_origin {
        grant_origin(&mut writer, varies);
    }
    facts.told.write(&mut writer);
    framing.write(&mut writer);
    write_connection(&mut writer, facts.version, keep_alive);
    writer.end();
    let length = writer.finish().map_err(|error| Fault::because(Reason::UpstreamProtocol, error))?;
    buffer.fill(length);
    Ok(buffer)
}

/// Composes the head of a final response that came over HTTP/2.
///
/// # Errors
/// The head does not fit the buffer.
pub(crate) fn compose_http2(
    status: StatusCode,
    headers: &HeaderMap,
    facts: &RequestFacts,
    framing: ClientFraming,
    keep_alive: bool,
) -> Result<Buffer, Fault> {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    writer.status_line(status.as_u16(), status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in headers {
        let known = FieldName::of(name.as_str().as_bytes());
        if known == FieldName::XRequestId {
            write_upstream_id(&mut writer, value.as_bytes(), facts);
        } else if known != FieldName::ContentLength
            && !known.is_hop_by_hop()
            && !facts.told.replaces(name.as_str().as_bytes())
        {
            writer.field(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    writer.field(REQUEST_ID, facts.id.as_bytes());
    if facts.grants_origin && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        let mut vary = headers.get_all(header::VARY).iter();
        grant_origin(&mut writer, vary.any(|value| varies_by_origin(value.as_bytes())));
    }
    facts.told.write(&mut writer);
    framing.write(&mut writer);
    write_connection(&mut writer, facts.version, keep_alive);
    writer.end();
    let length = writer.finish().map_err(|error| Fault::because(Reason::UpstreamProtocol, error))?;
    buffer.fill(length);
    Ok(buffer)
}

/// Composes the permission to send a body (RFC 9110 §15.2.1).
pub(crate) fn compose_continue() -> Buffer {
    let mut buffer = Buffer::take();
    buffer.append(b"HTTP/1.1 100 Continue\r\n\r\n");
    buffer
}

/// Composes an interim response (1xx), without what is about the upstream's connection alone.
///
/// # Errors
/// The head does not fit the buffer.
pub(crate) fn compose_interim(head: &ResponseHead, bytes: &[u8]) -> Result<Buffer, Fault> {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    writer.status_line(head.status(), head.reason().of(bytes));
    for line in head.fields() {
        let name = line.name.of(bytes);
        let stays = line.known.is_hop_by_hop() || head.is_named_by_connection(bytes, name);
        if !stays && line.known != FieldName::ContentLength {
            writer.field(name, line.value.of(bytes));
        }
    }
    writer.end();
    let length = writer.finish().map_err(|error| Fault::because(Reason::UpstreamProtocol, error))?;
    buffer.fill(length);
    Ok(buffer)
}

/// Composes an interim response that came over HTTP/2.
///
/// # Errors
/// The head does not fit the buffer.
pub(crate) fn compose_http2_interim(status: StatusCode, headers: &HeaderMap) -> Result<Buffer, Fault> {
    let mut buffer = Buffer::take();
    let mut writer = HeadWriter::new(buffer.spare());
    writer.status_line(status.as_u16(), status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in headers {
        let known = FieldName::of(name.as_str().as_bytes());
        if known != FieldName::ContentLength && !known.is_hop_by_hop() {
            writer.field(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    writer.end();
    let length = writer.finish().map_err(|error| Fault::because(Reason::UpstreamProtocol, error))?;
    buffer.fill(length);
    Ok(buffer)
}

/// Says what the version does not say by itself (RFC 9112 §9.3).
pub(crate) fn write_connection(writer: &mut HeadWriter<'_>, version: Version, keep_alive: bool) {
    match (version, keep_alive) {
        (_, false) => writer.field(b"Connection", b"close"),
        (Version::Http10, true) => writer.field(b"Connection", b"keep-alive"),
        (Version::Http11, true) => {}
    }
}

/// Lets every origin read the answer. Without an `Origin` it would not say so, which caches are told unless they know.
fn grant_origin(writer: &mut HeadWriter<'_>, varies: bool) {
    writer.field(ALLOW_ORIGIN, b"*");
    if !varies {
        writer.field(VARY, b"Origin");
    }
}

/// Whether a `Vary` covers `Origin` (RFC 9110 §12.5.5).
fn varies_by_origin(value: &[u8]) -> bool {
    let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"Origin"))
}

/// What the upstream calls the request, unless that is what we call it: whoever asks its operators needs their word.
fn write_upstream_id(writer: &mut HeadWriter<'_>, id: &[u8], facts: &RequestFacts) {
    if id != facts.id.as_bytes() {
        writer.field(UPSTREAM_REQUEST_ID, id);
    }
}

/// What the request is called by the gateway, which is on every answer (contract D-4).
pub(crate) const REQUEST_ID: &[u8] = b"X-Request-Id";
/// What it is called by an upstream that has a name of its own for it.
const UPSTREAM_REQUEST_ID: &[u8] = b"X-Upstream-Request-Id";
/// A browser that asked across origins needs it on the answer as well (contract D-22); the upstream's own wins (H25).
pub(crate) const ALLOW_ORIGIN: &[u8] = b"Access-Control-Allow-Origin";
const VARY: &[u8] = b"Vary";
