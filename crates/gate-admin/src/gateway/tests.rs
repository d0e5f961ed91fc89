//! How proxies are, and what superusers do to their breakers.

use crate::testing::{Answer, SUPERUSER, Server};
use gate_snapshot::Proxy;
use gate_traffic::{Admission, CallerKey, Slot};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// Makes a proxy; returns its id.
async fn make(server: &Server, path: &str, more: Value) -> String {
    let mut proxy = json!({"path": path, "upstream": "http://127.0.0.1:9", "name": path});
    proxy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = server.send("POST", "/api/collections/_proxies/records", SUPERUSER, &proxy).await;
    assert_eq!(made.status, 200, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn status(server: &Server) -> Value {
    let answer = server.request("GET", "/api/gateway/status", SUPERUSER).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["proxies"].clone()
}

async fn act(server: &Server, id: &str, body: Value) -> Answer {
    server.send("POST", &format!("/api/gateway/proxies/{id}/breaker"), SUPERUSER, &body).await
}

fn compiled(server: &Server, id: &str) -> Arc<Proxy> {
    let snapshot = server.published.load();
    Arc::clone(snapshot.routes().proxies().iter().find(|proxy| *proxy.id == *id).unwrap())
}

fn admit(proxy: &Proxy) -> Option<Slot> {
    match proxy.traffic.limiter.admit(|| CallerKey::Everyone, Instant::now()) {
        Admission::Admitted(slot) => Some(slot),
        Admission::Waiting(_) | Admission::Refused(_) => None,
    }
}

#[tokio::test]
async fn every_proxy_is_shown_as_it_is() {
    let server = Server::start().await;
    assert_eq!(status(&server).await, json!([]));
    let id = make(&server, "/-/a", json!({"maxConcurrent": 2, "circuitBreaker": {"enabled": true}})).await;
    make(&server, "/-/off", json!({"active": false})).await;
    let slot = admit(&compiled(&server, &id));
    let shown = status(&server).await;
    let nobody = json!({"queue": 0, "limits": 0, "rate": 0});
    assert_eq!(
        shown[0],
        json!({
            "id": id, "name": "/-/a", "path": "/-/a", "active": true, "in_flight": 1, "limit": 2, "waiting": 0,
            "breaker": {"state": "closed", "consecutive_failures": 0, "until_probe": null, "probes": 0, "trips": 0},
            "last_minute": {"requests_per_second": 0, "errors_per_second": 0, "p50_ms": null, "p95_ms": null, "p99_ms": null},
            "last_failures": [], "dry_run": nobody,
        })
    );
    assert_eq!((&shown[1]["active"], &shown[1]["breaker"]["state"]), (&json!(false), &json!("disabled")));
    drop(slot);
    assert_eq!(status(&server).await[0]["in_flight"], 0);
}

#[tokio::test]
async fn whom_a_dry_run_lets_through_is_counted() {
    let server = Server::start().await;
    let held = json!({
        "maxConcurrent": 1, "queueConfig": {"dry_run": true}, "limits": {"per_ip": 1, "dry_run": true},
        "rateLimit": {"requests": 1, "dry_run": true},
    });
    let id = make(&server, "/-/a", held).await;
    let proxy = compiled(&server, &id);
    let address = [192, 0, 2, 1].into();
    let _slots = [admit(&proxy).unwrap(), admit(&proxy).unwrap()];
    let callers = || proxy.traffic.callers.admit(&CallerKey::address(address), address);
    let _held = callers().unwrap();
    assert!(callers().is_err());
    for _ in 0..4 {
        proxy.traffic.rate.take(&CallerKey::Everyone, Instant::now());
    }
    let shown = status(&server).await;
    assert_eq!(shown[0]["dry_run"], json!({"queue": 1, "limits": 1, "rate": 3}));
}

#[tokio::test]
async fn a_breaker_is_tripped_and_reset_by_hand() {
    let server = Server::start().await;
    let id =
        make(&server, "/-/a", json!({"circuitBreaker": {"enabled": true, "recovery_timeout": 60}})).await;
    let proxy = compiled(&server, &id);
    let tripped = act(&server, &id, json!({"action": "trip"})).await;
    assert_eq!(tripped.status, 200, "{}", tripped.body);
    let breaker = tripped.json()["breaker"].clone();
    assert_eq!((&breaker["state"], &breaker["trips"]), (&json!("open"), &json!(1)));
    let wait = breaker["until_probe"].as_f64().unwrap();
    assert!((50.0..=70.0).contains(&wait), "{wait}");
    assert!(proxy.traffic.breaker.look(Instant::now()).is_err(), "requests are refused");
    assert_eq!(status(&server).await[0]["breaker"]["state"], "open");
    let reset = act(&server, &id, json!({"action": "reset"})).await;
    assert_eq!(reset.json()["breaker"]["state"], "closed");
    assert!(proxy.traffic.breaker.look(Instant::now()).is_ok());
}

#[tokio::test]
async fn d12_a_tripped_breaker_stays_open_when_its_proxy_is_edited() {
    let server = Server::start().await;
    let id = make(&server, "/-/a", json!({"circuitBreaker": {"enabled": true}})).await;
    act(&server, &id, json!({"action": "trip"})).await;
    let target = format!("/api/collections/_proxies/records/{id}");
    let edited = server.send("PATCH", &target, SUPERUSER, &json!({"name": "other"})).await;
    assert_eq!(edited.status, 200);
    let shown = status(&server).await;
    assert_eq!((&shown[0]["name"], &shown[0]["breaker"]["state"]), (&json!("other"), &json!("open")));
}

#[tokio::test]
async fn what_is_no_action_is_400_and_no_proxy_404() {
    let server = Server::start().await;
    let id = make(&server, "/-/a", json!({"circuitBreaker": {"enabled": true}})).await;
    for (body, code) in [
        (json!({}), "validation_required"),
        (json!({"action": null}), "validation_required"),
        (json!({"action": "open"}), "validation_invalid_value"),
        (json!({"action": 1}), "validation_invalid_value"),
    ] {
        let answer = act(&server, &id, body.clone()).await;
        assert_eq!((answer.status, &answer.json()["data"]["action"]["code"]), (400, &json!(code)), "{body}");
    }
    assert_eq!(status(&server).await[0]["breaker"]["trips"], 0);
    assert_eq!(act(&server, "unknown", json!({"action": "trip"})).await.status, 404);
    let without = make(&server, "/-/b", json!({})).await;
    let answer = act(&server, &without, json!({"action": "trip"})).await;
    let message = "The proxy has no circuit breaker that is enabled.";
    assert_eq!((answer.status, &answer.json()["data"]["action"]["message"]), (400, &json!(message)));
}
