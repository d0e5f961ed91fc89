//! PocketBase semantics without HTTP: fields, defaults, validation, templates, compilation into a snapshot.
//!
//! Owns what a record means: which values a field takes and what it says when it does not, who may read and write it,
//! what is stored, and what becomes of it in the data plane. Of a request it knows what rules may ask
//! ([`records::RequestInfo`]), of HTTP nothing; it reaches the database only through `gate_store`, whose rows it makes
//! and reads.
//!
//! ```text
//!  what a person types ── ProxyRecord ──check──▶ CheckedProxy ──▶ ProxyRow ──▶ store
//!                              ▲                      │
//!                              └──── stored rows      └──▶ gate_snapshot::Proxy ──▶ Published
//! ```
//!
//! A row passes the same check on its way in and on its way to the data plane, so whatever was saved can be used.

pub mod auth;
pub mod backups;
pub mod collections;
mod compiler;
mod environment;
mod field_errors;
mod plan;
mod proxies;
mod publisher;
mod record_id;
pub mod records;
pub mod request_log;
pub mod secrets;
mod settings;
mod shared;
mod template;
mod timestamp;
mod upstreams;

pub use compiler::{Compiled, Compiler, Effect, Problem};
pub use environment::{EnvironmentError, EnvironmentPolicy};
pub use field_errors::{FieldError, FieldErrors, number as json_number};
pub use gate_store::StoreError;
pub use plan::{Entry, Outcome, Plan, Rejected};
pub use proxies::{CheckedProxy, ProxyRecord, normalise_path};
pub use publisher::{Publisher, Publishing};
pub use settings::{LiveSettings, RateLimitRule, Settings, SettingsError};
pub use template::{Expression, Template, TemplateError, TemplateSources, Unresolved};
pub use timestamp::Timestamp;
