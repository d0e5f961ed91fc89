//! One server-sent event.

use bytes::Bytes;

/// An event as the SDKs read it: they know their id from the event that came last, and match each line on its own, so
/// every event repeats the id and has its data on one line (contract §1.9, §5.3).
pub(super) fn frame(client_id: &str, event: &str, json: &str) -> Bytes {
    debug_assert!(!event.contains(['\r', '\n']) && !json.contains(['\r', '\n']));
    Bytes::from(format!("id:{client_id}\nevent:{event}\ndata:{json}\n\n"))
}

/// The first event of every stream.
pub(super) fn connected(client_id: &str) -> Bytes {
    frame(client_id, "PB_CONNECT", &format!("{{\"clientId\":\"{client_id}\"}}"))
}

/// A comment, which clients ignore and which shows everyone on the way that the stream is alive.
pub(super) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_tells_the_client_its_id() {
        assert_eq!(connected("abc"), "id:abc\nevent:PB_CONNECT\ndata:{\"clientId\":\"abc\"}\n\n");
    }
}
