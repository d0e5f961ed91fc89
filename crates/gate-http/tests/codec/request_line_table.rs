//! Request lines, targets and hosts (rows A19 to A23, A30, A31).

use gate_http::{Method, RequestError, Version};

use crate::request_harness::{accept, refuse, refuse_as};

#[track_caller]
fn refuse_line(status: u16, line: &str) {
    refuse(status, format!("{line}\r\nHost: a\r\n\r\n"));
}

#[track_caller]
fn refuse_target(target: impl AsRef<[u8]>) {
    for method in ["GET", "POST", "HEAD", "TRACE"] {
        let line = [method.as_bytes(), b" ", target.as_ref(), b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        refuse(400, line);
    }
}

/// Checks path and query of `GET target` for host `a`.
#[track_caller]
fn check_target(target: &str, path: &str, query: &str) {
    let facts = accept(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(facts.target, target.as_bytes());
    assert_eq!((&*facts.path, &*facts.query), (path.as_bytes(), query.as_bytes()), "{target}");
    assert_eq!(facts.host, b"a");
}

#[track_caller]
fn check_method(method: &str, expected: Method) {
    let facts = accept(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(facts.method, (expected, method.as_bytes().to_vec()));
}

#[test]
fn a19_anything_but_single_spaces_is_refused() {
    let lines = [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET\x0b/ HTTP/1.1",
        "GET /\x0bHTTP/1.1",
        "GET\x0c/ HTTP/1.1",
        "GET /\x0cHTTP/1.1",
        "GET\r/ HTTP/1.1",
        "GET /\rHTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1\t",
        "GET /\u{a0}HTTP/1.1",
        "GET / x HTTP/1.1",
        "GET",
        "GET ",
        "GET /",
        "GET / ",
        "/ HTTP/1.1",
        "GET HTTP/1.1",
        "GET  HTTP/1.1",
        "HTTP/1.1",
        "HTTP/1.1 200 OK",
        "GET /HTTP/1.1",
    ];
    for line in lines {
        refuse_line(400, line);
    }
}

#[test]
fn a19_versions_other_than_one_are_refused() {
    let malformed = [
        "http/1.1",
        "Http/1.1",
        "HTTP/1.2",
        "HTTP/1.9",
        "HTTP/1.10",
        "HTTP/1.01",
        "HTTP/01.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/",
        "HTTP",
        "HTTP/1,1",
        "HTTP/1.1x",
        "HTTP 1.1",
        "HTTP/4294967297.1",
        "HTTP/1.4294967297",
        "HTTP/-1.1",
        "HTTP/+1.1",
        "HTTP/1.x",
        "HTTP/x.1",
        "HTTPS/1.1",
        "XTTP/1.1",
        "ICY/1.1",
        "HTTP/1.1;a",
        "HTTP/\u{661}.1",
    ];
    for version in malformed {
        refuse_line(400, &format!("GET / {version}"));
    }
    for version in ["HTTP/2.0", "HTTP/2.1", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9", "HTTP/0.0"] {
        refuse_line(505, &format!("GET / {version}"));
    }
}

#[test]
fn both_versions_are_told_apart() {
    assert_eq!(accept("GET / HTTP/1.1\r\nHost: a\r\n\r\n").version, Version::Http11);
    assert_eq!(accept("GET / HTTP/1.0\r\nHost: a\r\n\r\n").version, Version::Http10);
}

#[test]
fn a20_a_method_is_a_token_of_at_most_32_bytes() {
    for byte in 0..=255u8 {
        let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let request = [b"G", &[byte][..], b"T / HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        if is_token {
            assert_eq!(accept(&request).method.1, [b'G', byte, b'T']);
        } else {
            refuse(400, &request);
        }
    }
    check_method(&"M".repeat(32), Method::Other);
    refuse_line(400, &format!("{} / HTTP/1.1", "M".repeat(33)));
    refuse_line(400, &format!("{} / HTTP/1.1", "M".repeat(3000)));
}

#[test]
fn a20_methods_are_case_sensitive() {
    let known = [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
        ("OPTIONS", Method::Options),
        ("PATCH", Method::Patch),
        ("TRACE", Method::Trace),
    ];
    for (method, expected) in known {
        check_method(method, expected);
        check_method(&method.to_lowercase(), Method::Other);
    }
    for method in ["get", "Get", "GETT", "GE", "PROPFIND", "M-SEARCH", "HTTP"] {
        check_method(method, Method::Other);
    }
}

#[test]
fn a21_only_uri_characters_are_in_a_target() {
    for byte in 0..=255u8 {
        let is_path = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
        for (before, after, is_allowed) in [
            ("/", "", is_path),
            ("/a", "b", is_path),
            ("/?", "", is_path || b"[]%".contains(&byte)),
            ("/a?b=", "c", is_path || b"[]%".contains(&byte)),
        ] {
            let target = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            let request = [b"GET ", &target[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
            if is_allowed {
                assert_eq!(accept(&request).target, target);
            } else {
                refuse(400, &request);
            }
        }
    }
}

#[test]
fn a21_percent_encoding_is_whole() {
    for escape in ["%", "%4", "%zz", "%4z", "%z4", "%%41", "%-1", "% 1", "%4%31", "%u0041"] {
        refuse_target(format!("/{escape}"));
        refuse_target(format!("/a{escape}/b?c"));
    }
    check_target("/%41%2f%2F%ff?%00%25=%7e", "/%41%2f%2F%ff", "?%00%25=%7e");
    check_target("/?discount=10%&a=%zz", "/", "?discount=10%&a=%zz");
}

#[test]
fn a21_targets_without_a_form_are_refused() {
    let targets = [
        "admin",
        "@evil",
        ".evil",
        "..",
        "a/b",
        "?a=b",
        "#",
        "/#",
        "/a#b",
        "/a?b#c",
        "*",
        "**",
        "*/",
        "a:80",
        "evil.com:443",
        "[::1]:80",
        "\\",
        "/\\evil",
        "%2f",
        "&",
        ":80",
    ];
    for target in targets {
        refuse_target(target);
    }
    refuse_target("/caf\u{e9}");
    refuse_target(b"/\xff");
    refuse_line(400, "OPTIONS ** HTTP/1.1");
    refuse_line(400, "OPTIONS *?a HTTP/1.1");
    refuse_line(400, "OPTIONS a HTTP/1.1");
}

#[test]
fn an_origin_form_is_split_at_the_first_question_mark() {
    check_target("/", "/", "");
    check_target("//", "//", "");
    check_target("/?", "/", "?");
    check_target("/a/b", "/a/b", "");
    check_target("/a?b=c", "/a", "?b=c");
    check_target("/a?b?c", "/a", "?b?c");
    check_target("/-/openai/v1/models?filter[a]=b", "/-/openai/v1/models", "?filter[a]=b");
    check_target("//evil.example/x", "//evil.example/x", "");
    check_target("/http://b/c", "/http://b/c", "");
    check_target("/..;/a;b=c/%2e%2e", "/..;/a;b=c/%2e%2e", "");
}

#[test]
fn a21_an_asterisk_is_for_options_only() {
    let facts = accept("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((&*facts.path, &*facts.query, &*facts.host), (&b"*"[..], &b""[..], &b"a"[..]));
    assert_eq!(accept("OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n").path, b"/x");
}

#[test]
fn a22_an_absolute_form_equals_host() {
    check_target("http://a/x?y", "/x", "?y");
    check_target("HTTP://A/x", "/x", "");
    check_target("https://a/x", "/x", "");
    check_target("http://a", "/", "");
    check_target("https://a?y", "/", "?y");
    check_target("http://a/", "/", "");
    for (target, host) in
        [("http://b/", "a"), ("http://a:80/", "a"), ("http://a/", "a:80"), ("http://a./", "a")]
    {
        refuse_as(RequestError::HostMismatch, format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
    assert_eq!(accept("GET http://a:8080/ HTTP/1.1\r\nHost: a:8080\r\n\r\n").host, b"a:8080");
    assert_eq!(accept("GET http://[::1]:80/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").host, b"[::1]:80");
    assert_eq!(accept("GET http://b/x HTTP/1.0\r\n\r\n").host, b"b");
    refuse_as(RequestError::MissingHost, "GET http://a/ HTTP/1.1\r\n\r\n");
}

#[test]
fn a22_other_absolute_forms_are_refused() {
    let targets = [
        "http:",
        "http:/",
        "http://",
        "http:///",
        "http:///x",
        "http:a/x",
        "http:/a",
        "ftp://a/",
        "ws://a/",
        "file:///etc/passwd",
        "httpx://a/",
        "xhttp://a/",
        "http://u@a/",
        "http://u:p@a/",
        "http://a@b/",
        "http://a:0/",
        "http://a:/",
        "http://a:65536/",
        "http://a,b/",
        "http://a\\b/",
        "http://a%2f/",
        "http://[::1/",
        "http://[::g]/",
        "http://a:80:80/",
        "http://a#b",
        "http://?x",
        "http://a/x#y",
        "//a/x y",
        "http://a /",
    ];
    for target in targets {
        refuse_target(target);
    }
}

#[test]
fn a23_host_is_there_exactly_once() {
    refuse_as(RequestError::MissingHost, "GET / HTTP/1.1\r\n\r\n");
    refuse_as(RequestError::MissingHost, "GET / HTTP/1.1\r\nX-Host: a\r\n\r\n");
    refuse_as(RequestError::RepeatedHost, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    refuse_as(RequestError::RepeatedHost, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n");
    refuse_as(RequestError::RepeatedHost, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_eq!(accept("GET / HTTP/1.0\r\n\r\n").host, b"");
    assert_eq!(accept("GET / HTTP/1.1\r\nhost:\t a:80 \r\n\r\n").host, b"a:80");
}

#[test]
fn a23_a_malformed_host_is_refused() {
    let hosts = [
        "", " ", "a b", "a,b", "a, a", "u@a", "a/b", "a?b", "a#b", "a\\b", "a:0", "a:65536", "a:", "a:x",
        "a:80:80", ":80", "[::1", "[::g]", "::1", "[]", "a\u{e9}", "http://a", "a%00", "a;b", "\"a\"",
        "a:+80", "a: 80", "a\tb",
    ];
    for host in hosts {
        refuse_as(RequestError::BadHost, format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        refuse_as(RequestError::BadHost, format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n"));
    }
}

#[test]
fn a30_connect_takes_an_authority_with_a_port() {
    let facts = accept("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(facts.method.0, Method::Connect);
    assert_eq!((&*facts.target, &*facts.path), (&b"a:443"[..], &b""[..]));
    for target in ["a", "/", "*", "http://a/", "a:0", "u@a:443", "a:443/", ":443", "[::1]"] {
        refuse_line(400, &format!("CONNECT {target} HTTP/1.1"));
    }
    assert_eq!(accept("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n").method.0, Method::Trace);
}

#[test]
fn a31_two_empty_lines_may_come_first() {
    for lead in ["", "\r\n", "\r\n\r\n"] {
        let request = format!("{lead}GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let facts = accept(&request);
        assert_eq!((&*facts.path, facts.length), (&b"/x"[..], request.len()));
    }
    for lead in
        ["\r\n\r\n\r\n", "\n", "\r", "\r\r\n", "\n\r\n", "\r\n\n", " ", " \r\n", "\0", "\t", "\r\n\r\n\n"]
    {
        refuse(400, format!("{lead}GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
}

#[test]
fn a31_other_protocols_are_refused_before_their_line_ends() {
    let tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let ssl2_hello = b"\x80\x2e\x01\x00\x02";
    let proxy_v2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c";
    refuse(400, tls_hello);
    refuse(400, ssl2_hello);
    refuse(400, proxy_v2);
    refuse(400, "\0\0\0\0");
    refuse(400, "{\"jsonrpc\":");
    refuse(400, "*1\r\n$4\r\nPING\r\n");
    refuse(400, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
    refuse(400, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
    refuse(400, "SSH-2.0-OpenSSH_9.2\r\n");
    refuse(400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    refuse(400, "EHLO example.com\r\n");
    refuse(400, "GET /\r\n");
}
