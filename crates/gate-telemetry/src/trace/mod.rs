//! Traces: where a request stands among what others did for the same purpose, and what becomes of it when it is sampled.
//!
//! A worker puts what it knows of a sampled request into a [`TraceSink`]; whoever exports traces takes it out of
//! [`TraceRecords`]. How it is exported is not this crate's business.

mod context;
mod placement;
mod record;
mod sample;
mod sink;

pub use context::{SpanId, TraceContext, TraceId};
pub use placement::Placement;
pub use record::{Phase, Span, TraceRecord, TracedProxy};
pub use sink::{TraceCounts, TraceRecords, TraceSink, Traces};
