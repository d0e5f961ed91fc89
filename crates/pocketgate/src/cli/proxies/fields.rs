//! The flags that set the fields of a proxy.

use super::strict_value::StrictValue;
use clap::Args;
use clap::builder::BoolishValueParser;
use serde_json::{Map, Value, json};

/// The fields of a proxy but its path and its upstream. One that is not mentioned keeps its value.
#[derive(Args, Debug, Default)]
pub(super) struct FieldArgs {
    /// What people call it; in logs and metrics as well
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// What people should know about it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Who may pass: true = everyone, false = nobody, '' = superusers alone, or a rule such as
    /// "@request.auth.verified = true". Superusers alone when a proxy is added without it
    #[arg(long, value_name = "RULE")]
    access_rule: Option<String>,

    /// A header to set on every forwarded request, such as 'Authorization: Bearer {env.KEY}'; may be given several
    /// times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<Header>,

    /// Whether requests are forwarded (true when a proxy is added); an inactive proxy answers 404
    #[arg(long, value_name = "BOOLEAN", value_parser = BoolishValueParser::new())]
    active: Option<bool>,

    /// Whether the path is taken off before the rest is appended to the upstream's (true when a proxy is added)
    #[arg(long, value_name = "BOOLEAN", value_parser = BoolishValueParser::new())]
    strip_path: Option<bool>,

    /// Seconds until the response must begin; 30 when a proxy is added
    #[arg(long, value_name = "SECONDS", value_parser = number)]
    timeout: Option<f64>,

    /// Seconds for each phase, such as '{"dial": 2, "response_header": 0, "body_idle": 600}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    timeout_config: Option<Value>,

    /// How many requests run at one time; 0 = unlimited
    #[arg(long, value_name = "N", value_parser = number)]
    max_concurrent: Option<f64>,

    /// When to stop calling a failing upstream, such as '{"enabled": true, "failure_threshold": 5}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    circuit_breaker: Option<Value>,

    /// How requests beyond --max-concurrent wait for their turn, such as '{"max_waiting": 100, "timeout": 5,
    /// "per_identity": true}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    queue_config: Option<Value>,

    /// How many requests of one caller run at one time, such as '{"per_identity": 2, "per_ip": 4}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    limits: Option<Value>,

    /// How many requests may come in so many seconds, such as '{"requests": 60, "window": 60, "by": "identity"}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    rate_limit: Option<Value>,

    /// How often to try again when an upstream fails, such as '{"attempts": 2, "backoff_ms": 25}'
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    retry_config: Option<Value>,

    /// Whether to forward the token and the cookies of a caller who has logged in here
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    forward_auth: Option<bool>,

    /// Whether to forward the caller's Accept-Encoding, and compressed responses with it
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    forward_encoding: Option<bool>,

    /// Whether the upstream answers CORS preflights, as far as the access rule lets them pass, and not the gateway
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    forward_preflight: Option<bool>,
}

/// A header as it is typed: `Name: value`.
#[derive(Clone, Debug)]
struct Header {
    name: String,
    value: String,
}

impl FieldArgs {
    /// The fields that are mentioned, by the names they have in a record.
    pub(super) fn mentioned(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut mention =
            |name: &str, value: Option<Value>| fields.extend(value.map(|value| (name.to_owned(), value)));
        mention("name", self.name.as_ref().map(|text| json!(text)));
        mention("description", self.description.as_ref().map(|text| json!(text)));
        mention("accessRule", self.access_rule.as_ref().map(|text| json!(text)));
        mention("active", self.active.map(Value::Bool));
        mention("stripPath", self.strip_path.map(Value::Bool));
        mention("timeout", self.timeout.map(|seconds| json!(seconds)));
        mention("timeoutConfig", self.timeout_config.clone());
        mention("maxConcurrent", self.max_concurrent.map(|limit| json!(limit)));
        mention("circuitBreaker", self.circuit_breaker.clone());
        mention("queueConfig", self.queue_config.clone());
        mention("limits", self.limits.clone());
        mention("rateLimit", self.rate_limit.clone());
        mention("retryConfig", self.retry_config.clone());
        mention("forwardAuth", self.forward_auth.map(Value::Bool));
        mention("forwardEncoding", self.forward_encoding.map(Value::Bool));
        mention("forwardPreflight", self.forward_preflight.map(Value::Bool));
        fields
    }

    /// Sets the headers that are mentioned among those a record has; a name in another case is the same header.
    pub(super) fn set_headers(&self, headers: &mut Value) {
        for Header { name, value } in &self.headers {
            remove_header(headers, name);
            let mut object = headers.as_object().cloned().unwrap_or_default();
            object.insert(name.clone(), json!(value));
            *headers = Value::Object(object);
        }
    }
}

/// Takes a header away; a name in another case is the same header. Returns whether it was there.
pub(super) fn remove_header(headers: &mut Value, name: &str) -> bool {
    let Some(object) = headers.as_object_mut() else { return false };
    let before = object.len();
    object.retain(|existing, _| !existing.eq_ignore_ascii_case(name));
    object.len() < before
}

fn header(typed: &str) -> Result<Header, &'static str> {
    let (name, value) = typed.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

/// What a record can hold: infinity and what is no number would become null there, and so the default.
fn number(typed: &str) -> Result<f64, &'static str> {
    typed.parse().ok().filter(|number: &f64| number.is_finite()).ok_or("expected a number, such as 30")
}

fn json_value(typed: &str) -> Result<Value, String> {
    let value: Result<StrictValue, _> = serde_json::from_str(typed);
    value.map(|StrictValue(value)| value).map_err(|error| format!("not JSON: {error}"))
}
