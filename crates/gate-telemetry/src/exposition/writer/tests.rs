//! What both text formats make of the same families.

use super::*;
use crate::metrics::{Histogram, LATENCY_BOUNDS};
use std::time::Duration;

static REQUESTS: Family = Family::counter("gateway_requests_total", &["proxy", "status"], "Requests.");
static ACTIVE: Family = Family::gauge("gateway_active", &[], "Running.");
static INFO: Family = Family::info("gateway_build_info", &["version"], "Version.");
static LATENCY: Family = Family::histogram("gateway_latency_seconds", &["proxy"], "Latency.");

/// Two families with samples, in a form.
fn exposed(format: Format) -> String {
    let mut exposition = Exposition::new(format, 0);
    let mut requests = exposition.family(&REQUESTS);
    requests.count(&["a", "2xx"], 3);
    requests.count(&["b\"\\\nö", "5xx"], 18_446_744_073_709_551_615);
    drop(requests);
    exposition.family(&INFO).count(&["1.0"], 1);
    exposition.family(&ACTIVE).number(&[], 0.5);
    String::from_utf8(exposition.finish()).unwrap()
}

#[test]
fn h59_families_come_one_after_the_other_with_escaped_labels() {
    let expected = r#"# HELP gateway_requests_total Requests.
# TYPE gateway_requests_total counter
gateway_requests_total{proxy="a",status="2xx"} 3
gateway_requests_total{proxy="b\"\\\nö",status="5xx"} 18446744073709551615
# HELP gateway_build_info Version.
# TYPE gateway_build_info gauge
gateway_build_info{version="1.0"} 1
# HELP gateway_active Running.
# TYPE gateway_active gauge
gateway_active 0.5
"#;
    assert_eq!(exposed(Format::Text), expected);
}

#[test]
fn open_metrics_has_its_own_names_and_an_end() {
    let expected = r#"# TYPE gateway_requests counter
# HELP gateway_requests Requests.
gateway_requests_total{proxy="a",status="2xx"} 3
gateway_requests_total{proxy="b\"\\\nö",status="5xx"} 18446744073709551615
# TYPE gateway_build info
# HELP gateway_build Version.
gateway_build_info{version="1.0"} 1
# TYPE gateway_active gauge
# HELP gateway_active Running.
gateway_active 0.5
# EOF
"#;
    assert_eq!(exposed(Format::OpenMetrics), expected);
}

#[test]
fn json_has_the_same_families_and_samples() {
    let expected = r#"{"families":[
{"name":"gateway_requests_total","type":"counter","help":"Requests.","samples":[
{"labels":{"proxy":"a","status":"2xx"},"value":3},
{"labels":{"proxy":"b\"\\\u000aö","status":"5xx"},"value":18446744073709551615}]},
{"name":"gateway_build_info","type":"info","help":"Version.","samples":[
{"labels":{"version":"1.0"},"value":1}]},
{"name":"gateway_active","type":"gauge","help":"Running.","samples":[
{"labels":{},"value":0.5}]}]}
"#;
    assert_eq!(exposed(Format::Json), expected);
}

fn histogram_exposed(format: Format, samples: &[Duration]) -> String {
    let histogram = Histogram::new(&LATENCY_BOUNDS);
    for sample in samples {
        histogram.observe(*sample);
    }
    let mut total = HistogramTotal::new(&LATENCY_BOUNDS);
    total.add(&histogram);
    let mut exposition = Exposition::new(format, 0);
    exposition.family(&LATENCY).histogram(&["a"], &total);
    String::from_utf8(exposition.finish()).unwrap()
}

#[test]
fn h57_buckets_are_cumulative_and_the_last_is_the_count() {
    let samples = [Duration::from_millis(1), Duration::from_millis(400), Duration::from_secs(601)];
    let text = histogram_exposed(Format::Text, &samples);
    for line in [
        r#"gateway_latency_seconds_bucket{proxy="a",le="0.001"} 1"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="0.0025"} 1"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="0.25"} 1"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="0.5"} 2"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="1"} 2"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="600"} 2"#,
        r#"gateway_latency_seconds_bucket{proxy="a",le="+Inf"} 3"#,
        r#"gateway_latency_seconds_sum{proxy="a"} 601.401"#,
        r#"gateway_latency_seconds_count{proxy="a"} 3"#,
    ] {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in {text}");
    }
    assert_eq!(text.lines().count(), 2 + LATENCY_BOUNDS.len() + 3);
    let open = histogram_exposed(Format::OpenMetrics, &samples);
    assert!(open.contains(r#"le="1.0"} 2"#) && open.contains(r#"le="0.5"} 2"#), "{open}");
    let json = histogram_exposed(Format::Json, &samples);
    assert!(json.contains(r#"{"labels":{"proxy":"a"},"count":3,"sum":601.401,"buckets":["#), "{json}");
    assert!(json.contains(r#"{"le":600,"count":2},{"le":null,"count":3}]}"#), "{json}");
}

#[test]
fn a_histogram_without_samples_has_no_series() {
    assert_eq!(histogram_exposed(Format::Text, &[]).lines().count(), 2);
    assert!(histogram_exposed(Format::Json, &[]).contains("\"samples\":[]"));
}

#[test]
fn infinity_is_written_as_the_formats_have_it() {
    let written = |format, value| {
        let mut exposition = Exposition::new(format, 0);
        exposition.family(&ACTIVE).number(&[], value);
        String::from_utf8(exposition.finish()).unwrap()
    };
    assert!(written(Format::Text, f64::INFINITY).ends_with("gateway_active +Inf\n"));
    assert!(written(Format::Text, f64::NEG_INFINITY).ends_with("gateway_active -Inf\n"));
    assert!(written(Format::Json, f64::INFINITY).contains("\"samples\":[]"));
}
