//! Connection, TE, Expect and Upgrade of requests (rows A24, A28, A29; contract H21, H48).

use gate_http::{FieldName, Progress, RequestError, RequestHead};

use crate::request_harness::{RequestFacts, accept, post_with, refuse_as, with_fields};

fn accept_with(lines: &[&str]) -> RequestFacts {
    accept(post_with(lines))
}

#[track_caller]
fn check_keep_alive(version: &str, lines: &[&str], expected: bool) {
    let start = format!("GET / HTTP/{version}\r\nHost: a");
    assert_eq!(accept(with_fields(start.as_bytes(), lines)).keep_alive, expected, "{version} {lines:?}");
}

#[test]
fn http_1_1_connections_persist_unless_closed() {
    for (lines, expected) in [
        (&[][..], true),
        (&["Connection: keep-alive"], true),
        (&["Connection: close"], false),
        (&["Connection: Close"], false),
        (&["connection: CLOSE"], false),
        (&["Connection: keep-alive, close"], false),
        (&["Connection: close, keep-alive"], false),
        (&["Connection: keep-alive", "Connection: close"], false),
        (&["Connection: close", "Connection: keep-alive"], false),
        (&["Connection: x,close ,y"], false),
        (&["Connection: closed"], true),
        (&["Connection: close-x"], true),
        (&["Connection:"], true),
        (&["Proxy-Connection: close"], true),
    ] {
        check_keep_alive("1.1", lines, expected);
    }
}

#[test]
fn http_1_0_connections_close_unless_kept() {
    for (lines, expected) in [
        (&[][..], false),
        (&["Connection: keep-alive"], true),
        (&["Connection: Keep-Alive"], true),
        (&["Connection: x, keep-alive"], true),
        (&["Connection: close"], false),
        (&["Connection: keep-alive, close"], false),
        (&["Connection: keepalive"], false),
        (&["Proxy-Connection: keep-alive"], false),
        (&["Keep-Alive: timeout=5"], false),
    ] {
        check_keep_alive("1.0", lines, expected);
    }
}

#[test]
fn a_connection_option_is_a_token() {
    for value in
        ["\"close\"", "close;x", "keep-alive close", "close/1", "(close)", "cl\u{f6}se", "a,b c", "x=y"]
    {
        let line = format!("Connection: {value}");
        refuse_as(RequestError::BadConnection, post_with([&line[..]]));
        refuse_as(RequestError::BadConnection, post_with(["Connection: close", "X: y", &line]));
    }
    for value in ["", ",", " , ,", "close,", ",close"] {
        accept_with(&[&format!("Connection: {value}")]);
    }
}

#[test]
fn a24_connection_names_fields_of_this_connection_only() {
    let named = |lines: &[&str]| accept_with(lines).named_by_connection;
    assert_eq!(named(&["Connection: x-secret", "X-Secret: 1", "X-Other: 2"]), [b"X-Secret"]);
    assert_eq!(named(&["X-Secret: 1", "Connection: close, X-SECRET"]), [b"X-Secret"]);
    assert_eq!(
        named(&["Connection: a", "Connection: b ,c", "A: 1", "B: 2", "C: 3", "D: 4"]),
        [b"A", b"B", b"C"]
    );
    assert_eq!(
        named(&["Connection: authorization, host", "Authorization: x"]),
        [&b"Host"[..], b"Authorization"]
    );
    assert_eq!(named(&["Connection: x", "X-Y: 1", "XX: 2"]), Vec::<Vec<u8>>::new());
}

#[test]
fn a24_the_usual_options_name_nothing() {
    for value in [
        "keep-alive",
        "close",
        "upgrade",
        "TE",
        "keep-alive, Upgrade",
        "Upgrade, HTTP2-Settings",
        "transfer-encoding",
        "",
    ] {
        let lines = [
            &format!("Connection: {value}")[..],
            "Upgrade: h2c",
            "TE: trailers",
            "Keep-Alive: 5",
            "Close: 1",
        ];
        assert_eq!(accept_with(&lines).named_by_connection, Vec::<Vec<u8>>::new(), "{value}");
    }
}

#[test]
fn h48_an_upgrade_is_asked_for_anywhere_in_connection() {
    for value in ["upgrade", "Upgrade", "keep-alive, Upgrade", "Upgrade, HTTP2-Settings", "x,upgrade,y"] {
        assert!(
            accept_with(&[&format!("Connection: {value}"), "Upgrade: websocket"]).wants_upgrade,
            "{value}"
        );
        assert!(
            accept_with(&["Upgrade: websocket", "Connection: close", &format!("Connection: {value}")])
                .wants_upgrade
        );
    }
}

#[test]
fn an_upgrade_needs_both_fields_and_http_1_1() {
    assert!(!accept_with(&["Connection: upgrade"]).wants_upgrade);
    assert!(!accept_with(&["Upgrade: websocket"]).wants_upgrade);
    assert!(!accept_with(&["Upgrade: websocket", "Connection: keep-alive"]).wants_upgrade);
    assert!(!accept_with(&["Upgrade: websocket", "Connection: upgraded"]).wants_upgrade);
    let old = with_fields(b"GET / HTTP/1.0", ["Connection: upgrade", "Upgrade: websocket"]);
    assert!(!accept(old).wants_upgrade);
}

#[test]
fn trailers_are_accepted_with_te() {
    for (lines, expected) in [
        (&["TE: trailers"][..], true),
        (&["te: Trailers"], true),
        (&["TE: gzip;q=0.5, trailers"], true),
        (&["TE: gzip", "TE: trailers"], true),
        (&["TE: gzip"], false),
        (&["TE: trailersx"], false),
        (&["TE:"], false),
        (&["Trailer: x"], false),
        (&[], false),
    ] {
        assert_eq!(accept_with(lines).accepts_trailers, expected, "{lines:?}");
    }
}

#[test]
fn a29_one_continue_is_the_only_expectation() {
    for value in ["100-continue", "100-Continue", "100-CONTINUE", " \t100-continue "] {
        assert!(accept_with(&[&format!("Expect:{value}"), "Content-Length: 5"]).expects_continue);
        assert!(accept_with(&["Transfer-Encoding: chunked", &format!("Expect: {value}")]).expects_continue);
    }
    for value in [
        "",
        "x",
        "x 100-continue",
        "100-continue x",
        "100-continue, x",
        "100-continue,",
        "100",
        "100-continue;a",
        "200-ok",
    ] {
        refuse_as(RequestError::BadExpectation, post_with([format!("Expect: {value}")]));
    }
    refuse_as(
        RequestError::BadExpectation,
        post_with(["Expect: 100-continue", "Content-Length: 5", "Expect: 100-continue"]),
    );
}

#[test]
fn a29_nobody_waits_without_a_body_or_in_http_1_0() {
    assert!(!accept_with(&["Expect: 100-continue"]).expects_continue);
    assert!(!accept_with(&["Expect: 100-continue", "Content-Length: 0"]).expects_continue);
    for value in ["100-continue", "x", ""] {
        let old = with_fields(b"POST / HTTP/1.0", [&format!("Expect: {value}")[..], "Content-Length: 5"]);
        assert!(!accept(old).expects_continue);
    }
}

#[test]
fn a_field_is_found_by_its_name() {
    let request = post_with(["Cookie: a", "Accept: b", "cookie: c"]);
    let mut head = RequestHead::new();
    assert_eq!(head.parse(&request), Ok(Progress::Complete { length: request.len() }));
    let value = |name| head.field(name).map(|field| field.value.of(&request).to_vec());
    assert_eq!(value(FieldName::Cookie), Some(b"a".to_vec()));
    assert_eq!(value(FieldName::Host), Some(b"a".to_vec()));
    assert_eq!(value(FieldName::Te), None);
}
