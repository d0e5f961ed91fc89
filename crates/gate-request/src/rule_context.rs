//! What an access rule can ask about a request (contract §2.2, §2.4).

use gate_http::{FieldName, RequestHead};
use gate_rules::{Context, Value};
use gate_snapshot::{Identity, Proxy};
use std::borrow::Cow;
use std::time::SystemTime;

/// A request, as an access rule sees it.
#[derive(Debug)]
pub struct RuleContext<'a> {
    /// Its head.
    pub head: &'a RequestHead,
    /// What `head` was parsed from.
    pub bytes: &'a [u8],
    /// Whose rule it is.
    pub proxy: &'a Proxy,
    /// Who calls; `None` = a guest.
    pub identity: Option<&'a Identity>,
}

impl Context for RuleContext<'_> {
    fn method(&self) -> &str {
        str::from_utf8(self.head.method_span().of(self.bytes)).unwrap_or_default()
    }

    fn auth(&self, name: &str) -> Value<'_> {
        self.identity.map_or(Value::Null, |identity| identity.value(name))
    }

    fn header(&self, key: &str) -> Option<Cow<'_, str>> {
        // What Go's server keeps apart from the headers has no value in PocketBase either.
        let is_header = |known| !matches!(known, FieldName::Host | FieldName::TransferEncoding);
        let lines = self.head.fields();
        let mut found = lines.iter().filter(|line| is_snake_case_of(key, line.name.of(self.bytes)));
        found
            .find(|line| is_header(line.known))
            .map(|line| String::from_utf8_lossy(line.value.of(self.bytes)))
    }

    fn query(&self, key: &str) -> Option<Cow<'_, str>> {
        let query = self.head.query().of(self.bytes);
        let query = query.strip_prefix(b"?").unwrap_or(query);
        form_urlencoded::parse(query).find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn field(&self, name: &str) -> Value<'_> {
        match name {
            "path" => Value::from(&*self.proxy.path),
            "upstream" => Value::from(&*self.proxy.record.upstream),
            "timeout" => Value::Number(self.proxy.record.timeout),
            "maxConcurrent" => Value::Number(self.proxy.record.max_concurrent),
            _ => Value::Null,
        }
    }

    fn now(&self) -> SystemTime {
        // Only a rule that asks for the time reads the clock.
        SystemTime::now()
    }
}

/// Whether a header's name is `key` in snake case: `X-API-Key` is `x_api_key`. `X_API_Key` is not: whoever sets `X-API-Key` in
/// front of us may leave alone what a client sends under that name.
fn is_snake_case_of(key: &str, name: &[u8]) -> bool {
    let fold = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    let is_same =
        key.len() == name.len() && key.bytes().zip(name).all(|(ours, theirs)| ours == fold(*theirs));
    is_same && !name.contains(&b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{parsed, proxy};

    const HEAD: &[u8] = b"PATCH /-/a?n=10&n=11&q=a%20b+c&empty=&%6b=v HTTP/1.1\r\nHost: gateway\r\n\
        X_API_Key: none\r\nX-API-Key: one\r\nx-api-key: two\r\nX_Only: none\r\nX-Empty:\r\nContent-Type: text/plain\r\n\r\n";

    #[track_caller]
    fn check(rule: &str, expected: bool) {
        let head = parsed(HEAD);
        let context = RuleContext { head: &head, bytes: HEAD, proxy: &proxy(), identity: None };
        let rule = gate_rules::AccessRule::compile(rule).unwrap();
        assert_eq!(rule.allows(false, &context), expected, "{rule:?}");
    }

    #[test]
    fn d18_a_rule_sees_the_method_headers_query_and_the_usual_context() {
        check("@request.method = 'PATCH'", true);
        check("@request.headers.x_api_key = 'one'", true);
        check("@request.headers.x_api_key = 'two'", false);
        check("@request.headers.content_type = 'text/plain'", true);
        check("@request.headers.host = null", true);
        check("@request.headers.x_empty:isset = true && @request.headers.x_empty = ''", true);
        check("@request.headers.x_absent:isset = false", true);
        check("@request.query.n = '10' && @request.query.k = 'v'", true);
        check("@request.query.q = 'a b c'", true);
        check("@request.query.empty:isset = true && @request.query.absent:isset = false", true);
        check("@request.context = 'default'", true);
    }

    #[test]
    fn a_rule_does_not_take_a_name_with_underscores_for_the_header_it_names() {
        check("@request.headers.x_api_key = 'none'", false);
        check("@request.headers.x_only:isset = false", true);
    }

    #[test]
    fn d20_a_rule_sees_four_fields_of_its_proxy() {
        check("path = '/-/a' && upstream = 'http://a' && timeout = 30 && maxConcurrent = 10", true);
    }

    #[test]
    fn a_guest_has_no_fields() {
        check("@request.auth.id = ''", true);
        check("@request.auth.id != ''", false);
    }
}
