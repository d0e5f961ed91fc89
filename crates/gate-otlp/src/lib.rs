//! Traces for others: sampled requests as OpenTelemetry spans, and their way to a collector (OTLP over HTTP, in JSON).
//!
//! The only crate that knows OpenTelemetry: its names for what HTTP requests have, its protocol, its environment variables.
//! Belongs to the control plane; knows nothing about routes, records or the data plane, which it gets its requests from through
//! [`gate_telemetry::trace`].

mod attribute;
mod config;
mod conventions;
mod exporter;
mod list;
mod request;
mod resource;
mod span;

pub use config::{OtlpConfig, OtlpError};
pub use exporter::Exporter;
pub use resource::Resource;
