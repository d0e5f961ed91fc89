//! What a collector is sent (`opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`), and what it answers.

use crate::attribute::Attribute;
use crate::conventions::spans;
use crate::resource::Resource;
use crate::span::Span;
use gate_telemetry::trace::TraceRecord;
use serde::{Deserialize, Serialize};

/// What a collector is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportRequest<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: ResourceAttributes<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

#[derive(Serialize)]
struct ResourceAttributes<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<Span<'a>>,
}

/// Which part of the process tells.
#[derive(Serialize)]
struct Scope {
    name: &'static str,
}

/// What a collector answers when it took something; nothing, usually.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExportAnswer {
    partial_success: PartialSuccess,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    error_message: String,
}

impl<'a> ExportRequest<'a> {
    /// These requests, told by that process.
    pub(crate) fn new(resource: &'a Resource, records: &'a [TraceRecord]) -> Self {
        let spans = records.iter().flat_map(spans).collect();
        let scope = Scope { name: "pocketgate" };
        let resource = ResourceAttributes { attributes: resource.attributes() };
        ExportRequest {
            resource_spans: [ResourceSpans { resource, scope_spans: [ScopeSpans { scope, spans }] }],
        }
    }
}

impl ExportAnswer {
    /// What the collector has to say about what it took.
    pub(crate) fn complaint(body: &[u8]) -> Option<String> {
        let answer: ExportAnswer = serde_json::from_slice(body).ok()?;
        Some(answer.partial_success.error_message).filter(|message| !message.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        assert_eq!(ExportAnswer::complaint(body.as_bytes()).as_deref(), expected, "{body}");
    }

    #[test]
    fn a_collector_may_complain_about_what_it_took() {
        check("{}", None);
        check("", None);
        check("\u{1}protobuf", None);
        check(r#"{"partialSuccess": {}}"#, None);
        check(r#"{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}"#, Some("too old"));
    }
}
