//! One record of `_proxies`, as the command line takes it.

/// A proxy to add; public and otherwise with the product's defaults.
#[derive(Clone, Debug)]
pub struct Proxy {
    arguments: Vec<String>,
    access_rule: String,
}

impl Proxy {
    /// Sends what is below `path` to `upstream`, for everybody.
    pub fn new(path: &str, upstream: &str) -> Self {
        let arguments = ["--path", path, "--upstream", upstream].map(str::to_owned).to_vec();
        Self { arguments, access_rule: "true".to_owned() }
    }

    /// Another access rule than `true`.
    #[must_use]
    pub fn access_rule(mut self, rule: &str) -> Self {
        rule.clone_into(&mut self.access_rule);
        self
    }

    /// One injected header, `Name: value`.
    #[must_use]
    pub fn header(self, line: &str) -> Self {
        self.option("--header", line)
    }

    /// Whether the path is taken off before forwarding.
    #[must_use]
    pub fn strip_path(self, strip: bool) -> Self {
        self.option("--strip-path", &strip.to_string())
    }

    /// Seconds until the response head must be there.
    #[must_use]
    pub fn timeout(self, seconds: u32) -> Self {
        self.option("--timeout", &seconds.to_string())
    }

    /// The JSON of `timeoutConfig`.
    #[must_use]
    pub fn timeout_config(self, json: &str) -> Self {
        self.option("--timeout-config", json)
    }

    /// Requests at one time.
    #[must_use]
    pub fn max_concurrent(self, count: u32) -> Self {
        self.option("--max-concurrent", &count.to_string())
    }

    /// The JSON of `queueConfig`.
    #[must_use]
    pub fn queue_config(self, json: &str) -> Self {
        self.option("--queue-config", json)
    }

    /// The JSON of `limits`.
    #[must_use]
    pub fn limits(self, json: &str) -> Self {
        self.option("--limits", json)
    }

    /// The JSON of `rateLimit`.
    #[must_use]
    pub fn rate_limit(self, json: &str) -> Self {
        self.option("--rate-limit", json)
    }

    /// The JSON of `circuitBreaker`.
    #[must_use]
    pub fn circuit_breaker(self, json: &str) -> Self {
        self.option("--circuit-breaker", json)
    }

    /// The JSON of `retryConfig`.
    #[must_use]
    pub fn retry_config(self, json: &str) -> Self {
        self.option("--retry-config", json)
    }

    /// Whether the proxy takes requests.
    #[must_use]
    pub fn active(self, active: bool) -> Self {
        self.option("--active", &active.to_string())
    }

    /// Leaves CORS preflights to the upstream.
    #[must_use]
    pub fn forward_preflight(self) -> Self {
        self.option("--forward-preflight", "true")
    }

    /// The name people see.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        self.option("--name", name)
    }

    /// The arguments of `pocketgate proxies add`, the data directory left out.
    pub(super) fn add_arguments(&self) -> Vec<String> {
        let mut arguments = ["proxies", "add"].map(str::to_owned).to_vec();
        arguments.extend(self.arguments.iter().cloned());
        arguments.extend(["--access-rule".to_owned(), self.access_rule.clone()]);
        arguments
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }
}
