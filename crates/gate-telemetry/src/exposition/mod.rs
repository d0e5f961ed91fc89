//! Metrics as others read them: Prometheus's text format 0.0.4, OpenMetrics 1.0, and JSON.
//!
//! Every metric is declared once, in [`families`]: the documentation is made from the same declarations as what is exposed.

pub mod families;
mod family;
mod format;
mod writer;

pub use family::{Family, Kind};
pub use format::Format;
pub use writer::{Exposition, Samples};
