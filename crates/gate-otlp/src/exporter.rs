//! The task that sends traces to a collector.

use crate::config::{OtlpConfig, TRACES_PATH};
use crate::request::{ExportAnswer, ExportRequest};
use bytes::Bytes;
use gate_telemetry::trace::{TraceRecord, TraceRecords};
use gate_upstream::{HttpAnswer, HttpClient, HttpQuestion};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Sends traces to a collector, many at a time (OTLP over HTTP, in JSON).
///
/// ## What it does with a collector that does not take them
/// One that is away or busy (429, 502, 503, 504) is asked again, after as long as it says or after a time that doubles from one try
/// to the next. Anything else it answers is final. What could not be sent for a minute is dropped and counted; what comes meanwhile
/// waits, as far as there is room for it.
pub struct Exporter {
    client: HttpClient,
    config: OtlpConfig,
    records: TraceRecords,
    /// How often in a row the collector took nothing.
    failures: u32,
}

/// Why a collector did not take something.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// It may take it later.
    #[error("{cause}")]
    ForNow { cause: String, after: Option<Duration> },
    /// It never will.
    #[error("{0}")]
    ForGood(StatusCode),
}

impl Exporter {
    /// Sends what comes out of `records`.
    pub fn new(client: HttpClient, config: OtlpConfig, records: TraceRecords) -> Self {
        Exporter { client, config, records, failures: 0 }
    }

    /// Sends until there will be nothing any more.
    pub async fn run(mut self) {
        while let Some(records) = self.gather().await {
            let count = records.len();
            if self.export(&records).await {
                self.records.counts().exported(count);
            } else {
                self.records.counts().dropped(count);
            }
        }
    }

    /// What comes within a second, or as much as is sent at a time.
    async fn gather(&mut self) -> Option<Vec<TraceRecord>> {
        let mut gathered = self.records.next().await?;
        let due = Instant::now() + GATHER_TIME;
        while gathered.len() < EXPORT_RECORDS
            && let Ok(Some(more)) = timeout_at(due, self.records.next()).await
        {
            gathered.extend(more);
        }
        Some(gathered)
    }

    /// Sends, as often as it takes; whether that led to anything.
    async fn export(&mut self, records: &[TraceRecord]) -> bool {
        let body = match serde_json::to_vec(&ExportRequest::new(&self.config.resource, records)) {
            Ok(body) => Bytes::from(body),
            Err(error) => {
                tracing::error!(%error, "traces cannot be written");
                return false;
            }
        };
        let give_up = Instant::now() + RETRY_TIME_MAX;
        loop {
            match self.send(body.clone()).await {
                Ok(()) => {
                    self.recovered();
                    return true;
                }
                Err(failure @ Failure::ForGood(_)) => {
                    tracing::warn!(%failure, "the collector refuses traces");
                    return false;
                }
                Err(Failure::ForNow { cause, after }) => {
                    self.failed(&cause);
                    // Whoever comes next waits as well.
                    sleep(after.unwrap_or_else(|| backoff(self.failures)).min(PAUSE_MAX)).await;
                }
            }
            if Instant::now() >= give_up {
                return false;
            }
        }
    }

    async fn send(&self, body: Bytes) -> Result<(), Failure> {
        let mut headers: HeaderMap = self.config.headers.iter().cloned().collect();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let question = HttpQuestion { headers, body };
        let answer = self.client.post(&self.config.collector, TRACES_PATH, question, ANSWER_TIMEOUT).await;
        judge(&answer.map_err(|error| Failure::ForNow { cause: error.to_string(), after: None })?)
    }

    /// Says so once.
    fn failed(&mut self, cause: &str) {
        if self.failures == 0 {
            tracing::warn!(collector = %self.config.collector.id, cause, "the collector takes no traces at the moment");
        }
        self.failures = self.failures.saturating_add(1);
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            let dropped = self.records.counts().dropped_total();
            tracing::info!(collector = %self.config.collector.id, dropped, "the collector takes traces again");
        }
        self.failures = 0;
    }
}

/// How long to wait after so many failures in a row: between half of a time and all of it, so that gateways do not come back in step.
fn backoff(failures: u32) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(BACKOFF_MAX).mul_f64(rand::random_range(0.5..=1.0))
}

/// What an answer means (OTLP/HTTP, "Retryable Response Codes").
fn judge(answer: &HttpAnswer) -> Result<(), Failure> {
    if answer.status.is_success() {
        if let Some(complaint) = ExportAnswer::complaint(&answer.body) {
            tracing::warn!(complaint, "the collector does not take all of the traces");
        }
        return Ok(());
    }
    match answer.status.as_u16() {
        429 | 502 | 503 | 504 => {
            let after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(Failure::ForNow { cause: answer.status.to_string(), after: after.map(Duration::from_secs) })
        }
        _ => Err(Failure::ForGood(answer.status)),
    }
}

/// A trace is looked at a moment later, and what many requests have in common is sent once.
const GATHER_TIME: Duration = Duration::from_secs(1);
/// Some 500 KiB of JSON.
const EXPORT_RECORDS: usize = 256;
/// OpenTelemetry's default.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// What is waited for at most before the second try.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// What is waited for at most before any other.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Longer than a collector restarts; what is older is of little use, and what is newer wants its place.
const RETRY_TIME_MAX: Duration = Duration::from_secs(60);
/// Whoever wants to be left alone for longer is asked all the same.
const PAUSE_MAX: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conventions::tests::record;
    use gate_snapshot::{Upstream, UpstreamAddresses};
    use gate_telemetry::trace::{TraceCounts, Traces};
    use gate_testkit::{Collector, CollectorMood, PATIENCE, eventually, within};
    use gate_upstream::{Dialer, DialerConfig, ForwardProxies, Resolver};
    use std::sync::Arc;
    use tokio::runtime::Handle;
    use tokio::task::JoinHandle;

    /// A running exporter, and the way to it.
    fn exporting_to(url: &str) -> (Traces, Arc<TraceCounts>, JoinHandle<()>) {
        let (control_plane, _) = gate_upstream::control_plane();
        let client = HttpClient::new(Dialer::new(DialerConfig {
            resolver: Resolver::new(Handle::current()),
            control_plane,
            forward_proxies: ForwardProxies::default(),
            addresses: UpstreamAddresses::default(),
        }));
        let variable = |name| (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "api-key=one".to_owned());
        let config =
            OtlpConfig::new(Some(Upstream::parse(url).unwrap()), "1.2.3", variable).unwrap().unwrap();
        let (traces, records) = Traces::on(1.0);
        let counts = records.counts();
        (traces, counts, tokio::spawn(Exporter::new(client, config, records).run()))
    }

    fn tell(traces: &Traces, count: usize) {
        let sink = traces.worker();
        (0..count).for_each(|_| sink.record(record()));
    }

    #[tokio::test]
    async fn what_was_told_arrives_at_the_collector() {
        let collector = Collector::start().await;
        let (traces, counts, exporting) = exporting_to(&format!("{}/base", collector.url()));
        tell(&traces, 3);
        drop(traces);
        within(PATIENCE, exporting).await.unwrap();
        let request = collector.upstream.ledger.only_request().head;
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/base/v1/traces"));
        assert_eq!(request.headers.value("content-type"), Some("application/json"));
        assert_eq!(request.headers.value("api-key"), Some("one"));
        assert_eq!((collector.spans().len(), counts.exported_total(), counts.dropped_total()), (15, 3, 0));
    }

    #[tokio::test]
    async fn much_is_sent_in_parts() {
        let collector = Collector::start().await;
        let (traces, counts, exporting) = exporting_to(&collector.url());
        tell(&traces, 1000);
        drop(traces);
        within(PATIENCE, exporting).await.unwrap();
        assert_eq!(counts.exported_total(), 1000);
        assert_eq!(collector.upstream.ledger.request_count(), 4);
    }

    #[tokio::test]
    async fn a_collector_that_is_busy_is_asked_again_when_it_says() {
        let collector = Collector::start().await;
        collector.is(CollectorMood::Busy { status: 503, retry_after: Some(1) });
        let (traces, counts, _exporting) = exporting_to(&collector.url());
        tell(&traces, 1);
        eventually(PATIENCE, || collector.upstream.ledger.request_count() == 1).await;
        let asked = Instant::now();
        collector.is(CollectorMood::Takes);
        eventually(PATIENCE, || counts.exported_total() == 1).await;
        assert!(asked.elapsed() > Duration::from_millis(900), "{:?}", asked.elapsed());
        assert_eq!(collector.upstream.ledger.request_count(), 2);
    }

    #[tokio::test]
    async fn what_a_collector_refuses_is_dropped() {
        let collector = Collector::start().await;
        for (count, status) in [(1, 400), (2, 401), (3, 500)] {
            collector.is(CollectorMood::Busy { status, retry_after: None });
            let (traces, counts, exporting) = exporting_to(&collector.url());
            tell(&traces, 1);
            drop(traces);
            within(PATIENCE, exporting).await.unwrap();
            assert_eq!((counts.exported_total(), counts.dropped_total()), (0, 1), "{status}");
            assert_eq!(collector.upstream.ledger.request_count(), count);
        }
    }

    #[tokio::test]
    async fn a_collector_that_comes_back_gets_what_waited() {
        let collector = Collector::start().await;
        let url = collector.url();
        collector.is(CollectorMood::HangsUp);
        let (traces, counts, _exporting) = exporting_to(&url);
        tell(&traces, 1);
        eventually(PATIENCE, || collector.upstream.ledger.request_count() >= 1).await;
        tell(&traces, 1);
        collector.is(CollectorMood::Takes);
        eventually(PATIENCE, || counts.exported_total() == 2).await;
        assert_eq!(counts.dropped_total(), 0);
    }

    #[test]
    fn the_time_between_two_tries_grows_to_half_a_minute() {
        for (failures, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (u32::MAX, 30.0)] {
            let wait = backoff(failures).as_secs_f64();
            assert!((seconds / 2.0..=seconds).contains(&wait), "{failures}: {wait}");
        }
    }
}
