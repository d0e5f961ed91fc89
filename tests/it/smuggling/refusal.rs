//! The oracle of every request that must be refused.

use gate_testkit::{Gateway, RawClient, Response, ResponseError, Upstream};

/// What follows every bad request: it must never be answered, nor reach the upstream.
pub(super) const SMUGGLED: &[u8] = b"GET /-/up/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// How the bytes are handed to the kernel.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Whole,
    ByteByByte,
}

/// Sends `bytes` whole and byte by byte, each time on a connection of its own and with a smuggled
/// request behind them; checks that one of `statuses` comes, that nothing more comes, and that the
/// connection is closed. Says nothing about the upstream: that is the caller's part.
pub(super) async fn assert_refused_and_closed(gateway: &Gateway, name: &str, bytes: &[u8], statuses: &[u16]) {
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        let mut client = gateway.connect().await;
        deliver(&mut client, delivery, &[bytes, SMUGGLED].concat()).await;
        let response = client.read_response().await;
        let response = response.unwrap_or_else(|error| panic!("{name}, {delivery:?}: {error}"));
        assert!(
            statuses.contains(&response.status()),
            "{name}, {delivery:?}: {} {}",
            response.status(),
            response.text()
        );
        assert!(!response.gateway_reason().is_empty(), "{name}, {delivery:?}: not refused by the gateway");
        client.expect_closed().await;
    }
}

/// As [`assert_refused_and_closed`], for bytes so far from HTTP that no answer is fine too.
pub(super) async fn assert_refused_or_closed(gateway: &Gateway, name: &str, bytes: &[u8], statuses: &[u16]) {
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        let mut client = gateway.connect().await;
        deliver(&mut client, delivery, &[bytes, SMUGGLED].concat()).await;
        match client.read_response().await {
            Ok(response) => {
                assert!(statuses.contains(&response.status()), "{name}, {delivery:?}: {response:?}");
            }
            Err(ResponseError::Closed | ResponseError::Io(_)) => continue,
            Err(error) => panic!("{name}, {delivery:?}: {error}"),
        }
        client.expect_closed().await;
    }
}

/// Checks that the gateway still serves, and that this request is the only one the upstream ever saw.
pub(super) async fn assert_nothing_leaked(gateway: &Gateway, upstream: &Upstream) {
    assert!(upstream.ledger.is_untouched(), "{:#?}", upstream.ledger.requests());
    let response: Response = gateway.get("/-/up/after").await;
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.ledger.only_request().head.target, "/after");
}

/// The gateway may hang up before the last byte was sent: that is a refusal too.
async fn deliver(client: &mut RawClient, delivery: Delivery, bytes: &[u8]) {
    let _sent: std::io::Result<()> = match delivery {
        Delivery::Whole => client.send(bytes).await,
        Delivery::ByteByByte => client.send_byte_by_byte(bytes).await,
    };
}
