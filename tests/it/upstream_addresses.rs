//! Which addresses an upstream may have (robustness table G): where it is typed, and where it is connected to.

use crate::administrator::Administrator;
use crate::setup::assert_refused;
use gate_testkit::{Echo, Gateway, Proxy, Upstream};
use serde_json::json;

#[tokio::test]
async fn metadata_and_link_local_addresses_are_refused_at_save() {
    let gateway = Gateway::start([]).await;
    for upstream in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]",
        "http://[::ffff:169.254.169.254]",
        "http://[fd00:ec2::254]",
        "http://100.100.100.200",
        "http://0.0.0.0:80",
        "http://2852039166",
        "http://0xa9fea9fe",
    ] {
        let flags = ["add", "--path", "/-/x", "--upstream", upstream];
        let refused = gateway.proxies(flags).await;
        assert_eq!(refused.code, Some(1), "{upstream}: {refused:#?}");
        assert!(refused.stderr.contains("upstream"), "{upstream}: {refused:#?}");
    }
}

#[tokio::test]
async fn private_addresses_are_refused_at_connect_where_the_operator_wants_that() {
    let upstream = Upstream::start(Echo).await;
    let by_name = upstream.url().replace("127.0.0.1", "localhost");
    let proxies = [Proxy::new("/-/address", &upstream.url()), Proxy::new("/-/name", &by_name)];
    let gateway = Gateway::builder().proxies(proxies).arguments(["--block-private-upstreams"]).start().await;
    for path in ["/-/address", "/-/name"] {
        assert_refused(&gateway.get(path).await, 500, "upstream_forbidden");
    }
    assert!(upstream.ledger.is_untouched());
    assert_eq!(
        gateway.get("/api/health").await.status(),
        200,
        "our own control plane is no upstream of anybody"
    );
}

#[tokio::test]
async fn private_addresses_are_refused_at_save_where_the_operator_wants_that() {
    let earlier = Proxy::new("/-/earlier", "http://10.0.0.1");
    let gateway = Gateway::builder().proxy(earlier).arguments(["--block-private-upstreams"]).start().await;
    let administrator = Administrator::of(&gateway).await;
    let records = "/api/collections/_proxies/records";
    for upstream in ["http://127.0.0.1:8001", "http://10.0.0.1", "http://[::1]", "http://[::ffff:10.0.0.1]"] {
        let record = json!({"path": "/-/x", "upstream": upstream});
        let refused = administrator.call("POST", records, &record).await;
        assert_eq!(refused.status(), 400, "{upstream}: {}", refused.text());
        let message =
            "Must be a valid url: it is a private address, which --block-private-upstreams refuses.";
        assert_eq!(
            refused.json()["data"],
            json!({"upstream": {"code": "validation_invalid_url", "message": message}}),
            "{upstream}"
        );
    }
    let listed = administrator.must("GET", records, &json!(null)).await;
    let earlier = format!("{records}/{}", listed["items"][0]["id"].as_str().unwrap());
    administrator.must("PATCH", &earlier, &json!({"active": false})).await;
    let refused = administrator.call("PATCH", &earlier, &json!({"upstream": "http://10.0.0.2"})).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
}

#[tokio::test]
async fn a_trial_before_a_save_dials_no_address_that_the_data_plane_would_not() {
    let upstream = Upstream::start(Echo).await;
    let by_name = upstream.url().replace("127.0.0.1", "localhost");
    let gateway = Gateway::builder().arguments(["--block-private-upstreams"]).start().await;
    let administrator = Administrator::of(&gateway).await;
    let record = json!({"path": "/-/x", "upstream": by_name, "accessRule": "true"});
    let question = json!({"path": "/-/x", "proxy": record, "dial": true});
    let explained = administrator.must("POST", "/api/gateway/explain", &question).await;
    assert_eq!(explained["dial"]["error"]["reason"], "upstream_forbidden", "{explained}");
    assert_eq!(explained["dial"]["tcp_ms"], json!(null));
    assert!(upstream.ledger.is_untouched());
}
