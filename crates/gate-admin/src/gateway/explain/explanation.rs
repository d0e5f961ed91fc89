//! The answer, as JSON.

use super::dial::Dialled;
use super::sent::Sent;
use gate_records::json_number;
use gate_rules::{AccessRule, Compared, Observed, Rule, Value as RuleValue};
use gate_snapshot::Proxy;
use gate_telemetry::Reason;
use serde::Serialize;
use serde_json::Value;

/// What would become of a request.
#[derive(Serialize)]
pub(crate) struct Explanation {
    pub(super) outcome: Outcome,
    /// What the gateway would answer with, unless it forwards the request.
    pub(super) refusal: Option<Refusal>,
    /// One sentence.
    pub(super) message: String,
    /// The proxy that takes the path.
    pub(super) proxy: Option<ShownProxy>,
    /// Who would call; null for a guest.
    pub(super) caller: Option<ShownCaller>,
    /// What the access rule says, unless nobody asks it.
    pub(super) rule: Option<ShownRule>,
    /// What the upstream would get.
    pub(super) upstream: Option<Sent>,
    /// Whether the upstream answers; null unless it was asked.
    pub(super) dial: Option<Dialled>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// The upstream.
    Forwarded,
    /// The gateway: the path is reserved.
    ControlPlane,
    /// The PocketBase behind the gateway.
    #[serde(rename = "pocketbase")]
    PocketBase,
    /// The gateway: a browser asks whether it may ask.
    Preflight,
    /// The gateway, with an error.
    Refused,
}

/// The error the gateway would answer with.
#[derive(Serialize)]
pub(super) struct Refusal {
    status: u16,
    /// As in `X-Gateway-Reason`.
    reason: &'static str,
}

#[derive(Serialize)]
pub(super) struct ShownProxy {
    id: String,
    name: String,
    path: String,
    active: bool,
}

#[derive(Serialize)]
pub(super) struct ShownCaller {
    pub(super) collection: String,
    pub(super) id: String,
    pub(super) superuser: bool,
}

/// What an access rule says, part by part.
#[derive(Serialize)]
pub(super) struct ShownRule {
    text: String,
    /// Whether the caller may pass.
    pub(super) allows: bool,
    /// Whether the expression holds; null when the rule is none. Superusers pass all the same.
    holds: Option<bool>,
    comparisons: Vec<ShownComparison>,
}

#[derive(Serialize)]
struct ShownComparison {
    text: String,
    left: ShownOperand,
    right: ShownOperand,
    holds: bool,
}

#[derive(Serialize)]
struct ShownOperand {
    text: String,
    value: Value,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Refusal { status: reason.status(), reason: reason.label() }
    }
}

impl From<&Proxy> for ShownProxy {
    fn from(proxy: &Proxy) -> Self {
        ShownProxy {
            id: proxy.id.to_string(),
            name: proxy.name.to_string(),
            path: (*proxy.path).to_owned(),
            active: proxy.active,
        }
    }
}

impl ShownRule {
    pub(super) fn new(rule: &AccessRule, is_superuser: bool, context: &dyn gate_rules::Context) -> Self {
        let allows = rule.allows(is_superuser, context);
        let whole =
            |text: &str| ShownRule { text: text.to_owned(), allows, holds: None, comparisons: Vec::new() };
        match rule {
            AccessRule::Superusers => whole(""),
            AccessRule::Public => whole("true"),
            AccessRule::Nobody => whole("false"),
            AccessRule::Expression(rule) => Self::of_expression(rule, allows, context),
        }
    }

    fn of_expression(rule: &Rule, allows: bool, context: &dyn gate_rules::Context) -> Self {
        let explanation = rule.explain(context);
        ShownRule {
            text: rule.text().trim().to_owned(),
            allows,
            holds: Some(explanation.holds),
            comparisons: explanation.comparisons.into_iter().map(ShownComparison::from).collect(),
        }
    }

    /// The comparisons that do not hold, for a sentence.
    pub(super) fn failed(&self) -> Vec<&str> {
        let failed = self.comparisons.iter().filter(|comparison| !comparison.holds);
        failed.map(|comparison| comparison.text.as_str()).collect()
    }
}

impl From<Compared> for ShownComparison {
    fn from(Compared { text, left, right, holds }: Compared) -> Self {
        ShownComparison { text, left: left.into(), right: right.into(), holds }
    }
}

impl From<Observed> for ShownOperand {
    fn from(Observed { text, value }: Observed) -> Self {
        let value = match value {
            RuleValue::Null => Value::Null,
            RuleValue::Bool(flag) => Value::Bool(flag),
            RuleValue::Number(number) => json_number(number),
            RuleValue::Text(text) => Value::String(text.into_owned()),
            RuleValue::Json(json) => serde_json::from_str(&json).unwrap_or(Value::String(json.into_owned())),
        };
        ShownOperand { text, value }
    }
}
