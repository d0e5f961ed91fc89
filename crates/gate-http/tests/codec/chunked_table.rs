//! Chunked bodies (rows A9 to A11).

use gate_http::{ChunkError, ChunkedDecoder, limits, write_chunk_size};

use crate::chunked_model::{End, check};

/// Checks that a body is complete and has this payload. The trailer section stays unread.
#[track_caller]
fn accept(bytes: impl AsRef<[u8]>, payload: &str) {
    let bytes = bytes.as_ref();
    let (found, end) = check(bytes);
    assert_eq!(found.escape_ascii().to_string(), payload, "{}", bytes.escape_ascii());
    assert_eq!(end, End::Last(bytes.len()), "{}", bytes.escape_ascii());
}

/// Checks that a body is refused for this reason, also when it comes behind a good chunk.
#[track_caller]
fn refuse(error: ChunkError, bytes: impl AsRef<[u8]>) {
    for before in [&b""[..], b"3\r\nabc\r\n", b"003;x\r\nabc\r\n"] {
        let bytes = [before, bytes.as_ref()].concat();
        assert_eq!(check(&bytes).1, End::Error, "{}", bytes.escape_ascii());
        assert_eq!(ChunkedDecoder::new().decode(&mut bytes.clone()), Err(error), "{}", bytes.escape_ascii());
        assert_eq!(error.status(), 400);
    }
}

#[track_caller]
fn refuse_sizes(sizes: &[&str]) {
    for size in sizes {
        refuse(ChunkError::BadSize, format!("{size}\r\nabc\r\n0\r\n\r\n"));
        refuse(ChunkError::BadSize, format!("{size};a=b\r\nabc\r\n0\r\n\r\n"));
    }
}

#[test]
fn chunks_are_put_together() {
    accept("0\r\n", "");
    accept("1\r\na\r\n0\r\n", "a");
    accept("3\r\nabc\r\n0\r\n", "abc");
    accept("3\r\nabc\r\n2\r\nde\r\n0\r\n", "abcde");
    accept("a\r\n0123456789\r\n0\r\n", "0123456789");
    accept("A\r\n0123456789\r\n0\r\n", "0123456789");
    accept("00003\r\nabc\r\n000\r\n", "abc");
    accept("0000000000000003\r\nabc\r\n0000000000000000\r\n", "abc");
    accept("4\r\n\r\n\r\n\r\n0\r\n", r"\r\n\r\n");
    accept("5\r\n0\r\n\r\n\r\n0\r\n", r"0\r\n\r\n");
    accept("3\r\nabc\r\n003\r\ndef\r\n3\r\nghi\r\n3;x\r\njkl\r\n3\r\nmno\r\n0;y\r\n", "abcdefghijklmno");
}

#[test]
fn an_unfinished_body_stays_open() {
    for bytes in [
        "",
        "3",
        "3\r",
        "3\r\n",
        "3\r\nab",
        "3\r\nabc",
        "3\r\nabc\r",
        "3\r\nabc\r\n",
        "3\r\nabc\r\n0",
        "0\r",
        "3;",
        "3;a=\"b",
    ] {
        assert_eq!(check(bytes.as_bytes()).1, End::Open, "{bytes:?}");
    }
    assert_eq!(check(b"7fffffffffffffff\r\nabc").1, End::Open);
}

#[test]
fn a9_a_malformed_size_is_refused() {
    refuse_sizes(&[
        "",
        " ",
        "\t",
        " 3",
        "3 ",
        "\t3",
        "3\t",
        "+3",
        "-3",
        "0x3",
        "0X3",
        "3_0",
        "3.0",
        "3h",
        "g",
        "x",
        "3,3",
        "\"3\"",
        "3 3",
        "3:",
        "\u{663}",
        "\u{ff13}",
        "3\u{a0}",
        "\0",
        "3\0",
        "3\u{b}",
        "00000000000000003",
        "10000000000000000",
        "fffffffffffffffff",
        "3=a",
        "3/",
    ]);
    // Too large as a whole: judged when the line is complete.
    refuse(ChunkError::BadSize, "ffffffffffffffff\r\n");
    refuse(ChunkError::BadSize, "8000000000000000\r\n");
    refuse(ChunkError::BadSize, "fffffffffffffffe;a\r\nabc");
}

#[test]
fn a9_a_line_ends_in_crlf() {
    refuse(ChunkError::BadSize, "3\nabc\r\n0\r\n\r\n");
    refuse(ChunkError::BadLineEnd, "3\rabc\r\n0\r\n\r\n");
    refuse(ChunkError::BadLineEnd, "3\r\r\nabc\r\n");
    refuse(ChunkError::BadLineEnd, "3\r \nabc\r\n");
    refuse(ChunkError::BadLineEnd, "3;a\r\r\nabc\r\n");
    refuse(ChunkError::BadLineEnd, "0\rx");
    refuse(ChunkError::BadSize, "0\n\n");
}

#[test]
fn a10_extensions_are_read_and_dropped() {
    for extension in [
        ";",
        ";a",
        ";a=b",
        ";a=b;c=d",
        ";;",
        ";=",
        ";a=\"b\"",
        ";a=\"b c\"",
        ";a=\"\\\"\"",
        ";a=\"\\\\\"",
        ";a=\"\t;=,\"",
        ";a=\"\u{e9}\"",
        ";chunk-signature=0123456789abcdef",
        ";a=\"\"",
        ";!#$%&'*+-.^_`|~",
        ";a=\"b\";c",
    ] {
        accept(format!("3{extension}\r\nabc\r\n0{extension}\r\n"), "abc");
        accept(format!("1\r\nx\r\n3{extension}\r\nabc\r\n1\r\ny\r\n0\r\n"), "xabcy");
    }
}

#[test]
fn a10_a_malformed_extension_is_refused() {
    for extension in [
        ";\n",
        ";a\n",
        ";a=b\n3\r\n",
        ";\0",
        ";a\0b",
        "; a",
        ";a ",
        ";a = b",
        ";a\t",
        ";a=\"b\n\"",
        ";a=\"b\r\n",
        ";a=\"\\\r\n",
        ";a=\"\0\"",
        ";a=\"\u{7f}\"",
        ";\u{7f}",
        ";\u{e9}",
        ";a,b",
        ";(a)",
        ";a=\"b\r\nc\"",
        ";a/b",
        ";[a]",
        ";a:b",
        ";a\\b",
        ";\u{1}",
        ";a=\"\\\n\"",
    ] {
        refuse(ChunkError::BadExtension, format!("3{extension}\r\nabc\r\n0\r\n\r\n"));
    }
}

#[test]
fn a10_every_byte_of_an_extension_is_judged() {
    for byte in 0..=255u8 {
        let is_plain = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~;=".contains(&byte);
        let line = [b"3;a", &[byte][..], b"b\r\nabc\r\n0\r\n"].concat();
        match byte {
            _ if is_plain => accept(line, "abc"),
            b'\r' => refuse(ChunkError::BadLineEnd, line),
            _ => refuse(ChunkError::BadExtension, line),
        }
        let quoted = [b"3;a=\"", &[byte][..], b"\"\r\nabc\r\n0\r\n"].concat();
        match byte {
            b'"' | b'\\' => refuse(ChunkError::BadExtension, quoted),
            b'\t' | b' '..=b'~' | 0x80.. => accept(quoted, "abc"),
            _ => refuse(ChunkError::BadExtension, quoted),
        }
    }
}

#[test]
fn a10_extensions_are_limited_by_line_and_by_body() {
    let line = |length: usize| format!("3;{}\r\nabc\r\n", "x".repeat(length - 1));
    accept(format!("{}0\r\n", line(limits::CHUNK_EXTENSION_BYTES_MAX)), "abc");
    refuse(ChunkError::ExtensionsTooLong, line(limits::CHUNK_EXTENSION_BYTES_MAX + 1));
    refuse(ChunkError::ExtensionsTooLong, format!("3;{}", "x".repeat(limits::CHUNK_EXTENSION_BYTES_MAX)));
    let lines = limits::CHUNK_EXTENSIONS_BYTES_MAX / limits::CHUNK_EXTENSION_BYTES_MAX;
    let full = line(limits::CHUNK_EXTENSION_BYTES_MAX).repeat(lines);
    let decode = |last: &str| ChunkedDecoder::new().decode(&mut [full.as_bytes(), last.as_bytes()].concat());
    assert_eq!(decode("0\r\n").map(|decoded| decoded.last), Ok(true));
    assert_eq!(decode("0;\r\n"), Err(ChunkError::ExtensionsTooLong));
}

#[test]
fn a11_data_ends_in_crlf() {
    for behind in ["\n", "\r\r", "\rx", "x\n", "xy", "\n\r", "  ", "d\r\n", "\0\0", "0\r\n", "\r\r\n"] {
        refuse(ChunkError::BadDataEnd, format!("3\r\nabc{behind}\r\n0\r\n\r\n"));
    }
    refuse(ChunkError::BadSize, "3\r\nabc\r\n\r\n0\r\n\r\n");
}

#[test]
fn a_scan_never_mixes_both_kinds_of_chunks() {
    let bytes = b"3\r\nabc\r\n2\r\nde\r\n03\r\nfgh\r\n1;x\r\ni\r\n1\r\nj\r\n0;y\r\n\r\n";
    let mut decoder = ChunkedDecoder::new();
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    loop {
        let scan = decoder.scan(rest).unwrap();
        found.push((scan.verbatim, scan.data, scan.last_line));
        rest = &rest[scan.consumed..];
        if scan.last {
            break;
        }
    }
    assert_eq!(found, [(true, 5, 0), (false, 4, 0), (true, 1, 0), (false, 0, 5)]);
    assert_eq!(rest, b"\r\n");
}

#[test]
fn a10_a_last_chunk_with_an_extension_is_not_sent_on() {
    for (last, verbatim) in [("0\r\n", true), ("00\r\n", false), ("0;x\r\n", false)] {
        let scan = ChunkedDecoder::new().scan(last.as_bytes()).unwrap();
        assert_eq!((scan.verbatim, scan.last_line, scan.last), (verbatim, last.len(), true), "{last:?}");
    }
}

#[test]
fn nothing_is_consumed_behind_the_last_chunk() {
    let mut decoder = ChunkedDecoder::new();
    let scan = decoder.scan(b"0\r\nX: y\r\n\r\n").unwrap();
    assert_eq!((scan.consumed, scan.last_line, scan.last), (3, 3, true));
    let again = decoder.scan(b"X: y\r\n\r\n").unwrap();
    assert_eq!((again.consumed, again.last_line, again.last), (0, 0, true));
}

#[test]
fn a_chunk_size_is_written_right_aligned() {
    for (size, expected) in [
        (0, "0\r\n"),
        (9, "9\r\n"),
        (10, "a\r\n"),
        (255, "ff\r\n"),
        (32768, "8000\r\n"),
        (u64::MAX, "ffffffffffffffff\r\n"),
    ] {
        let mut line = [b'#'; 18];
        let start = write_chunk_size(&mut line, size);
        assert_eq!(&line[start..], expected.as_bytes());
        assert!(line[..start].iter().all(|&byte| byte == b'#'));
    }
}
