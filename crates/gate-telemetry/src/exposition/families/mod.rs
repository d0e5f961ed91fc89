//! Every metric there is.
//!
//! The names of specification 020 (020-FR-019, 020-FR-020) are its own; the others follow Prometheus's conventions: base units,
//! and the unit in the name. `proxy` is the name of a proxy, or its path where that name is not its alone.

mod declared;

use super::Family;
pub use declared::*;

/// Every family in the order in which they are exposed, below the heading of its group.
pub static GROUPS: [(&str, &[&Family]); 7] = [
    (
        "Requests",
        &[
            &REQUESTS,
            &ERRORS,
            &REQUEST_DURATION,
            &REQUEST_PHASE,
            &UPSTREAM_LATENCY,
            &FIRST_EVENT,
            &OVERHEAD,
            &ACTIVE,
            &RECEIVED,
            &SENT,
            &EVENT_STREAMS,
            &EVENTS,
            &UPSTREAM_CONNECTIONS,
            &RETRIES,
        ],
    ),
    (
        "Limits and breakers",
        &[
            &LIMITER_IN_FLIGHT,
            &LIMITER_LIMIT,
            &LIMITER_WAITING,
            &RATE_REFUSALS,
            &DRY_RUN_REFUSALS,
            &BREAKER_STATE,
            &BREAKER_TRANSITIONS,
        ],
    ),
    ("Proxies", &[&PROXY_INFO, &PROXY_UNRESOLVED]),
    (
        "Workers",
        &[
            &CLIENT_CONNECTIONS,
            &CLIENT_CONNECTIONS_ACCEPTED,
            &CLIENT_CONNECTIONS_TURNED_AWAY,
            &POOLED_CONNECTIONS,
            &TOKEN_LOOKUPS,
            &BUFFERS_TAKEN,
            &BUFFERS_REUSED,
            &BUFFERS_BEYOND,
            &STALLS,
        ],
    ),
    (
        "Configuration and store",
        &[
            &SNAPSHOT_GENERATION,
            &SNAPSHOT_AGE,
            &RELOAD_DURATION,
            &RELOAD_FAILURES,
            &PROBLEMS,
            &STORE_UP,
            &STORE_INFO,
        ],
    ),
    ("Logs and traces", &[&LOG_LINES_DROPPED, &REQUEST_LOG_LEFT_OUT, &TRACED]),
    (
        "Process",
        &[
            &BUILD_INFO,
            &PROCESS_CPU,
            &PROCESS_RESIDENT,
            &PROCESS_VIRTUAL,
            &PROCESS_DESCRIPTORS,
            &PROCESS_DESCRIPTORS_MAX,
            &PROCESS_THREADS,
            &PROCESS_STARTED,
        ],
    ),
];

/// The label value that stands for requests no proxy took.
pub const UNMATCHED: &str = "_unmatched";
/// The label value that stands for requests to the gateway itself.
pub const CONTROL_PLANE: &str = "_control_plane";
/// The label value that stands for what passes through to the PocketBase behind the gateway.
pub const POCKETBASE: &str = "_pocketbase";
/// The label value that stands for what the dev proxy takes.
pub const DEV_PROXY: &str = "_dev_proxy";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Kind;
    use std::collections::HashSet;
    use std::fmt::Write;

    fn all() -> impl Iterator<Item = &'static Family> {
        GROUPS.iter().flat_map(|(_, families)| families.iter().copied())
    }

    #[test]
    fn names_are_unique_and_say_what_kind_they_are_of() {
        let names: HashSet<_> = all().map(|family| family.name).collect();
        assert_eq!(names.len(), all().count());
        for Family { name, kind, help, .. } in all() {
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_info"), *kind == Kind::Info, "{name}");
            assert!(name.starts_with("gateway_") || name.starts_with("process_"), "{name}");
            assert!(*kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(help.ends_with('.') && !help.contains(['\\', '\n', '|', '"']), "{name}: {help}");
        }
    }

    #[test]
    fn r020_fr_019_r020_fr_020_h58_names_and_labels_are_those_of_the_specification() {
        for (name, kind, labels) in [
            ("gateway_requests_total", Kind::Counter, &["proxy", "status"][..]),
            ("gateway_errors_total", Kind::Counter, &["proxy", "type"]),
            ("gateway_upstream_latency_seconds", Kind::Histogram, &["proxy"]),
            ("gateway_active_connections", Kind::Gauge, &["proxy"]),
            ("gateway_circuit_breaker_state", Kind::Gauge, &["proxy"]),
            ("gateway_upstream_connections_total", Kind::Counter, &["proxy", "kind"]),
            ("gateway_proxy_info", Kind::Info, &["proxy", "id", "path", "upstream_host"]),
        ] {
            let family = all().find(|family| family.name == name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!((family.kind, family.labels), (kind, labels), "{name}");
        }
    }

    /// What `docs/monitoring/metrics.md` should hold behind its introduction.
    fn tables() -> String {
        let mut tables = String::new();
        for (title, families) in &GROUPS {
            let _ = write!(
                tables,
                "\n## {title}\n\n| metric | kind | labels | what it says |\n|---|---|---|---|\n"
            );
            for Family { name, kind, help, labels } in *families {
                let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
                let _ = writeln!(tables, "| `{name}` | {} | {} | {help} |", kind.word(), labels.join(", "));
            }
        }
        tables
    }

    #[test]
    fn the_documentation_lists_every_metric() {
        let page = include_str!("../../../../../docs/monitoring/metrics.md");
        let (_, found) = page.split_at(page.find("\n## ").unwrap_or(page.len()));
        assert!(found == tables(), "docs/monitoring/metrics.md should end with:\n{}", tables());
    }
}
