//! A span in OTLP's JSON form.

use crate::attribute::{Attribute, Written};
use gate_telemetry::trace::{SpanId, TraceId};
use serde::{Serialize, Serializer};

/// A span in OTLP's JSON form (`opentelemetry.proto.trace.v1.Span`). Ids are hexadecimal there, not Base64 as elsewhere in ProtoJSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span<'a> {
    /// The trace it belongs to.
    #[serde(rename = "traceId")]
    pub(crate) trace: Written<TraceId>,
    /// Its own id.
    #[serde(rename = "spanId")]
    pub(crate) id: Written<SpanId>,
    /// The span within which it is.
    #[serde(rename = "parentSpanId", skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Written<SpanId>>,
    /// The flags of the trace, and whether the parent is somebody else's.
    pub(crate) flags: u32,
    /// What it is called.
    pub(crate) name: String,
    /// Whose view it is.
    pub(crate) kind: Kind,
    /// When it began.
    pub(crate) start_time_unix_nano: Written<u64>,
    /// When it ended.
    pub(crate) end_time_unix_nano: Written<u64>,
    /// What is said about it.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// How it ended, if that was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Status>,
}

/// `opentelemetry.proto.trace.v1.Span.SpanKind`; enumerations are numbers in OTLP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A part of something.
    Internal = 1,
    /// Somebody was served.
    Server = 2,
}

/// `opentelemetry.proto.trace.v1.Status`.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    code: u8,
}

impl Status {
    /// It failed.
    pub(crate) const ERROR: Status = Status { code: 2 };
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}
