//! Where a request stands in its trace.

use super::{SpanId, TraceContext};

/// Where a request stands in its trace: its own span, and the one whose child it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What the request tells its upstream.
    pub context: TraceContext,
    /// The client's span; none when the trace begins here.
    pub parent: Option<SpanId>,
}

impl Placement {
    /// Whether the request is recorded.
    pub fn is_sampled(&self) -> bool {
        self.context.is_sampled()
    }
}
