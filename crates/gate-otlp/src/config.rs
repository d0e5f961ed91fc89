//! Where traces are sent.

use crate::{Resource, list};
use gate_snapshot::{Upstream, UpstreamError};
use http::{HeaderName, HeaderValue};

/// Where traces are sent, and as whose.
#[derive(Clone, Debug)]
pub struct OtlpConfig {
    /// The collector; what it is sent goes to [`TRACES_PATH`] below its path.
    pub collector: Upstream,
    /// What else stands in the head of a request: what it wants to let somebody in. Marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who tells.
    pub resource: Resource,
}

/// Why it is not clear where traces are sent. One sentence for a person; without the values, which may be keys.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` is no URL of a service.
    #[error("{ENDPOINT}: {0}")]
    Endpoint(#[source] UpstreamError),
    /// A variable is no list.
    #[error("{0} is no list of keys and values, such as a=b,c=d with percent-encoded values")]
    List(&'static str),
    /// Something in `OTEL_EXPORTER_OTLP_HEADERS` cannot stand in a head.
    #[error("{HEADERS} names {0}, which cannot be a header with that value")]
    Header(String),
}

impl OtlpConfig {
    /// What was asked for: a collector (`--otlp`), or else the one that the environment names; none if there is none.
    /// `variable` gives what the environment says; what is empty is not set (OpenTelemetry specification).
    ///
    /// # Errors
    /// See [`OtlpError`].
    pub fn new(
        collector: Option<Upstream>,
        version: &str,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Self>, OtlpError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let named =
            || variable(ENDPOINT).map(|url| Upstream::parse(&url).map_err(OtlpError::Endpoint)).transpose();
        let Some(collector) = collector.map_or_else(named, |collector| Ok(Some(collector)))? else {
            return Ok(None);
        };
        let headers = variable(HEADERS).map_or(Ok(Vec::new()), |text| headers(&text))?;
        Ok(Some(OtlpConfig { collector, headers, resource: Resource::of_process(version, variable)? }))
    }
}

fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, OtlpError> {
    let list = list::parse(text).ok_or(OtlpError::List(HEADERS))?;
    let header = |(name, value): (String, String)| {
        let header = HeaderName::try_from(&*name).ok().zip(HeaderValue::try_from(value).ok());
        let (header, mut value) = header.ok_or(OtlpError::Header(name))?;
        value.set_sensitive(true);
        Ok((header, value))
    };
    list.into_iter().map(header).collect()
}

/// Where a collector takes traces, below its own path (OTLP/HTTP).
pub(crate) const TRACES_PATH: &str = "/v1/traces";
/// The collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// What else stands in the head of a request to it.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flag: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<OtlpConfig>, OtlpError> {
        let flag = flag.map(|url| Upstream::parse(url).unwrap());
        OtlpConfig::new(flag, "1.2.3", |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_sent_unless_somebody_says_where() {
        assert!(config(None, &[]).unwrap().is_none());
        assert!(config(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap().is_none());
        assert!(config(None, &[("OTEL_EXPORTER_OTLP_HEADERS", "no list")]).unwrap().is_none());
    }

    #[test]
    fn the_flag_wins_over_the_environment() {
        let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://named:4318/base/")];
        let named = config(None, &environment).unwrap().unwrap().collector;
        assert_eq!((named.id.host(), named.id.port(), &*named.base_path), ("named", 4318, "/base"));
        let flag = config(Some("http://flag:4318"), &environment).unwrap().unwrap().collector;
        assert_eq!(flag.id.host(), "flag");
    }

    #[test]
    fn headers_are_kept_to_themselves() {
        let headers = [("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary%20one,X-Team=a")];
        let config = config(Some("http://a"), &headers).unwrap().unwrap();
        let values: Vec<_> =
            config.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(values, [("api-key", &b"canary one"[..]), ("x-team", b"a")]);
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_HEADERS", "canary"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=canary%0d%0a"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a b=canary"),
            ("OTEL_RESOURCE_ATTRIBUTES", "canary"),
        ] {
            let error = config(Some("http://a"), &[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("canary"), "{error}");
        }
        let error = config(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "a:4318")]).unwrap_err().to_string();
        assert!(error.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{error}");
    }
}
