//! What the head writer writes.

use gate_http::{HeadTooLarge, HeadWriter};

/// Writes into a buffer of this size.
fn write(room: usize, work: impl FnOnce(&mut HeadWriter<'_>)) -> Result<Vec<u8>, HeadTooLarge> {
    let mut buffer = vec![b'#'; room + 8];
    let mut writer = HeadWriter::new(&mut buffer[..room]);
    work(&mut writer);
    let length = writer.finish();
    assert!(buffer[room..].iter().all(|&byte| byte == b'#'), "written past the end");
    length.map(|length| buffer[..length].to_vec())
}

fn request(writer: &mut HeadWriter<'_>) {
    writer.request_line(b"GET", &[b"/base", b"/x", b"?y"]);
    writer.field(b"Host", b"a");
    writer.field_parts(b"X-Forwarded-For", &[b"192.0.2.1", b", ", b"192.0.2.2"]);
    writer.content_length(0);
    writer.end();
}

const REQUEST: &str =
    "GET /base/x?y HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_request_is_written_as_it_should_be() {
    assert_eq!(write(4096, request).unwrap(), REQUEST.as_bytes());
}

#[test]
fn a_response_is_written_as_it_should_be() {
    let response = write(4096, |writer| {
        writer.status_line(404, b"Not Found");
        writer.field(b"X", b"");
        writer.content_length(u64::MAX);
        writer.raw(b"Y: z\r\n");
        writer.end();
    });
    let expected = b"HTTP/1.1 404 Not Found\r\nX: \r\nContent-Length: 18446744073709551615\r\nY: z\r\n\r\n";
    assert_eq!(response.unwrap(), expected);
    assert_eq!(write(100, |writer| writer.status_line(200, b"")).unwrap(), b"HTTP/1.1 200 \r\n");
}

#[test]
fn a_head_that_does_not_fit_is_an_error_wherever_it_ends() {
    for room in 0..REQUEST.len() {
        assert_eq!(write(room, request), Err(HeadTooLarge), "room for {room}");
    }
    assert!(write(REQUEST.len(), request).is_ok());
}

#[test]
fn nothing_is_written_behind_what_did_not_fit() {
    let outcome = write(8, |writer| {
        writer.raw(b"1234567");
        writer.raw(b"too long");
        writer.raw(b"8");
    });
    assert_eq!(outcome, Err(HeadTooLarge));
}
