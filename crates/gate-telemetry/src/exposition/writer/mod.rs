//! Puts families and their samples into one of the forms.

use super::{Family, Format, Kind};
use crate::metrics::HistogramTotal;
use std::fmt::{Display, Write};
use std::time::Duration;

/// Metrics, in the form somebody asked for. Families come one after the other, each with all of its samples (H59): to begin the
/// next ends the one before.
///
/// ```text
/// # HELP gateway_requests_total Requests that have ended, by the class of their status.
/// # TYPE gateway_requests_total counter
/// gateway_requests_total{proxy="OpenAI",status="2xx"} 1027
/// ```
#[derive(Debug)]
pub struct Exposition {
    out: String,
    format: Format,
    families: usize,
}

/// Takes the samples of one family. A label value says which sample it is; they come in the order of [`Family::labels`].
#[derive(Debug)]
pub struct Samples<'a> {
    exposition: &'a mut Exposition,
    family: &'static Family,
    /// `proxy="a",status="2xx"` of the sample that is being written, or the members of a JSON object.
    labels: String,
    is_first: bool,
    /// The bounds of its histograms as they are written; they have the same.
    bounds: Vec<String>,
}

impl Exposition {
    /// Nothing yet; `bytes` is how long it is likely to become.
    pub fn new(format: Format, bytes: usize) -> Self {
        let mut out = String::with_capacity(bytes);
        if format == Format::Json {
            out.push_str("{\"families\":[");
        }
        Exposition { out, format, families: 0 }
    }

    /// Begins a family.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let Family { name, kind, help, .. } = family;
        let word = kind.word();
        match self.format {
            Format::Text => {
                let word = if *kind == Kind::Info { Kind::Gauge.word() } else { word };
                self.put(format_args!("# HELP {name} {help}\n# TYPE {name} {word}\n"));
            }
            Format::OpenMetrics => {
                let name = family.open_metrics_name();
                self.put(format_args!("# TYPE {name} {word}\n# HELP {name} {help}\n"));
            }
            Format::Json => {
                let comma = if self.families > 0 { "," } else { "" };
                self.put(format_args!("{comma}\n{{\"name\":\"{name}\",\"type\":\"{word}\",\"help\":"));
                json_text(&mut self.out, help);
                self.out.push_str(",\"samples\":[");
            }
        }
        self.families += 1;
        Samples { exposition: self, family, labels: String::new(), is_first: true, bounds: Vec::new() }
    }

    /// All of it.
    pub fn finish(mut self) -> String {
        match self.format {
            Format::Text => {}
            Format::OpenMetrics => self.out.push_str("# EOF\n"),
            Format::Json => self.out.push_str("]}\n"),
        }
        self.out
    }

    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(arguments);
    }
}

impl Samples<'_> {
    /// A number that was counted.
    pub fn count(&mut self, labels: &[&str], value: u64) {
        self.sample(labels, value);
    }

    /// A number that was measured.
    pub fn number(&mut self, labels: &[&str], value: f64) {
        if self.exposition.format != Format::Json || value.is_finite() {
            self.sample(labels, Number(value));
        }
    }

    /// A histogram. One without samples has no series: nobody waits for what never happens.
    pub fn histogram<const N: usize>(&mut self, labels: &[&str], total: &HistogramTotal<N>) {
        if total.count() > 0 {
            self.begin(labels);
            match self.exposition.format {
                Format::Json => self.json_histogram(total),
                Format::Text | Format::OpenMetrics => self.text_histogram(total),
            }
        }
    }

    fn sample(&mut self, labels: &[&str], value: impl Display) {
        self.begin(labels);
        let Samples { exposition, family, labels, .. } = self;
        match exposition.format {
            Format::Json => exposition.put(format_args!("{{\"labels\":{{{labels}}},\"value\":{value}}}")),
            _ if labels.is_empty() => exposition.put(format_args!("{} {value}\n", family.name)),
            _ => exposition.put(format_args!("{}{{{labels}}} {value}\n", family.name)),
        }
    }

    /// Puts the labels together. In JSON, samples are told apart by commas.
    fn begin(&mut self, values: &[&str]) {
        debug_assert_eq!(values.len(), self.family.labels.len(), "{}", self.family.name);
        self.labels.clear();
        let is_json = self.exposition.format == Format::Json;
        for (name, value) in self.family.labels.iter().zip(values) {
            if !self.labels.is_empty() {
                self.labels.push(',');
            }
            if is_json {
                let _ = write!(self.labels, "\"{name}\":");
                json_text(&mut self.labels, value);
            } else {
                self.labels.push_str(name);
                self.labels.push_str("=\"");
                escape(&mut self.labels, value);
                self.labels.push('"');
            }
        }
        if is_json {
            self.exposition.out.push_str(if self.is_first { "\n" } else { ",\n" });
        }
        self.is_first = false;
    }

    fn text_histogram<const N: usize>(&mut self, total: &HistogramTotal<N>) {
        if self.bounds.is_empty() {
            let is_open = self.exposition.format == Format::OpenMetrics;
            self.bounds = total.bounds.iter().map(|bound| bound_text(*bound, is_open)).collect();
        }
        let Samples { exposition, family, labels, bounds, .. } = self;
        let name = family.name;
        // Most lines of an exposition are these: what they have in common is put together once.
        let comma = if labels.is_empty() { "" } else { "," };
        let bucket = format!("{name}_bucket{{{labels}{comma}le=\"");
        let mut cumulative = 0;
        for (bound, count) in bounds.iter().zip(total.within) {
            cumulative += count;
            exposition.out.push_str(&bucket);
            exposition.out.push_str(bound);
            exposition.put(format_args!("\"}} {cumulative}\n"));
        }
        let (count, sum) = (cumulative + total.above, total.sum.as_secs_f64());
        exposition.put(format_args!("{bucket}+Inf\"}} {count}\n"));
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        exposition.put(format_args!("{name}_sum{open}{labels}{close} {sum}\n"));
        exposition.put(format_args!("{name}_count{open}{labels}{close} {count}\n"));
    }

    fn json_histogram<const N: usize>(&mut self, total: &HistogramTotal<N>) {
        let Samples { exposition, labels, .. } = self;
        let (count, sum) = (total.count(), total.sum.as_secs_f64());
        exposition
            .put(format_args!("{{\"labels\":{{{labels}}},\"count\":{count},\"sum\":{sum},\"buckets\":["));
        let mut cumulative = 0;
        for (bound, within) in total.bounds.iter().zip(total.within) {
            cumulative += within;
            let seconds = bound.as_secs_f64();
            exposition.put(format_args!("{{\"le\":{seconds},\"count\":{cumulative}}},"));
        }
        exposition.put(format_args!("{{\"le\":null,\"count\":{count}}}]}}"));
    }
}

impl Drop for Samples<'_> {
    fn drop(&mut self) {
        if self.exposition.format == Format::Json {
            self.exposition.out.push_str("]}");
        }
    }
}

/// A bound in seconds. OpenMetrics wants it to be seen to be no integer.
fn bound_text(bound: Duration, is_open: bool) -> String {
    let fraction = if is_open && bound.subsec_nanos() == 0 { ".0" } else { "" };
    format!("{}{fraction}", bound.as_secs_f64())
}

/// A number as the formats have it, which is not how Rust writes infinity.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            value if value.is_infinite() => f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
            value => Display::fmt(&value, f),
        }
    }
}

/// A label value between quotes: the formats know three escapes, and everything else as it is.
fn escape(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        out.push_str(match characters.next() {
            Some('\n') => "\\n",
            Some('"') => "\\\"",
            _ => "\\\\",
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// A JSON string (RFC 8259 §7).
fn json_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
