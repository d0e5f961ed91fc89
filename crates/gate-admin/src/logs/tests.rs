//! The log over HTTP.

use crate::request_log::log_forwarded;
use crate::testing::{SUPERUSER, Server, USER};
use gate_telemetry::access_log::AccessEntry;
use gate_telemetry::{Reason, RequestId};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use tokio::time::{sleep, timeout};

/// The lines of the log that satisfy a filter, once there are so many.
async fn lines(server: &Server, query: &str, expected: usize) -> Vec<Value> {
    let page = async {
        loop {
            let page = server.request("GET", &format!("/api/logs?{query}"), SUPERUSER).await.json();
            let items = page["items"].as_array().unwrap().clone();
            if items.len() >= expected {
                return items;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), page).await.expect("the lines in time")
}

#[tokio::test]
async fn a_request_is_logged_as_pocketbase_logs_it() {
    let server = Server::start().await;
    let fields = format!(
        "{USER}User-Agent: test\r\nReferer: http://x/?token=t\r\nX-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n"
    );
    server.request("GET", "/api/unknown?token=canary&a=1", &fields).await;
    let line = lines(&server, "filter=data.status=404", 1).await.remove(0);
    assert_eq!(line["message"], "GET /api/unknown?token=***&a=1");
    assert_eq!(line["level"], 8);
    let mut data = line["data"].clone();
    assert!(data["execTime"].is_number());
    data["execTime"] = json!(0);
    let expected = json!({
        "type": "request", "method": "GET", "url": "/api/unknown?token=***&a=1", "status": 404, "execTime": 0,
        "referer": "http://x/?token=***", "userAgent": "test", "auth": "users", "userIP": "192.0.2.9",
        "remoteIP": "192.0.2.1", "error": "The requested resource wasn't found.", "details": "",
    });
    assert_eq!(data, expected);
    let id = line["id"].as_str().unwrap();
    assert_eq!(server.request("GET", &format!("/api/logs/{id}"), SUPERUSER).await.json(), line);
}

#[tokio::test]
async fn h28_tokens_in_a_url_are_masked() {
    let server = Server::start().await;
    let target = "/api/unknown?TOKEN=abc=d&%74oken=e&keys=1&token";
    server.request("GET", target, "Referer: https://h/p?key=k&keys=1#token=t\r\n").await;
    let line = lines(&server, "filter=data.status=404", 1).await.remove(0);
    assert_eq!(line["data"]["url"], "/api/unknown?TOKEN=***&%74oken=***&keys=1&token");
    assert_eq!(line["data"]["referer"], "https://h/p?key=***&keys=1");
}

/// Somebody was sent away from the proxy AI.
fn refused(server: &Server) -> impl Fn(&str) {
    let take = log_forwarded(server.services.settings.clone(), server.services.request_log.clone());
    move |request_id| {
        take(&AccessEntry {
            time: SystemTime::now(),
            request_id: RequestId::parse(request_id.as_bytes()).unwrap(),
            trace: None,
            proxy: "AI",
            proxy_id: "abcdefghijklmno",
            method: b"POST",
            target: b"/-/ai/chat?key=***",
            status: 502,
            reason: Reason::UpstreamConnect,
            identity: Some(("usr000000000001", "users")),
            client: [192, 0, 2, 1].into(),
            upstream: Some(([127, 0, 0, 1], 8001).into()),
            reused: false,
            attempts: 2,
            queue: Duration::ZERO,
            connect: Duration::from_micros(1500),
            first_byte: None,
            upstream_latency: None,
            own: Duration::from_micros(87),
            total: Duration::from_micros(1600),
            received: 100,
            sent: 0,
            events: 0,
            breaker: "closed",
            concurrent: 1,
            would_refuse: None,
            cause: Some(&"upstream_connect: connection refused"),
        });
    }
}

#[tokio::test]
async fn a_request_that_was_forwarded_is_logged_as_well() {
    let server = Server::start().await;
    refused(&server)("first");
    let line =
        lines(&server, "filter=data.proxy='AI'%26%26data.reason='upstream_connect'", 1).await.remove(0);
    assert_eq!((&line["message"], &line["level"]), (&json!("POST /-/ai/chat?key=***"), &json!(8)));
    let expected = json!({
        "type": "request", "method": "POST", "url": "/-/ai/chat?key=***", "status": 502, "execTime": 1.6,
        "auth": "users", "userIP": "192.0.2.1", "error": "The upstream service could not be reached.",
        "details": "upstream_connect: connection refused", "side": "upstream", "request_id": "first", "trace_id": null, "proxy": "AI",
        "proxy_id": "abcdefghijklmno", "reason": "upstream_connect", "upstream": "127.0.0.1:8001", "reused": false,
        "attempts": 2, "queue_ms": 0.0, "connect_ms": 1.5, "first_byte_ms": null, "upstream_latency_ms": null,
        "proxy_latency_ms": 0.087, "bytes_received": 100, "bytes_sent": 0, "events": 0, "breaker": "closed",
        "concurrent": 1, "would_refuse": null,
    });
    assert_eq!(line["data"], expected);
}

#[tokio::test]
async fn the_settings_say_what_is_logged_of_forwarded_requests() {
    let server = Server::start().await;
    let refused = refused(&server);
    let set =
        async |logs: Value| server.send("PATCH", "/api/settings", SUPERUSER, &json!({"logs": logs})).await;
    set(json!({"maxDays": 0})).await;
    refused("silent");
    set(json!({"maxDays": 5, "minLevel": 9})).await;
    refused("unimportant");
    set(json!({"minLevel": 8, "logIP": false, "logAuthId": true})).await;
    refused("logged");
    let found = lines(&server, "filter=data.proxy='AI'", 1).await;
    assert_eq!((found.len(), &found[0]["data"]["request_id"]), (1, &json!("logged")));
    assert_eq!(
        (found[0]["data"].get("userIP"), &found[0]["data"]["authId"]),
        (None, &json!("usr000000000001"))
    );
}

#[tokio::test]
async fn lines_are_filtered_sorted_counted_and_deleted() {
    let server = Server::start().await;
    for number in 0..3 {
        server.request("GET", &format!("/api/health?n={number}"), "").await;
    }
    let filter = "filter=message~'GET%20/api/health'%26%26level=0";
    let newest_first = lines(&server, &format!("{filter}&sort=-@rowid"), 3).await;
    let urls: Vec<_> = newest_first.iter().map(|line| line["data"]["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["/api/health?n=2", "/api/health?n=1", "/api/health?n=0"]);
    let stats = server.request("GET", &format!("/api/logs/stats?{filter}"), SUPERUSER).await.json();
    let total: u64 = stats.as_array().unwrap().iter().map(|hour| hour["total"].as_u64().unwrap()).sum();
    assert_eq!(total, 3);
    assert!(stats[0]["date"].as_str().unwrap().ends_with(":00:00.000Z"));
    assert_eq!(server.request("DELETE", "/api/logs", SUPERUSER).await.status, 204);
    let left = server.request("GET", &format!("/api/logs?{filter}"), SUPERUSER).await.json();
    assert_eq!((&left["items"], &left["totalItems"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn a_filter_that_is_none_is_a_400() {
    let server = Server::start().await;
    for (target, message) in [
        ("/api/logs?filter=level%3D", "Something went wrong while processing your request."),
        ("/api/logs?filter=unknown=1", "Something went wrong while processing your request."),
        ("/api/logs?sort=unknown", "Something went wrong while processing your request."),
        ("/api/logs/stats?filter=level%3D", "Invalid filter format."),
    ] {
        let answer = server.request("GET", target, SUPERUSER).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (400, Some(message)), "{target}");
    }
}

#[tokio::test]
async fn the_settings_say_what_is_logged() {
    let server = Server::start().await;
    let part = json!({"logs": {"logIP": false, "logAuthId": true, "minLevel": 8}});
    server.send("PATCH", "/api/settings", SUPERUSER, &part).await;
    server.request("GET", "/api/health?quiet", "").await;
    server.request("GET", "/api/unknown", SUPERUSER).await;
    let line = lines(&server, "filter=level=8", 1).await.remove(0);
    assert_eq!((&line["data"]["authId"], line["data"].get("userIP")), (&json!("su0000000000001"), None));
    let quiet = server.request("GET", "/api/logs?filter=data.url~'quiet'", SUPERUSER).await.json();
    assert_eq!(quiet["totalItems"], 0);
    server.send("PATCH", "/api/settings", SUPERUSER, &json!({"logs": {"maxDays": 0}})).await;
    server.request("GET", "/api/silent", "").await;
    server.send("PATCH", "/api/settings", SUPERUSER, &json!({"logs": {"maxDays": 5}})).await;
    server.request("GET", "/api/loud", "").await;
    lines(&server, "filter=data.url='/api/loud'", 1).await;
    let silent = server.request("GET", "/api/logs?filter=data.url='/api/silent'", SUPERUSER).await.json();
    assert_eq!(silent["totalItems"], 0);
}

#[tokio::test]
async fn cleaning_up_keeps_what_is_new() {
    let server = Server::start().await;
    server.request("GET", "/api/health", "").await;
    lines(&server, "filter=data.url='/api/health'", 1).await;
    assert_eq!(server.request("POST", "/api/crons/__pbLogsCleanup__", SUPERUSER).await.status, 204);
    lines(&server, "filter=data.url='/api/health'", 1).await;
    assert!(server.services.request_log.keep_days(0).await.unwrap() > 0);
}
