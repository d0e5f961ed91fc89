//! A rule about the caller, the method and headers allocates nothing.

use gate_rules::{AccessRule, Context, Value};
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Request;

impl Context for Request {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn auth(&self, name: &str) -> Value<'_> {
        match name {
            "id" => "abcdefghij01234".into(),
            "role" => "admin".into(),
            "level" => 5.0.into(),
            "verified" => true.into(),
            _ => Value::Null,
        }
    }

    fn header(&self, key: &str) -> Option<Cow<'_, str>> {
        (key == "x_client").then_some("Mobile 2.1".into())
    }

    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn field(&self, _: &str) -> Value<'_> {
        "/-/x".into()
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH
    }
}

#[test]
fn a_rule_about_the_caller_the_method_and_headers_allocates_nothing() {
    let rules = [
        "@request.auth.id != '' && @request.auth.role = 'admin'",
        "@request.auth.level >= 5 && @request.auth.level = '5' && @request.auth.role != 5",
        "@request.auth.verified = true && (@request.method = 'GET' || @request.method = 'POST')",
        "@request.headers.x_client ~ 'mobile' && @request.headers.x_client ~ 'm%2._'",
        "@request.headers.x_client:isset = true && @request.headers.none:isset = false",
        "@request.auth.missing = null && path ~ '/-/' && @hour >= 0",
        "'administrator' ~ @request.auth.role",
    ]
    .map(|text| AccessRule::compile(text).unwrap());
    let _profiler = dhat::Profiler::builder().testing().build();
    let allocated = [(); 3].map(|()| {
        let before = dhat::HeapStats::get().total_blocks;
        for _ in 0..100 {
            for rule in &rules {
                assert!(rule.allows(false, &Request), "{rule:?}");
            }
        }
        dhat::HeapStats::get().total_blocks - before
    });
    // The thread that started this one may still have something to put down; a rule that allocates does so every time.
    assert!(allocated.contains(&0), "{allocated:?}");
}
