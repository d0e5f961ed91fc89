//! Puts families and their samples into one of the forms.
//!
//! Some ten thousand lines are made at a time, so that nothing here goes through the machinery of formatting that there is once
//! for every proxy, let alone for every bucket.

mod text;

use super::{Family, Format, Kind};
use crate::metrics::HistogramTotal;
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
    out: Vec<u8>,
    format: Format,
    families: usize,
}

/// Takes the samples of one family. A label value says which sample it is; they come in the order of [`Family::labels`].
#[derive(Debug)]
pub struct Samples<'a> {
    exposition: &'a mut Exposition,
    family: &'static Family,
    is_first: bool,
    /// How the bounds of its histograms end a line's labels: `0.5"} `. They have the same bounds.
    bounds: Vec<Vec<u8>>,
    /// What the buckets of the histogram that is being written have in common: `name_bucket{proxy="a",le="`.
    bucket: Vec<u8>,
}

impl Exposition {
    /// Nothing yet; `bytes` is how long it is likely to become.
    pub fn new(format: Format, bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes);
        if format == Format::Json {
            out.extend_from_slice(b"{\"families\":[");
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
                self.put(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", word, "\n"]);
            }
            Format::OpenMetrics => {
                let name = family.open_metrics_name();
                self.put(&["# TYPE ", name, " ", word, "\n# HELP ", name, " ", help, "\n"]);
            }
            Format::Json => {
                let comma = if self.families > 0 { "," } else { "" };
                self.put(&[comma, "\n{\"name\":\"", name, "\",\"type\":\"", word, "\",\"help\":"]);
                text::push_json(&mut self.out, help);
                self.put(&[",\"samples\":["]);
            }
        }
        self.families += 1;
        Samples { exposition: self, family, is_first: true, bounds: Vec::new(), bucket: Vec::new() }
    }

    /// All of it, in UTF-8.
    pub fn finish(mut self) -> Vec<u8> {
        match self.format {
            Format::Text => {}
            Format::OpenMetrics => self.put(&["# EOF\n"]),
            Format::Json => self.put(&["]}\n"]),
        }
        self.out
    }

    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
    }
}

impl Samples<'_> {
    /// A number that was counted.
    pub fn count(&mut self, labels: &[&str], value: u64) {
        self.begin("", labels);
        text::push_integer(&mut self.exposition.out, value);
        self.end();
    }

    /// A number that was measured.
    pub fn number(&mut self, labels: &[&str], value: f64) {
        if self.exposition.format != Format::Json || value.is_finite() {
            self.begin("", labels);
            text::push_number(&mut self.exposition.out, value);
            self.end();
        }
    }

    /// A histogram. One without samples has no series: nobody waits for what never happens.
    pub fn histogram<const N: usize>(&mut self, labels: &[&str], total: &HistogramTotal<N>) {
        let count = total.count();
        if count > 0 {
            match self.exposition.format {
                Format::Json => self.json_histogram(labels, total, count),
                Format::Text | Format::OpenMetrics => self.text_histogram(labels, total, count),
            }
        }
    }

    /// Everything of a sample before its value. The suffix is that of a histogram's series.
    fn begin(&mut self, suffix: &str, values: &[&str]) {
        if self.exposition.format == Format::Json {
            self.begin_json(values);
            return self.exposition.put(&[",\"value\":"]);
        }
        let Samples { exposition: Exposition { out, .. }, family, .. } = self;
        out.extend_from_slice(family.name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        if !values.is_empty() {
            out.push(b'{');
            push_labels(out, family, values);
            out.push(b'}');
        }
        out.push(b' ');
    }

    /// The labels of a sample. Samples are told apart by commas.
    fn begin_json(&mut self, values: &[&str]) {
        let Samples { exposition, family, is_first, .. } = self;
        exposition.put(&[if *is_first { "\n" } else { ",\n" }, "{\"labels\":{"]);
        *is_first = false;
        for (place, (name, value)) in family.labels.iter().zip(values).enumerate() {
            exposition.put(&[if place > 0 { ",\"" } else { "\"" }, name, "\":"]);
            text::push_json(&mut exposition.out, value);
        }
        exposition.put(&["}"]);
    }

    fn end(&mut self) {
        self.exposition.out.push(if self.exposition.format == Format::Json { b'}' } else { b'\n' });
    }

    fn text_histogram<const N: usize>(&mut self, labels: &[&str], total: &HistogramTotal<N>, count: u64) {
        if self.bounds.is_empty() {
            let is_open = self.exposition.format == Format::OpenMetrics;
            self.bounds = total.bounds.iter().map(|bound| bound_end(*bound, is_open)).collect();
        }
        self.begin_buckets(labels);
        let mut cumulative = 0;
        for (place, within) in total.within.iter().enumerate() {
            cumulative += within;
            self.bucket(place, cumulative);
        }
        self.bucket(N, count);
        self.begin("_sum", labels);
        text::push_number(&mut self.exposition.out, total.sum().as_secs_f64());
        self.end();
        self.begin("_count", labels);
        text::push_integer(&mut self.exposition.out, count);
        self.end();
    }

    /// Most lines of an exposition are buckets: what they have in common is put together once.
    fn begin_buckets(&mut self, labels: &[&str]) {
        let Samples { bucket, family, .. } = self;
        bucket.clear();
        bucket.extend_from_slice(family.name.as_bytes());
        bucket.extend_from_slice(b"_bucket{");
        if !labels.is_empty() {
            push_labels(bucket, family, labels);
            bucket.push(b',');
        }
        bucket.extend_from_slice(b"le=\"");
    }

    /// The bucket of a bound; behind the last bound comes that of everything.
    fn bucket(&mut self, place: usize, count: u64) {
        let out = &mut self.exposition.out;
        out.extend_from_slice(&self.bucket);
        out.extend_from_slice(self.bounds.get(place).map_or(b"+Inf\"} ", Vec::as_slice));
        text::push_integer(out, count);
        out.push(b'\n');
    }

    fn json_histogram<const N: usize>(&mut self, labels: &[&str], total: &HistogramTotal<N>, count: u64) {
        self.begin_json(labels);
        let out = &mut self.exposition.out;
        out.extend_from_slice(b",\"count\":");
        text::push_integer(out, count);
        out.extend_from_slice(b",\"sum\":");
        text::push_number(out, total.sum().as_secs_f64());
        out.extend_from_slice(b",\"buckets\":[");
        let mut cumulative = 0;
        for (bound, within) in total.bounds.iter().zip(total.within) {
            cumulative += within;
            out.extend_from_slice(b"{\"le\":");
            text::push_number(out, bound.as_secs_f64());
            out.extend_from_slice(b",\"count\":");
            text::push_integer(out, cumulative);
            out.extend_from_slice(b"},");
        }
        out.extend_from_slice(b"{\"le\":null,\"count\":");
        text::push_integer(out, count);
        out.extend_from_slice(b"}]}");
    }
}

impl Drop for Samples<'_> {
    fn drop(&mut self) {
        if self.exposition.format == Format::Json {
            self.exposition.put(&["]}"]);
        }
    }
}

/// Labels as the text formats have them: `proxy="a",status="2xx"`.
fn push_labels(out: &mut Vec<u8>, family: &Family, values: &[&str]) {
    debug_assert_eq!(values.len(), family.labels.len(), "{}", family.name);
    for (place, (name, value)) in family.labels.iter().zip(values).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        text::push_escaped(out, value);
        out.push(b'"');
    }
}

/// A bound in seconds, and what ends the labels behind it. OpenMetrics wants it to be seen to be no integer.
fn bound_end(bound: Duration, is_open: bool) -> Vec<u8> {
    let fraction = if is_open && bound.subsec_nanos() == 0 { ".0" } else { "" };
    format!("{}{fraction}\"}} ", bound.as_secs_f64()).into_bytes()
}

#[cfg(test)]
mod tests;
