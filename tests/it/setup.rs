//! What most tests start from, and what every refusal must look like.

use gate_testkit::{Behaviour, Echo, Gateway, Proxy, Response, Upstream};

/// A gateway with one public proxy, `/-/up`, in front of an upstream of that behaviour.
pub(crate) async fn in_front_of(behaviour: impl Behaviour) -> (Gateway, Upstream) {
    let upstream = Upstream::start(behaviour).await;
    let gateway = Gateway::start([Proxy::new("/-/up", &upstream.url())]).await;
    (gateway, upstream)
}

/// A gateway with one public proxy, `/-/up`, in front of an upstream that echoes.
pub(crate) async fn in_front_of_echo() -> (Gateway, Upstream) {
    in_front_of(Echo).await
}

/// Checks a refusal of the gateway itself: status, reason, and the body and fields of contract D-4.
#[track_caller]
pub(crate) fn assert_refused(response: &Response, status: u16, reason: &str) {
    assert_eq!((response.status(), response.gateway_reason()), (status, reason), "{}", response.text());
    assert_refusal_shape(response);
}

/// Checks the superset body of contract D-4, whatever the reason.
#[track_caller]
pub(crate) fn assert_refusal_shape(response: &Response) {
    let body = response.json();
    assert_eq!(body["status"], response.status(), "{body}");
    for member in ["message", "error", "details"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {body}");
    }
    assert!(body["data"].is_object(), "{body}");
    assert!(response.header("content-type").is_some_and(|value| value.starts_with("application/json")));
    assert!(response.header("x-request-id").is_some_and(|id| !id.is_empty()), "{response:?}");
    assert!(!response.text().contains("127.0.0.1"), "an internal address leaks: {body}");
}
