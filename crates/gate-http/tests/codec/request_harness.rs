//! Parses a request in every way its bytes can arrive.

use gate_http::limits::HEAD_BYTES_MAX;
use gate_http::{FieldName, HeadWriter, Method, Progress, RequestBody, RequestError, RequestHead, Version};

/// Everything a [`RequestHead`] knows, without positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    pub(crate) length: usize,
    pub(crate) method: (Method, Vec<u8>),
    pub(crate) target: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) version: Version,
    pub(crate) host: Vec<u8>,
    pub(crate) fields: Vec<(FieldName, Vec<u8>, Vec<u8>)>,
    pub(crate) body: RequestBody,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) wants_upgrade: bool,
    pub(crate) accepts_trailers: bool,
    /// Which of its own fields the Connection fields name.
    pub(crate) named_by_connection: Vec<Vec<u8>>,
}

/// `None` while the request is incomplete.
pub(crate) type Outcome = Option<Result<RequestFacts, RequestError>>;

/// Parses `bytes` as they arrive: first up to each of `ends`, then all of them.
pub(crate) fn parse_at(
    head: &mut RequestHead,
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Outcome {
    head.clear();
    for end in ends.into_iter().chain([bytes.len()]) {
        match head.parse(&bytes[..end]) {
            Ok(Progress::Partial) => {}
            Ok(Progress::Complete { length }) => return Some(Ok(facts(head, &bytes[..end], length))),
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

/// Parses `bytes` in every way they can arrive and returns the one outcome.
#[track_caller]
pub(crate) fn parse(bytes: &[u8]) -> Outcome {
    let mut head = RequestHead::new();
    let whole = parse_at(&mut head, bytes, []);
    for end in 0..bytes.len() {
        let split = parse_at(&mut head, bytes, [end]);
        assert_eq!(split, whole, "split at {end}: {}", bytes.escape_ascii());
    }
    let byte_by_byte = parse_at(&mut head, bytes, 0..bytes.len());
    assert_eq!(byte_by_byte, whole, "byte by byte: {}", bytes.escape_ascii());
    if let Some(Ok(facts)) = &whole {
        let early = parse_at(&mut head, &bytes[..facts.length - 1], []);
        assert_eq!(early, None, "complete without its last byte: {}", bytes.escape_ascii());
    }
    whole
}

/// Checks that a request is refused with this status.
#[track_caller]
pub(crate) fn refuse(status: u16, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    let outcome = parse(bytes).map(|outcome| outcome.map_err(RequestError::status));
    assert_eq!(outcome, Some(Err(status)), "{}", bytes.escape_ascii());
}

/// Checks that a request is refused for this reason.
#[track_caller]
pub(crate) fn refuse_as(error: impl Into<RequestError>, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    assert_eq!(parse(bytes), Some(Err(error.into())), "{}", bytes.escape_ascii());
}

/// Checks that a request is accepted and returns what is known about it.
#[track_caller]
pub(crate) fn accept(bytes: impl AsRef<[u8]>) -> RequestFacts {
    let bytes = bytes.as_ref();
    match parse(bytes) {
        Some(Ok(facts)) => facts,
        other => panic!("{other:?}: {}", bytes.escape_ascii()),
    }
}

/// An HTTP/1.1 POST with these field lines; each without its CRLF.
pub(crate) fn post_with<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Vec<u8> {
    with_fields(b"POST /x HTTP/1.1\r\nHost: a", lines)
}

/// A head that starts with `start` and goes on with these lines.
pub(crate) fn with_fields<L: AsRef<[u8]>>(start: &[u8], lines: impl IntoIterator<Item = L>) -> Vec<u8> {
    let mut bytes = [start, b"\r\n"].concat();
    for line in lines {
        bytes.extend([line.as_ref(), b"\r\n"].concat());
    }
    [&bytes[..], b"\r\n"].concat()
}

/// Writes a request the way a relay does: from what was parsed, not from the bytes.
pub(crate) fn rewrite(facts: &RequestFacts) -> Vec<u8> {
    let mut buffer = vec![0; 2 * HEAD_BYTES_MAX];
    let mut writer = HeadWriter::new(&mut buffer);
    let is_connect = facts.method.0 == Method::Connect;
    let target = if is_connect { [&*facts.target, b""] } else { [&*facts.path, &*facts.query] };
    writer.request_line(&facts.method.1, &target);
    for (_, name, value) in &facts.fields {
        writer.field(name, value);
    }
    writer.end();
    let length = writer.finish().expect("a head that fits");
    buffer[..length].to_vec()
}

fn facts(head: &RequestHead, bytes: &[u8], length: usize) -> RequestFacts {
    let fields: Vec<_> = head
        .fields()
        .iter()
        .map(|field| (field.known, field.name.of(bytes).to_vec(), field.value.of(bytes).to_vec()))
        .collect();
    let is_named = |name: &&Vec<u8>| head.is_named_by_connection(bytes, name);
    RequestFacts {
        length,
        method: (head.method(), head.method_span().of(bytes).to_vec()),
        target: head.target().of(bytes).to_vec(),
        path: head.path().of(bytes).to_vec(),
        query: head.query().of(bytes).to_vec(),
        version: head.version(),
        host: head.host().of(bytes).to_vec(),
        body: head.body(),
        keep_alive: head.keep_alive(),
        expects_continue: head.expects_continue(),
        wants_upgrade: head.wants_upgrade(),
        accepts_trailers: head.accepts_trailers(),
        named_by_connection: fields.iter().map(|(_, name, _)| name).filter(is_named).cloned().collect(),
        fields,
    }
}
