//! The timeouts of a proxy: `timeout` and `timeoutConfig`.

use super::members::{self, Kind, Member};
use crate::FieldError;
use gate_snapshot::Timeouts;
use serde_json::{Map, Value};
use std::time::Duration;

/// A day, the longest anything may take (contract D-6).
const SECONDS_MAX: f64 = 86_400.0;

/// Ranges of contract D-6.
const MEMBERS: &[Member] = &[
    Member { name: "dial", kind: Kind::Number { min: 1.0, max: 60.0 } },
    Member { name: "tls", kind: Kind::Number { min: 1.0, max: 60.0 } },
    Member { name: "response_header", kind: Kind::OptionalSeconds { max: SECONDS_MAX } },
    Member { name: "idle", kind: Kind::Number { min: 1.0, max: 3600.0 } },
    Member { name: "body_idle", kind: Kind::OptionalSeconds { max: SECONDS_MAX } },
    Member { name: "first_event", kind: Kind::OptionalSeconds { max: SECONDS_MAX } },
    Member { name: "sse_keepalive", kind: Kind::OptionalSeconds { max: SECONDS_MAX } },
];

/// Makes sure of `timeout`: 0 stands for the default.
pub(super) fn check_total(seconds: f64) -> Result<f64, FieldError> {
    if seconds != 0.0 {
        members::in_range(seconds, 1.0, SECONDS_MAX)?;
    }
    Ok(seconds)
}

/// Makes sure of `timeoutConfig`.
pub(super) fn check_phases(value: Value, bytes_max: usize) -> Result<Option<Map<String, Value>>, FieldError> {
    members::check(value, bytes_max, MEMBERS)
}

/// What the two fields say; what they do not say is the default, never 0 (H37).
pub(super) fn compile(total: f64, phases: Option<&Map<String, Value>>) -> Timeouts {
    let phase = |name| phases.and_then(|phases| phases.get(name)).and_then(Value::as_f64);
    let or = |name, default| phase(name).map_or(default, Duration::from_secs_f64);
    let or_off = |name, default| match phase(name) {
        Some(0.0) => None,
        Some(seconds) => Some(Duration::from_secs_f64(seconds)),
        None => default,
    };
    Timeouts {
        dial: or("dial", Timeouts::DIAL),
        tls: or("tls", Timeouts::TLS),
        response_header: or_off("response_header", Some(Timeouts::RESPONSE_HEADER)),
        total: if total == 0.0 { Timeouts::TOTAL } else { Duration::from_secs_f64(total) },
        body_idle: or_off("body_idle", Some(Timeouts::BODY_IDLE)),
        first_event: or_off("first_event", None),
        sse_keepalive: or_off("sse_keepalive", None),
        pool_idle: or("idle", Timeouts::POOL_IDLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compiled(total: f64, phases: Value) -> Timeouts {
        compile(check_total(total).unwrap(), check_phases(phases, 1000).unwrap().as_ref())
    }

    #[test]
    fn h37_what_is_not_said_is_the_default() {
        assert_eq!(compiled(0.0, Value::Null), Timeouts::default());
        assert_eq!(compiled(30.0, json!({})), Timeouts::default());
        assert_eq!(
            compiled(0.0, json!({"dial": 3})),
            Timeouts { dial: Duration::from_secs(3), ..Timeouts::default() }
        );
    }

    #[test]
    fn d6_r020_fr_001_r020_fr_002_r020_fr_003_the_defaults_are_those_of_the_specification() {
        let (defaults, seconds) = (compiled(0.0, Value::Null), Duration::from_secs);
        assert_eq!((defaults.dial, defaults.pool_idle), (seconds(2), seconds(90)));
        assert_eq!((defaults.response_header, defaults.total), (Some(seconds(30)), seconds(30)));
        assert_eq!((defaults.tls, defaults.body_idle), (seconds(5), Some(seconds(300))));
    }

    #[test]
    fn r020_fr_004_zero_turns_waiting_for_the_head_and_silence_off() {
        let off = compiled(0.0, json!({"response_header": 0, "bodyIdle": 0}));
        assert_eq!((off.response_header, off.body_idle), (None, None));
        let events = compiled(0.0, json!({"firstEvent": 0, "sseKeepalive": 0}));
        assert_eq!(events, Timeouts::default());
    }

    #[test]
    fn everything_that_is_said_counts() {
        let all = json!({"dial": 1, "tls": 2, "responseHeader": 3, "idle": 4, "body_idle": 5.5,
            "firstEvent": 6, "sseKeepalive": 7});
        let seconds = Duration::from_secs;
        assert_eq!(
            compiled(86_400.0, all),
            Timeouts {
                dial: seconds(1),
                tls: seconds(2),
                response_header: Some(seconds(3)),
                total: seconds(86_400),
                body_idle: Some(Duration::from_millis(5500)),
                first_event: Some(seconds(6)),
                sse_keepalive: Some(seconds(7)),
                pool_idle: seconds(4),
            }
        );
    }

    #[test]
    fn d6_ranges_are_kept() {
        for seconds in [-1.0, 0.5, 86_401.0] {
            assert!(check_total(seconds).is_err(), "{seconds}");
        }
        for member in ["dial", "tls", "response_header", "idle", "body_idle", "first_event", "sse_keepalive"]
        {
            for seconds in [-1.0, 0.5, 86_401.0] {
                assert!(check_phases(json!({ member: seconds }), 1000).is_err(), "{member} {seconds}");
            }
        }
        for member in [json!({"dial": 61}), json!({"tls": 61}), json!({"idle": 3601}), json!({"dial": 0})] {
            assert!(check_phases(member.clone(), 1000).is_err(), "{member}");
        }
    }
}
