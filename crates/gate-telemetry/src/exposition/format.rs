//! In which form metrics are asked for.

/// A form of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format 0.0.4: what everybody reads.
    Text,
    /// OpenMetrics 1.0, for who asks for it.
    OpenMetrics,
    /// For programs that read JSON alone, such as PocketBase's SDKs.
    Json,
}

impl Format {
    /// The form a person names in `?format=`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Format::Text),
            "openmetrics" => Some(Format::OpenMetrics),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// The form an `Accept` field prefers (RFC 9110 §12.5.1); text for who has no preference that can be met.
    pub fn accepted(accept: &str) -> Self {
        let mut best = (Format::Text, 0.0);
        for range in accept.split(',') {
            let Some((format, quality)) = Self::of_range(range) else { continue };
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    fn of_range(range: &str) -> Option<(Self, f64)> {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => Format::OpenMetrics,
            "application/json" => Format::Json,
            "text/plain" | "text/*" | "*/*" => Format::Text,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Some((format, quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0))))
    }

    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Json => "application/json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: Format) {
        assert_eq!(Format::accepted(accept), expected, "{accept}");
    }

    #[test]
    fn the_form_is_the_one_that_is_preferred() {
        check("", Format::Text);
        check("*/*", Format::Text);
        check("image/png", Format::Text);
        check("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Format::Text);
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        check(prometheus, Format::OpenMetrics);
        check("application/openmetrics-text; q=0.2, text/plain", Format::Text);
        check("application/openmetrics-text;q=0", Format::Text);
        check("application/openmetrics-text;q=much", Format::Text);
        check("Application/JSON, text/plain, */*", Format::Json);
    }

    #[test]
    fn a_form_has_a_name() {
        assert_eq!(Format::named("json"), Some(Format::Json));
        assert_eq!(Format::named("text"), Some(Format::Text));
        assert_eq!(Format::named("openmetrics"), Some(Format::OpenMetrics));
        assert_eq!(Format::named("JSON"), None);
    }
}
