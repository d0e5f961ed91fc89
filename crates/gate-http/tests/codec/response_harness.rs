//! Parses a response in every way its bytes can arrive.

use gate_http::limits::HEAD_BYTES_MAX;
use gate_http::{
    FieldName, HeadWriter, Method, Progress, ResponseBody, ResponseError, ResponseHead, Version,
};

/// Everything a [`ResponseHead`] knows, without positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    pub(crate) length: usize,
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) reason: Vec<u8>,
    pub(crate) fields: Vec<(FieldName, Vec<u8>, Vec<u8>)>,
    pub(crate) body: ResponseBody,
    pub(crate) declared_length: Option<u64>,
    pub(crate) keep_alive: bool,
    /// Which of its own fields the Connection fields name.
    pub(crate) named_by_connection: Vec<Vec<u8>>,
}

/// `None` while the response is incomplete.
pub(crate) type Outcome = Option<Result<ResponseFacts, ResponseError>>;

/// Parses `bytes` as they arrive: first up to each of `ends`, then all of them.
pub(crate) fn parse_at(
    head: &mut ResponseHead,
    method: Method,
    bytes: &[u8],
    ends: impl IntoIterator<Item = usize>,
) -> Outcome {
    head.clear();
    for end in ends.into_iter().chain([bytes.len()]) {
        match head.parse(&bytes[..end], method) {
            Ok(Progress::Partial) => {}
            Ok(Progress::Complete { length }) => return Some(Ok(facts(head, &bytes[..end], length))),
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

/// Parses the answer to a request with `method` in every way it can arrive and returns the one outcome.
#[track_caller]
pub(crate) fn parse(method: Method, bytes: &[u8]) -> Outcome {
    let mut head = ResponseHead::new();
    let whole = parse_at(&mut head, method, bytes, []);
    for end in 0..bytes.len() {
        let split = parse_at(&mut head, method, bytes, [end]);
        assert_eq!(split, whole, "split at {end}: {}", bytes.escape_ascii());
    }
    let byte_by_byte = parse_at(&mut head, method, bytes, 0..bytes.len());
    assert_eq!(byte_by_byte, whole, "byte by byte: {}", bytes.escape_ascii());
    whole
}

/// Checks that the answer to a GET is refused for this reason.
#[track_caller]
pub(crate) fn refuse_as(error: impl Into<ResponseError>, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    assert_eq!(parse(Method::Get, bytes), Some(Err(error.into())), "{}", bytes.escape_ascii());
}

/// Checks that the answer to a request with `method` is accepted and returns what is known about it.
#[track_caller]
pub(crate) fn accept_answer(method: Method, bytes: impl AsRef<[u8]>) -> ResponseFacts {
    let bytes = bytes.as_ref();
    match parse(method, bytes) {
        Some(Ok(facts)) => facts,
        other => panic!("{other:?}: {}", bytes.escape_ascii()),
    }
}

/// Checks that the answer to a GET is accepted and returns what is known about it.
#[track_caller]
pub(crate) fn accept(bytes: impl AsRef<[u8]>) -> ResponseFacts {
    accept_answer(Method::Get, bytes)
}

/// Writes a response the way a relay does: from what was parsed, not from the bytes.
pub(crate) fn rewrite(facts: &ResponseFacts) -> Vec<u8> {
    let mut buffer = vec![0; 2 * HEAD_BYTES_MAX];
    let mut writer = HeadWriter::new(&mut buffer);
    writer.status_line(facts.status, &facts.reason);
    for (_, name, value) in &facts.fields {
        writer.field(name, value);
    }
    writer.end();
    let length = writer.finish().expect("a head that fits");
    buffer[..length].to_vec()
}

fn facts(head: &ResponseHead, bytes: &[u8], length: usize) -> ResponseFacts {
    let fields: Vec<_> = head
        .fields()
        .iter()
        .map(|field| (field.known, field.name.of(bytes).to_vec(), field.value.of(bytes).to_vec()))
        .collect();
    let is_named = |name: &&Vec<u8>| head.is_named_by_connection(bytes, name);
    ResponseFacts {
        length,
        version: head.version(),
        status: head.status(),
        reason: head.reason().of(bytes).to_vec(),
        body: head.body(),
        declared_length: head.declared_length(),
        keep_alive: head.keep_alive(),
        named_by_connection: fields.iter().map(|(_, name, _)| name).filter(is_named).cloned().collect(),
        fields,
    }
}
