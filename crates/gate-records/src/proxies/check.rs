//! Makes sure of every field of a proxy.

use super::headers::{self, Headers};
use super::members::{self, Kind, Member};
use super::{ProxyRecord, path, timeouts};
use crate::field_errors::{FieldError, FieldErrors};
use crate::timestamp::Timestamp;
use crate::{EnvironmentPolicy, Expression, Unresolved, record_id};
use gate_snapshot::{AccessRule, HeaderValue, InjectedHeader, Proxy, Upstream};
use gate_store::ProxyRow;
use serde_json::Value;

/// The largest text of the JSON fields but `headers` (contract §3.1).
const JSON_BYTES_MAX: usize = 1000;

/// Longer than any URL somebody types.
const UPSTREAM_CHARACTERS_MAX: usize = 2000;

const NAME_CHARACTERS_MAX: usize = 100;
const DESCRIPTION_CHARACTERS_MAX: usize = 500;
const RULE_CHARACTERS_MAX: usize = 2000;
const CONCURRENT_MAX: f64 = 10_000.0;

/// Ranges of contract D-21 and D-27.
const CIRCUIT_BREAKER: &[Member] = &[
    Member { name: "enabled", kind: Kind::Boolean },
    Member { name: "failure_threshold", kind: Kind::Integer { min: 1.0, max: 100.0 } },
    Member { name: "recovery_timeout", kind: Kind::Number { min: 1.0, max: 3600.0 } },
    Member { name: "half_open_requests", kind: Kind::Integer { min: 1.0, max: 10.0 } },
    Member { name: "failure_rate", kind: Kind::Number { min: 0.0, max: 1.0 } },
];

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
        let mut errors = FieldErrors::default();
        let path = errors.collect("path", path::normalise(&self.path));
        let upstream = errors.collect("upstream", check_upstream(&self.upstream));
        let name = errors.collect("name", check_name(&self.name));
        let description = errors.collect("description", check_description(&self.description));
        let rule = errors.collect("accessRule", check_rule(&self.access_rule));
        let headers = errors.collect("headers", headers::check(self.headers));
        let timeout = errors.collect("timeout", timeouts::check_total(self.timeout));
        let phases =
            errors.collect("timeoutConfig", timeouts::check_phases(self.timeout_config, JSON_BYTES_MAX));
        let max_concurrent = errors.collect("maxConcurrent", check_concurrent(self.max_concurrent));
        let breaker = members::check(self.circuit_breaker, JSON_BYTES_MAX, CIRCUIT_BREAKER);
        let circuit_breaker = errors.collect("circuitBreaker", breaker);
        // Their members are defined together with what they do.
        let queue_config = errors.collect("queueConfig", members::object(self.queue_config, JSON_BYTES_MAX));
        let limits = errors.collect("limits", members::object(self.limits, JSON_BYTES_MAX));
        let rate_limit = errors.collect("rateLimit", members::object(self.rate_limit, JSON_BYTES_MAX));
        let retry_config = errors.collect("retryConfig", members::object(self.retry_config, JSON_BYTES_MAX));

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
            },
        })
    }

    /// The same, and makes sure that this version can do everything the record asks for. What is stored by other
    /// means is only held to [`check`](Self::check): a template nobody can fill in answers 500 (contract D-7).
    pub fn check_for_save(self) -> Result<CheckedProxy, FieldErrors> {
        let checked = self.check()?;
        checked.headers.check_supported().map_err(|error| FieldErrors::of("headers", error))?;
        Ok(checked)
    }
}

impl CheckedProxy {
    /// The record in the form in which it is stored.
    pub fn record(&self) -> &ProxyRecord {
        &self.record
    }

    /// What is no error but deserves a look: environment variables without a value here (contract D-7).
    pub fn warnings(&self, environment: &EnvironmentPolicy) -> FieldErrors {
        let mut warnings = FieldErrors::default();
        for (name, template) in &self.headers.0 {
            for expression in template.expressions() {
                let Expression::Environment(variable) = expression else { continue };
                if let Err(error) = environment.value(variable) {
                    let warning = FieldError::new(
                        "warning_unresolved_template",
                        format!("{} {error}", expression.typed()),
                    );
                    warnings.add("headers", warning.in_member(name));
                }
            }
        }
        warnings
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
    /// be filled in is marked: its proxy answers 500 and never contacts its upstream (contract D-7, H8).
    pub(crate) fn compile(self, id: &str, environment: &EnvironmentPolicy) -> (Proxy, Option<Unresolved>) {
        let mut first_unresolved = None;
        let headers = self.headers.0.into_iter().map(|(name, template)| {
            let value = match template.resolve(environment) {
                Ok(value) => HeaderValue::Resolved(value.into_bytes().into()),
                Err(unresolved) => {
                    let expression = unresolved.expression.as_str().into();
                    first_unresolved.get_or_insert(unresolved);
                    HeaderValue::Unresolved { expression }
                }
            };
            InjectedHeader { name: name.into(), value }
        });
        let headers = headers.collect();
        let name = if self.record.name.is_empty() { &self.record.path } else { &self.record.name };
        let proxy = Proxy {
            id: id.into(),
            name: name.as_str().into(),
            path: self.record.path,
            active: self.record.active,
            strip_path: self.record.strip_path,
            access_rule: self.access_rule,
            upstream: self.upstream,
            headers,
            timeouts: self.timeouts,
            forward_auth: self.record.forward_auth,
            forward_encoding: self.record.forward_encoding,
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

fn check_upstream(typed: &str) -> Result<(String, Upstream), FieldError> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(FieldError::required());
    }
    at_most(typed, UPSTREAM_CHARACTERS_MAX)?;
    let upstream = Upstream::parse(typed).map_err(FieldError::url)?;
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
    Ok(typed.to_owned())
}

/// The special values of a rule, compared without the space around them (contract §2.4, H3).
fn check_rule(typed: &str) -> Result<(String, AccessRule), FieldError> {
    at_most(typed, RULE_CHARACTERS_MAX)?;
    let rule = typed.trim();
    let access_rule = match rule {
        "" => AccessRule::Superusers,
        "true" => AccessRule::Public,
        "false" => AccessRule::Nobody,
        _ => {
            return Err(FieldError::rule(
                "this version knows only an empty rule, true and false; rules over the caller's account come with user accounts",
            ));
        }
    };
    Ok((rule.to_owned(), access_rule))
}

fn check_concurrent(typed: f64) -> Result<f64, FieldError> {
    members::in_range(typed, 0.0, CONCURRENT_MAX)?;
    if typed.fract() == 0.0 { Ok(typed) } else { Err(FieldError::only_int()) }
}

fn at_most(text: &str, characters_max: usize) -> Result<(), FieldError> {
    if text.chars().count() > characters_max { Err(FieldError::text_max(characters_max)) } else { Ok(()) }
}
