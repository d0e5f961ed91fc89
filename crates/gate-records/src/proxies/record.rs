//! A `_proxies` record as a person types it.

use crate::field_errors::{FieldError, FieldErrors, number};
use gate_store::ProxyRow;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;

/// A `_proxies` record as a person types it: every field has the type it should have, nothing else is known of it
/// (contract §3.1). [`ProxyRecord::check`] makes sure of the rest.
///
/// Serialised in the order people read it in, without the fields that say nothing.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyRecord {
    /// The path prefix it answers to.
    pub path: String,
    /// The URL it leads to.
    pub upstream: String,
    /// What people call it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What people say about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether requests are forwarded.
    pub active: bool,
    /// Whether the prefix is taken off.
    pub strip_path: bool,
    /// Who may pass: empty = superusers, `true` = everyone, `false` = nobody (contract §2.4).
    pub access_rule: String,
    /// Header name → template.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub headers: Value,
    /// Seconds to the response head; 0 = the default (contract D-6).
    #[serde(serialize_with = "whole_if_possible")]
    pub timeout: f64,
    /// Seconds for each phase.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub timeout_config: Value,
    /// Requests at one time; 0 = unlimited.
    #[serde(serialize_with = "whole_if_possible")]
    pub max_concurrent: f64,
    /// When to stop calling a failing upstream.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub circuit_breaker: Value,
    /// Waiting for a free slot (contract D-27).
    #[serde(skip_serializing_if = "Value::is_null")]
    pub queue_config: Value,
    /// Limits for one caller (contract D-27).
    #[serde(skip_serializing_if = "Value::is_null")]
    pub limits: Value,
    /// Requests in a time (contract D-27).
    #[serde(skip_serializing_if = "Value::is_null")]
    pub rate_limit: Value,
    /// Repeated attempts (contract D-27).
    #[serde(skip_serializing_if = "Value::is_null")]
    pub retry_config: Value,
    /// Whether the caller's credentials are forwarded although they were ours (contract D-8).
    #[serde(skip_serializing_if = "is_false")]
    pub forward_auth: bool,
    /// Whether the caller's `Accept-Encoding` is forwarded (contract D-25).
    #[serde(skip_serializing_if = "is_false")]
    pub forward_encoding: bool,
    /// Whether the upstream answers CORS preflights (contract D-22).
    #[serde(skip_serializing_if = "is_false")]
    pub forward_preflight: bool,
}

/// What a new proxy has in the fields nobody mentioned (contract D-2).
impl Default for ProxyRecord {
    fn default() -> Self {
        ProxyRecord {
            path: String::new(),
            upstream: String::new(),
            name: String::new(),
            description: String::new(),
            active: true,
            strip_path: true,
            access_rule: String::new(),
            headers: Value::Null,
            timeout: 30.0,
            timeout_config: Value::Null,
            max_concurrent: 0.0,
            circuit_breaker: Value::Null,
            queue_config: Value::Null,
            limits: Value::Null,
            rate_limit: Value::Null,
            retry_config: Value::Null,
            forward_auth: false,
            forward_encoding: false,
            forward_preflight: false,
        }
    }
}

impl ProxyRecord {
    /// Puts in the fields that somebody mentioned; the others stay. `null` puts a field back to its default.
    ///
    /// # Errors
    /// Fields that do not exist, and values of another type. The other fields are put in all the same.
    pub fn merge(&mut self, fields: Map<String, Value>) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        for (field, value) in fields {
            if let Err(error) = self.set(&field, value) {
                errors.add(&field, error);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The record a row holds.
    ///
    /// # Errors
    /// JSON fields that hold something else, written by another program.
    pub fn from_row(row: &ProxyRow) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut json = |field, text: &Option<String>| errors.collect(field, parse_json(text.as_deref()));
        let headers = json("headers", &row.headers);
        let timeout_config = json("timeoutConfig", &row.timeout_config);
        let circuit_breaker = json("circuitBreaker", &row.circuit_breaker);
        let queue_config = json("queueConfig", &row.queue_config);
        let limits = json("limits", &row.limits);
        let rate_limit = json("rateLimit", &row.rate_limit);
        let retry_config = json("retryConfig", &row.retry_config);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(ProxyRecord {
            path: row.path.clone(),
            upstream: row.upstream.clone(),
            name: row.name.clone(),
            description: row.description.clone(),
            active: row.active,
            strip_path: row.strip_path,
            access_rule: row.access_rule.clone(),
            headers: headers.unwrap_or_default(),
            timeout: row.timeout,
            timeout_config: timeout_config.unwrap_or_default(),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what is too large to be exact is refused as too large"
            )]
            max_concurrent: row.max_concurrent as f64,
            circuit_breaker: circuit_breaker.unwrap_or_default(),
            queue_config: queue_config.unwrap_or_default(),
            limits: limits.unwrap_or_default(),
            rate_limit: rate_limit.unwrap_or_default(),
            retry_config: retry_config.unwrap_or_default(),
            forward_auth: row.forward_auth,
            forward_encoding: row.forward_encoding,
            forward_preflight: row.forward_preflight,
        })
    }

    fn set(&mut self, field: &str, value: Value) -> Result<(), FieldError> {
        let default = Self::default();
        match field {
            "path" => self.path = text(value)?,
            "upstream" => self.upstream = text(value)?,
            "name" => self.name = text(value)?,
            "description" => self.description = text(value)?,
            "active" => self.active = boolean(&value, default.active)?,
            "stripPath" => self.strip_path = boolean(&value, default.strip_path)?,
            "accessRule" => self.access_rule = rule(value)?,
            "headers" => self.headers = value,
            "timeout" => self.timeout = float(&value, default.timeout)?,
            "timeoutConfig" => self.timeout_config = value,
            "maxConcurrent" => self.max_concurrent = float(&value, default.max_concurrent)?,
            "circuitBreaker" => self.circuit_breaker = value,
            "queueConfig" => self.queue_config = value,
            "limits" => self.limits = value,
            "rateLimit" => self.rate_limit = value,
            "retryConfig" => self.retry_config = value,
            "forwardAuth" => self.forward_auth = boolean(&value, default.forward_auth)?,
            "forwardEncoding" => self.forward_encoding = boolean(&value, default.forward_encoding)?,
            "forwardPreflight" => self.forward_preflight = boolean(&value, default.forward_preflight)?,
            _ => return Err(FieldError::new("validation_unknown_field", "there is no such field")),
        }
        Ok(())
    }
}

fn text(value: Value) -> Result<String, FieldError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        _ => Err(FieldError::value("must be a text; put it into quotes")),
    }
}

/// In YAML an unquoted `true` is no text; the rule of that name is meant.
fn rule(value: Value) -> Result<String, FieldError> {
    match value {
        Value::Bool(rule) => Ok(rule.to_string()),
        value => text(value),
    }
}

fn boolean(value: &Value, default: bool) -> Result<bool, FieldError> {
    match value {
        Value::Null => Ok(default),
        Value::Bool(value) => Ok(*value),
        _ => Err(FieldError::value("must be true or false")),
    }
}

fn float(value: &Value, default: f64) -> Result<f64, FieldError> {
    match value {
        Value::Null => Ok(default),
        Value::Number(value) if value.as_f64().is_some_and(f64::is_finite) => {
            Ok(value.as_f64().unwrap_or(default))
        }
        _ => Err(FieldError::value("must be a number")),
    }
}

fn parse_json(text: Option<&str>) -> Result<Value, FieldError> {
    match text.unwrap_or_default() {
        "" => Ok(Value::Null),
        text => serde_json::from_str(text)
            .map_err(|error| FieldError::json(format!("must be a valid json value: {error}"))),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn whole_if_possible<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    number(*value).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Shows which proxy it is and nothing else: headers may hold secrets.
impl fmt::Debug for ProxyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyRecord").field("path", &self.path).finish_non_exhaustive()
    }
}
