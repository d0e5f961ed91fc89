//! The environment variables that stand for flags. A flag on the command line wins.

/// `--access-log`
pub(super) const ACCESS_LOG: &str = "POCKETGATE_ACCESS_LOG";
/// `--access-log-format`
pub(super) const ACCESS_LOG_FORMAT: &str = "POCKETGATE_ACCESS_LOG_FORMAT";
/// `--access-log-rotate`
pub(super) const ACCESS_LOG_ROTATE: &str = "POCKETGATE_ACCESS_LOG_ROTATE";
/// `--access-log-sample`
pub(super) const ACCESS_LOG_SAMPLE: &str = "POCKETGATE_ACCESS_LOG_SAMPLE";
/// `--db-url`
pub(super) const DB_URL: &str = "POCKETGATE_DB_URL";
/// `--dir`
pub(crate) const DIR: &str = "POCKETGATE_DIR";
/// `--block-private-upstreams`
pub(super) const BLOCK_PRIVATE_UPSTREAMS: &str = "POCKETGATE_BLOCK_PRIVATE_UPSTREAMS";
/// `--dev-proxy`
pub(super) const DEV_PROXY: &str = "POCKETGATE_DEV_PROXY";
/// `--admin-listen`
pub(super) const ADMIN_LISTEN: &str = "POCKETGATE_ADMIN_LISTEN";
/// `--drain-delay`
pub(super) const DRAIN_DELAY: &str = "POCKETGATE_DRAIN_DELAY";
/// `--drain-timeout`
pub(super) const DRAIN_TIMEOUT: &str = "POCKETGATE_DRAIN_TIMEOUT";
/// `--env-allow`; several patterns are separated by commas
pub(super) const ENV_ALLOW: &str = "POCKETGATE_ENV_ALLOW";
/// `--http`
pub(super) const HTTP: &str = "POCKETGATE_HTTP";
/// `--log-format`
pub(super) const LOG_FORMAT: &str = "POCKETGATE_LOG_FORMAT";
/// `--log-mask-query`; several names are separated by commas
pub(super) const LOG_MASK_QUERY: &str = "POCKETGATE_LOG_MASK_QUERY";
/// Which environment's secrets are looked for before those of `global`; the fork's name. No flag has it
pub(crate) const SECRETS_DEFAULT_ENV: &str = "PB_SECRETS_DEFAULT_ENV";
/// `--max-connections`
pub(super) const MAX_CONNECTIONS: &str = "POCKETGATE_MAX_CONNECTIONS";
/// `--max-connections-per-ip`
pub(super) const MAX_CONNECTIONS_PER_IP: &str = "POCKETGATE_MAX_CONNECTIONS_PER_IP";
/// `--memory-limit`
pub(super) const MEMORY_LIMIT: &str = "POCKETGATE_MEMORY_LIMIT";
/// `--metrics`
pub(super) const METRICS: &str = "POCKETGATE_METRICS";
/// `--metrics-listen`
pub(super) const METRICS_LISTEN: &str = "POCKETGATE_METRICS_LISTEN";
/// `--metrics-public`
pub(super) const METRICS_PUBLIC: &str = "POCKETGATE_METRICS_PUBLIC";
/// `--metrics-token`
pub(super) const METRICS_TOKEN: &str = "POCKETGATE_METRICS_TOKEN";
/// `--otlp`; without it, `OTEL_EXPORTER_OTLP_ENDPOINT` is looked at
pub(super) const OTLP: &str = "POCKETGATE_OTLP";
/// `--secrets-reveal`
pub(super) const SECRETS_REVEAL: &str = "POCKETGATE_SECRETS_REVEAL";
/// `--pocketbase`
pub(super) const POCKETBASE: &str = "POCKETGATE_POCKETBASE";
/// `--pocketbase-db`
pub(super) const POCKETBASE_DB: &str = "POCKETGATE_POCKETBASE_DB";
/// `--pocketbase-upstream`
pub(super) const POCKETBASE_UPSTREAM: &str = "POCKETGATE_POCKETBASE_UPSTREAM";
/// `--trace`
pub(super) const TRACE: &str = "POCKETGATE_TRACE";
/// `--trace-sample`
pub(super) const TRACE_SAMPLE: &str = "POCKETGATE_TRACE_SAMPLE";
/// `--trust-remote-superusers`
pub(super) const TRUST_REMOTE_SUPERUSERS: &str = "POCKETGATE_TRUST_REMOTE_SUPERUSERS";
/// `--trusted-proxy`; several networks are separated by commas
pub(super) const TRUSTED_PROXY: &str = "POCKETGATE_TRUSTED_PROXY";
/// `--upstream-proxy-env`
pub(super) const UPSTREAM_PROXY_ENV: &str = "POCKETGATE_UPSTREAM_PROXY_ENV";
/// `--workers`
pub(super) const WORKERS: &str = "POCKETGATE_WORKERS";
