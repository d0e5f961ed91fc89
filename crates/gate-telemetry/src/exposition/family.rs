//! What a metric is called and what it says.

/// All samples of one name: what it is called, what it says, and by which labels its samples are told apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// With its suffix where the kind has one: `gateway_requests_total`, `gateway_build_info`.
    pub name: &'static str,
    /// What its numbers do.
    pub kind: Kind,
    /// One sentence for a person.
    pub help: &'static str,
    /// The names of its labels, but for the `le` of a histogram. What they may say is bounded by configuration or code; nothing a
    /// client sends is ever among it.
    pub labels: &'static [&'static str],
}

/// What the numbers of a family do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They grow. Its name ends with `_total`.
    Counter,
    /// They go up and down.
    Gauge,
    /// They are counted by size.
    Histogram,
    /// They are 1; the labels are what is said. Its name ends with `_info`.
    Info,
}

impl Kind {
    /// The word of the formats, but that the old text format calls an info a gauge.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        }
    }
}

impl Family {
    pub(super) const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Family { name, kind: Kind::Counter, help, labels }
    }

    pub(super) const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Family { name, kind: Kind::Gauge, help, labels }
    }

    pub(super) const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Family { name, kind: Kind::Histogram, help, labels }
    }

    pub(super) const fn info(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Family { name, kind: Kind::Info, help, labels }
    }

    /// Its name as OpenMetrics declares it: the suffix belongs to the samples there.
    pub fn open_metrics_name(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }
}
