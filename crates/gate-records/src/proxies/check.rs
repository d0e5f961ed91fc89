//! Makes sure of every field of a proxy.

use super::headers::{self, Headers};
use super::members;
use super::{ProxyRecord, path, timeouts, traffic};
use crate::field_errors::{FieldError, FieldErrors};
use crate::secrets::ResolvedSecrets;
use crate::template::TemplateSources;
use crate::timestamp::Timestamp;
use crate::{EnvironmentPolicy, Unresolved, record_id};
use gate_rules::ACCESS_RULE_CHARS_MAX;
use gate_snapshot::{
    AccessRule, HeaderValue, InjectedHeader, Proxy, ProxyFields, ProxyId, Upstream, UpstreamAddresses,
    UpstreamError,
};
use gate_store::ProxyRow;
use gate_telemetry::metrics::ProxyMetrics;
use gate_traffic::ProxyTraffic;
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// The largest text of the JSON fields but `headers` (contract §3.1).
const JSON_BYTES_MAX: usize = 1000;

/// Longer than any URL somebody types.
const UPSTREAM_CHARACTERS_MAX: usize = 2000;

const UNRESOLVED_TEMPLATE: &str = "warning_unresolved_template";
const NAME_CHARACTERS_MAX: usize = 100;
const DESCRIPTION_CHARACTERS_MAX: usize = 500;
const CONCURRENT_MAX: f64 = 10_000.0;

/// A proxy every field of which is as it must be, in the form in which it is stored.
#[derive(Clone)]
pub struct CheckedProxy {
    record: ProxyRecord,
    access_rule: AccessRule,
    headers: Headers,
    upstream: Upstream,
    timeouts: gate_snapshot::Timeouts,
}

impl ProxyRecord {
    /// Makes sure of every field and brings it into the form in which it is stored (contract D-21).
    pub fn check(self) -> Result<CheckedProxy, FieldErrors> {
        self.check_with(Upstream::parse)
    }

    /// The same, for who knows upstreams that were parsed before.
    pub(crate) fn check_with(
        self,
        parse_upstream: impl FnOnce(&str) -> Result<Upstream, UpstreamError>,
    ) -> Result<CheckedProxy, FieldErrors> {
        let mut errors = FieldErrors::default();
        let path = errors.collect("path", path::normalise(&self.path));
        let upstream = errors.collect("upstream", check_upstream(&self.upstream, parse_upstream));
        let name = errors.collect("name", check_name(&self.name));
        let description = errors.collect("description", check_description(&self.description));
        let rule = errors.collect("accessRule", check_rule(&self.access_rule));
        let headers = errors.collect("headers", headers::check(self.headers));
        let timeout = errors.collect("timeout", timeouts::check_total(self.timeout));
        let phases =
            errors.collect("timeoutConfig", timeouts::check_phases(self.timeout_config, JSON_BYTES_MAX));
        let max_concurrent = errors.collect("maxConcurrent", check_concurrent(self.max_concurrent));
        let circuit_breaker =
            errors.collect("circuitBreaker", traffic::check_breaker(self.circuit_breaker, JSON_BYTES_MAX));
        let queue_config =
            errors.collect("queueConfig", traffic::check_queue(self.queue_config, JSON_BYTES_MAX));
        let limits = errors.collect("limits", traffic::check_limits(self.limits, JSON_BYTES_MAX));
        let rate_limit = errors.collect("rateLimit", traffic::check_rate(self.rate_limit, JSON_BYTES_MAX));
        let retry_config =
            errors.collect("retryConfig", traffic::check_retries(self.retry_config, JSON_BYTES_MAX));

        let (
            Some(path),
            Some((upstream_url, upstream)),
            Some((rule, access_rule)),
            Some((headers_json, headers)),
        ) = (path, upstream, rule, headers)
        else {
            return Err(errors);
        };
        if !errors.is_empty() {
            return Err(errors);
        }
        let phases = phases.flatten();
        let timeout = timeout.unwrap_or_default();
        let json = |members: Option<Option<_>>| members.flatten().map_or(Value::Null, Value::Object);
        Ok(CheckedProxy {
            access_rule,
            headers,
            upstream,
            timeouts: timeouts::compile(timeout, phases.as_ref()),
            record: ProxyRecord {
                path,
                upstream: upstream_url,
                name: name.unwrap_or_default(),
                description: description.unwrap_or_default(),
                active: self.active,
                strip_path: self.strip_path,
                access_rule: rule,
                headers: headers_json,
                timeout,
                timeout_config: json(Some(phases)),
                max_concurrent: max_concurrent.unwrap_or_default(),
                circuit_breaker: json(circuit_breaker),
                queue_config: json(queue_config),
                limits: json(limits),
                rate_limit: json(rate_limit),
                retry_config: json(retry_config),
                forward_auth: self.forward_auth,
                forward_encoding: self.forward_encoding,
                forward_preflight: self.forward_preflight,
            },
        })
    }
}

impl CheckedProxy {
    /// Makes sure that the upstream's address, where one was typed, is one that may be reached (robustness table G). Where a name
    /// leads is found out when it is connected to.
    pub(crate) fn check_address(&self, allowed: UpstreamAddresses) -> Result<(), FieldError> {
        let address = self.upstream.id.address();
        address.map_or(Ok(()), |address| allowed.check(address).map_err(FieldError::url))
    }

    /// The record in the form in which it is stored.
    pub fn record(&self) -> &ProxyRecord {
        &self.record
    }

    /// What is no error but deserves a look: expressions without a value here (contract D-7), all of them in one warning.
    pub fn warnings(&self, environment: &EnvironmentPolicy, secrets: &ResolvedSecrets) -> FieldErrors {
        let sources = TemplateSources { environment, secrets };
        let mut unresolved = self.headers.0.iter().flat_map(|(name, template)| {
            let reasons = template.expressions().filter_map(move |expression| {
                let Unresolved { reason, .. } = expression.value(sources).err()?;
                Some(format!("{} {reason}", expression.typed()))
            });
            reasons.map(move |reason| (name, reason))
        });
        let mut warnings = FieldErrors::default();
        if let Some((first, reason)) = unresolved.next() {
            let further = unresolved.map(|(name, reason)| format!("; {name}: {reason}"));
            let text = std::iter::once(reason).chain(further).collect::<String>();
            warnings.add("headers", FieldError::new(UNRESOLVED_TEMPLATE, text).in_member(first));
        }
        warnings
    }

    /// Whether a change of the secrets changes what is sent.
    pub(crate) fn names_secret(&self) -> bool {
        self.headers.name_secret()
    }

    /// A row for a proxy that is new.
    pub fn new_row(&self) -> ProxyRow {
        let now = Timestamp::now().to_string();
        self.row(record_id::new(), now.clone(), now)
    }

    /// A row in place of an earlier one.
    pub fn row_after(&self, previous: &ProxyRow) -> ProxyRow {
        let updated = Timestamp::now_after(&previous.updated).to_string();
        self.row(previous.id.clone(), previous.created.clone(), updated)
    }

    /// The proxy as the data plane takes it, and the first template expression without a value. A header that cannot
    /// be filled in is marked: its proxy answers 500 and never contacts its upstream (contract D-7, H8). `traffic` is that of
    /// its version before, if there was one.
    pub(crate) fn compile(
        self,
        id: ProxyId,
        sources: TemplateSources<'_>,
        metrics: Arc<ProxyMetrics>,
        traffic: Option<&ProxyTraffic>,
    ) -> (Proxy, Option<Unresolved>) {
        let mut first_unresolved = None;
        let headers = self.headers.0.into_iter().map(|(name, template)| {
            let value = template.compile(sources).unwrap_or_else(|unresolved| {
                let expression = unresolved.expression.as_str().into();
                first_unresolved.get_or_insert(unresolved);
                HeaderValue::Unresolved { expression }
            });
            InjectedHeader { name: name.into(), value }
        });
        let headers = headers.collect();
        let traffic_config = traffic::compile(&self.record);
        let path = Arc::<str>::from(self.record.path);
        let name = if self.record.name.is_empty() { Arc::clone(&path) } else { self.record.name.into() };
        let proxy = Proxy {
            id,
            name,
            path,
            active: self.record.active,
            strip_path: self.record.strip_path,
            access_rule: self.access_rule,
            upstream: self.upstream,
            record: ProxyFields {
                upstream: self.record.upstream.into(),
                timeout: self.record.timeout,
                max_concurrent: self.record.max_concurrent,
            },
            headers,
            timeouts: self.timeouts.into(),
            traffic: traffic.cloned().unwrap_or_else(|| ProxyTraffic::new(&traffic_config, Instant::now())),
            metrics,
            traffic_config: traffic_config.into(),
            forward_auth: self.record.forward_auth,
            forward_encoding: self.record.forward_encoding,
            forward_preflight: self.record.forward_preflight,
        };
        (proxy, first_unresolved)
    }

    fn row(&self, id: String, created: String, updated: String) -> ProxyRow {
        let record = self.record.clone();
        let json = |value: Value| (!value.is_null()).then(|| value.to_string());
        ProxyRow {
            id,
            created,
            updated,
            path: record.path,
            upstream: record.upstream,
            name: record.name,
            description: record.description,
            active: record.active,
            strip_path: record.strip_path,
            access_rule: record.access_rule,
            timeout: record.timeout,
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and at most 10,000")]
            max_concurrent: record.max_concurrent as i64,
            forward_auth: record.forward_auth,
            forward_encoding: record.forward_encoding,
            forward_preflight: record.forward_preflight,
            headers: json(record.headers),
            circuit_breaker: json(record.circuit_breaker),
            timeout_config: json(record.timeout_config),
            queue_config: json(record.queue_config),
            limits: json(record.limits),
            rate_limit: json(record.rate_limit),
            retry_config: json(record.retry_config),
        }
    }
}

fn check_upstream(
    typed: &str,
    parse: impl FnOnce(&str) -> Result<Upstream, UpstreamError>,
) -> Result<(String, Upstream), FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(FieldError::required());
    }
    at_most(typed, UPSTREAM_CHARACTERS_MAX)?;
    let upstream = parse(typed).map_err(FieldError::url)?;
    Ok((typed.to_owned(), upstream))
}

fn check_name(typed: &str) -> Result<String, FieldError> {
    let name = typed.trim();
    at_most(name, NAME_CHARACTERS_MAX)?;
    if name.chars().any(char::is_control) {
        return Err(FieldError::format("must not contain line breaks or other control characters"));
    }
    Ok(name.to_owned())
}

fn check_description(typed: &str) -> Result<String, FieldError> {
    at_most(typed, DESCRIPTION_CHARACTERS_MAX)?;
    if typed.contains('\0') {
        return Err(FieldError::invalid_format());
    }
    Ok(typed.to_owned())
}

/// A rule in PocketBase's language, or one of the special values (contract §2.4, H1 to H3).
fn check_rule(typed: &str) -> Result<(String, AccessRule), FieldError> {
    at_most(typed, ACCESS_RULE_CHARS_MAX)?;
    let access_rule = AccessRule::compile(typed).map_err(FieldError::rule)?;
    Ok((typed.trim().to_owned(), access_rule))
}

fn check_concurrent(typed: f64) -> Result<f64, FieldError> {
    members::in_range(typed, 0.0, CONCURRENT_MAX)?;
    if typed.fract() == 0.0 { Ok(typed) } else { Err(FieldError::only_int()) }
}

fn at_most(text: &str, characters_max: usize) -> Result<(), FieldError> {
    if text.chars().count() > characters_max { Err(FieldError::text_max(characters_max)) } else { Ok(()) }
}
