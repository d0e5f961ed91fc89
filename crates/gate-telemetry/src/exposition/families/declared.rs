//! What each metric is called, which labels it has, and what it says.

#![expect(missing_docs, reason = "the help of each family says it")]

use crate::exposition::Family;

pub static REQUESTS: Family = Family::counter(
    "gateway_requests_total",
    &["proxy", "status"],
    "Requests that have ended, by the class of the status the client got: 1xx to 5xx.",
);
pub static ERRORS: Family = Family::counter(
    "gateway_errors_total",
    &["proxy", "type"],
    "Requests that have ended with a status of 4xx or 5xx, and requests by the reason for which they failed. A request may count \
     under its class and under its reason.",
);
pub static REQUEST_DURATION: Family = Family::histogram(
    "gateway_request_duration_seconds",
    &["proxy"],
    "From when the head of a request was complete to its end, whatever it was.",
);
pub static REQUEST_PHASE: Family = Family::histogram(
    "gateway_request_phase_seconds",
    &["proxy", "phase"],
    "How long a request spent in a phase: queue, connect, first_byte, body.",
);
pub static UPSTREAM_LATENCY: Family = Family::histogram(
    "gateway_upstream_latency_seconds",
    &["proxy"],
    "How long the upstream took to answer; the time a slow client takes is not part of it.",
);
pub static FIRST_EVENT: Family = Family::histogram(
    "gateway_first_event_seconds",
    &["proxy"],
    "From sending a request to the first event of its event stream.",
);
pub static OVERHEAD: Family = Family::histogram(
    "gateway_overhead_seconds",
    &["proxy"],
    "The gateway's own time for a request: neither the upstream's, nor the client's, nor in the queue.",
);
pub static ACTIVE: Family =
    Family::gauge("gateway_active_connections", &["proxy"], "Requests that run, open streams included.");
pub static RECEIVED: Family =
    Family::counter("gateway_received_bytes_total", &["proxy"], "Bytes of requests from clients.");
pub static SENT: Family =
    Family::counter("gateway_sent_bytes_total", &["proxy"], "Bytes of responses to clients.");
pub static EVENT_STREAMS: Family =
    Family::gauge("gateway_event_streams", &["proxy"], "Event streams that are open.");
pub static EVENTS: Family =
    Family::counter("gateway_events_total", &["proxy"], "Events of event streams that were passed on.");
pub static UPSTREAM_CONNECTIONS: Family = Family::counter(
    "gateway_upstream_connections_total",
    &["proxy", "kind"],
    "Exchanges with the upstream, by the connection they had: new or reused.",
);
pub static RETRIES: Family =
    Family::counter("gateway_retries_total", &["proxy"], "Attempts after the first of a request.");

pub static LIMITER_IN_FLIGHT: Family =
    Family::gauge("gateway_limiter_in_flight", &["proxy"], "Requests that hold a slot of the proxy's limit.");
pub static LIMITER_LIMIT: Family = Family::gauge(
    "gateway_limiter_limit",
    &["proxy"],
    "How many requests may hold a slot at one time; 0 = any number.",
);
pub static LIMITER_WAITING: Family =
    Family::gauge("gateway_limiter_waiting", &["proxy"], "Requests that wait in the proxy's queue.");
pub static RATE_REFUSALS: Family = Family::counter(
    "gateway_rate_limit_refusals_total",
    &["proxy"],
    "Requests refused because their caller had made too many.",
);
pub static DRY_RUN_REFUSALS: Family = Family::counter(
    "gateway_dry_run_refusals_total",
    &["proxy", "limit"],
    "Requests that a limit would have refused if it were not run dry: queue, caller, rate.",
);
pub static BREAKER_STATE: Family = Family::gauge(
    "gateway_circuit_breaker_state",
    &["proxy"],
    "What the breaker does at this moment, with or without requests: 0 closed or none, 1 open, 2 half-open.",
);
pub static BREAKER_TRANSITIONS: Family = Family::counter(
    "gateway_circuit_breaker_transitions_total",
    &["proxy", "to"],
    "How often the breaker came to a state: open, half_open, closed.",
);

pub static PROXY_INFO: Family = Family::info(
    "gateway_proxy_info",
    &["proxy", "id", "path", "upstream_host"],
    "A proxy, to join with: its record, its path, and the host it leads to.",
);
pub static PROXY_UNRESOLVED: Family = Family::gauge(
    "gateway_proxy_unresolved",
    &["proxy"],
    "1 where a header names a secret or a variable without a value, so that every request gets 500.",
);

pub static CLIENT_CONNECTIONS: Family =
    Family::gauge("gateway_client_connections", &[], "Connections of clients that are open.");
pub static CLIENT_CONNECTIONS_ACCEPTED: Family = Family::counter(
    "gateway_client_connections_accepted_total",
    &[],
    "Connections of clients that were taken.",
);
pub static CLIENT_CONNECTIONS_TURNED_AWAY: Family = Family::counter(
    "gateway_client_connections_turned_away_total",
    &[],
    "Connections of clients that were closed at once, for want of room.",
);
pub static POOLED_CONNECTIONS: Family = Family::gauge(
    "gateway_upstream_pool_idle_connections",
    &[],
    "Connections to upstreams that wait in the workers' pools; at most a second old.",
);
pub static TOKEN_LOOKUPS: Family = Family::counter(
    "gateway_token_lookups_total",
    &["result"],
    "Tokens of requests whose bearer a worker knew (hit), or had to ask for (miss).",
);
pub static BUFFERS_TAKEN: Family = Family::counter(
    "gateway_buffers_taken_total",
    &[],
    "Buffers that requests took; at most a second old, like the next two.",
);
pub static BUFFERS_REUSED: Family =
    Family::counter("gateway_buffers_reused_total", &[], "Buffers that came from a pool.");
pub static BUFFERS_BEYOND: Family = Family::counter(
    "gateway_buffers_beyond_pool_total",
    &[],
    "Buffers that were taken when more were in use than are pooled.",
);
pub static STALLS: Family = Family::histogram(
    "gateway_worker_stall_seconds",
    &["worker"],
    "How much later than it should a worker's clock ticked, ten times a second: how long its event loop did not turn.",
);

pub static SNAPSHOT_GENERATION: Family = Family::gauge(
    "gateway_snapshot_generation",
    &[],
    "The number of the configuration that is in force; counts up with each.",
);
pub static SNAPSHOT_AGE: Family = Family::gauge(
    "gateway_snapshot_age_seconds",
    &[],
    "How long the configuration has been in force; it changes only when a record does.",
);
pub static RELOAD_DURATION: Family = Family::histogram(
    "gateway_reload_duration_seconds",
    &[],
    "How long it took to load, compile and publish the configuration.",
);
pub static RELOAD_FAILURES: Family = Family::counter(
    "gateway_reload_failures_total",
    &[],
    "How often the configuration could not be loaded, so that the last one stayed in force.",
);
pub static PROBLEMS: Family = Family::gauge(
    "gateway_configuration_problems",
    &["effect"],
    "Records that are not in force as they are stored, by what happens instead: keeps_last_good, not_found, unresolved.",
);
pub static STORE_UP: Family =
    Family::gauge("gateway_store_up", &[], "1 if the records could be read when that was last tried.");
pub static STORE_INFO: Family =
    Family::info("gateway_store_info", &["kind"], "The database the records are in: sqlite or postgresql.");

pub static LOG_LINES_DROPPED: Family = Family::counter(
    "gateway_log_lines_dropped_total",
    &["log"],
    "Lines nobody could write as fast as they came: of the process's log (process), of the access log (access), of the one behind /api/logs (requests).",
);
pub static REQUEST_LOG_LEFT_OUT: Family = Family::counter(
    "gateway_request_log_left_out_total",
    &[],
    "Forwarded requests that are not in /api/logs because more were in their second than it takes; the access log has them.",
);

pub static TRACED: Family = Family::counter(
    "gateway_traced_requests_total",
    &["outcome"],
    "Requests that were recorded for a trace: told to the collector (exported), or not taken by it in time (dropped).",
);

pub static BUILD_INFO: Family = Family::info(
    "gateway_build_info",
    &["version", "commit"],
    "The version that is running, and the commit it was made of where the build was told.",
);
pub static PROCESS_CPU: Family =
    Family::counter("process_cpu_seconds_total", &[], "Processor time the process has used.");
pub static PROCESS_RESIDENT: Family =
    Family::gauge("process_resident_memory_bytes", &[], "Memory of the process that is in RAM.");
pub static PROCESS_VIRTUAL: Family =
    Family::gauge("process_virtual_memory_bytes", &[], "Addresses the process has.");
pub static PROCESS_DESCRIPTORS: Family =
    Family::gauge("process_open_fds", &[], "Descriptors the process has open.");
pub static PROCESS_DESCRIPTORS_MAX: Family =
    Family::gauge("process_max_fds", &[], "Descriptors it may have open.");
pub static PROCESS_THREADS: Family = Family::gauge("process_threads", &[], "Threads of the process.");
pub static PROCESS_STARTED: Family = Family::gauge(
    "process_start_time_seconds",
    &[],
    "When the process began, in seconds since 1970-01-01 00:00 UTC.",
);
