//! Contract §1.2: pages, orders and filters.

use crate::testing::{SUPERUSER, Scenario, Server, USER, check_all};
use serde_json::{Value, json};

const RECORDS: &str = "/api/collections/_proxies/records";

/// A server with proxies `/-/p00`, `/-/p01`, …; their `maxConcurrent` is their number, every second one is active.
async fn with_proxies(count: usize) -> Server {
    let server = Server::start().await;
    for first in (0..count).step_by(50) {
        let proxy = |number: usize| {
            json!({
                "method": "POST", "url": RECORDS,
                "body": {
                    "path": format!("/-/p{number:02}"), "upstream": "http://a", "name": format!("Proxy {number}"),
                    "maxConcurrent": number, "active": number.is_multiple_of(2),
                },
            })
        };
        let requests: Vec<Value> = (first..count.min(first + 50)).map(proxy).collect();
        let answer = server.send("POST", "/api/batch", SUPERUSER, &json!({"requests": requests})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    server
}

/// The paths in an answer, without what they have in common.
async fn paths(server: &Server, query: &str) -> Vec<String> {
    let answer = server.request("GET", &format!("{RECORDS}?{query}"), SUPERUSER).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let items = answer.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["path"].as_str().unwrap().trim_start_matches("/-/p").to_owned()).collect()
}

#[tokio::test]
async fn an_empty_list_has_pocketbases_shape() {
    let server = Server::start().await;
    let answer = server.request("GET", RECORDS, SUPERUSER).await;
    let expected = json!({"items": [], "page": 1, "perPage": 30, "totalItems": 0, "totalPages": 0});
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn r005_us1_ac1_r020_us7_ac1_45_records_come_in_pages() {
    let server = with_proxies(45).await;
    let list = |query: &str| format!("{RECORDS}?{query}");
    for (query, items, page, per_page, total, pages) in [
        ("", 30, 1, 30, 45, 2),
        ("page=2", 15, 2, 30, 45, 2),
        ("page=3", 0, 3, 30, 45, 2),
        ("page=-1&perPage=-5", 30, 1, 30, 45, 2),
        ("page=0&perPage=0", 30, 1, 30, 45, 2),
        ("perPage=2000", 45, 1, 1000, 45, 1),
        ("perPage=10&skipTotal=1", 10, 1, 10, -1, -1),
        ("perPage=10&skipTotal=T", 10, 1, 10, -1, -1),
        ("perPage=10&skipTotal=0", 10, 1, 10, 45, 5),
        ("perPage=10&filter=active%3Dtrue", 10, 1, 10, 23, 3),
        ("page=9223372036854775807&perPage=1000", 0, i64::MAX, 1000, 45, 1),
    ] {
        let answer = server.request("GET", &list(query), SUPERUSER).await.json();
        assert_eq!(answer["items"].as_array().unwrap().len(), items, "{query}");
        let numbers = [&answer["page"], &answer["perPage"], &answer["totalItems"], &answer["totalPages"]];
        assert_eq!(numbers.map(|number| number.as_i64().unwrap()), [page, per_page, total, pages], "{query}");
    }
}

#[tokio::test]
async fn records_are_ordered_as_asked_and_else_as_they_were_made() {
    let server = with_proxies(4).await;
    for (query, expected) in [
        ("", ["00", "01", "02", "03"]),
        ("sort=-path", ["03", "02", "01", "00"]),
        ("sort=%2Bpath", ["00", "01", "02", "03"]),
        ("sort=active,-maxConcurrent", ["03", "01", "02", "00"]),
        ("sort=-%40rowid", ["03", "02", "01", "00"]),
    ] {
        assert_eq!(paths(&server, query).await, expected, "{query}");
    }
    assert_eq!(paths(&server, "sort=%40random").await.len(), 4);
}

#[tokio::test]
async fn records_are_filtered_as_pocketbase_does() {
    let server = with_proxies(4).await;
    for (filter, expected) in [
        ("maxConcurrent%3E1", vec!["02", "03"]),
        ("maxConcurrent='2'", vec!["02"]),
        ("active=true%26%26path~'p0'", vec!["00", "02"]),
        ("active=false||path='/-/p00'", vec!["00", "01", "03"]),
        ("path~'%25p01'", vec!["01"]),
        ("headers=null", vec!["00", "01", "02", "03"]),
        ("name:lower='proxy%203'", vec!["03"]),
        ("@request.method='GET'", vec!["00", "01", "02", "03"]),
        ("@request.query.none!=''", vec![]),
    ] {
        assert_eq!(paths(&server, &format!("filter={filter}")).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_generic_400() {
    let server = with_proxies(1).await;
    let long_filter = format!("path='{}'", "a".repeat(3500));
    let many = ["path=''"; 201].join("%7C%7C");
    let sort = ["path"; 9].join(",");
    let mut queries: Vec<String> = [
        "page=abc",
        "perPage=1.5",
        "skipTotal=maybe",
        "sort=unknown",
        "sort=password",
        "sort=path%3B",
        "filter=unknown%3D1",
        "filter=path",
        "filter=path%3D",
        "filter=(path%3D'a'",
        "filter=@collection.users.id!=''",
        "filter=@unknown%3D1",
    ]
    .map(str::to_owned)
    .into();
    queries.extend([format!("filter={long_filter}"), format!("filter={many}"), format!("sort={sort}")]);
    for query in queries {
        let answer = server.request("GET", &format!("{RECORDS}?{query}"), SUPERUSER).await;
        let expected = json!({"data": {}, "message": "Something went wrong while processing your request.", "status": 400});
        assert_eq!(answer.json(), expected, "{query}");
    }
}

#[tokio::test]
async fn only_superusers_filter_by_the_request_and_by_hidden_fields() {
    let message = "Only superusers can filter by @request.";
    let generic = "Something went wrong while processing your request.";
    let scenarios = vec![
        Scenario::new(
            "in a filter",
            USER,
            "GET /api/collections/users/records?filter=@request.auth.id!=''",
            403,
        )
        .says(message),
        Scenario::new("in a text", USER, "GET /api/collections/users/records?filter=name='@request.'", 403)
            .says(message),
        Scenario::new("in an order", USER, "GET /api/collections/users/records?sort=@request.auth.id", 403)
            .says(message),
        Scenario::new(
            "of another",
            USER,
            "GET /api/collections/users/records?filter=@collection.x.id=''",
            403,
        )
        .says("Only superusers can filter by @collection."),
        Scenario::new("hidden", USER, "GET /api/collections/users/records?filter=tokenKey~'a'", 400)
            .says(generic),
        Scenario::new("hidden", USER, "GET /api/collections/users/records?sort=password", 400).says(generic),
        Scenario::new("d19", SUPERUSER, "GET /api/collections/users/records?filter=tokenKey~'a'", 400)
            .says(generic),
        Scenario::new("d19", SUPERUSER, "GET /api/collections/_secrets/records?filter=value~'a'", 400)
            .says(generic),
    ];
    check_all(&Server::start().await, scenarios).await;
}

#[tokio::test]
async fn a_list_rule_that_is_not_met_is_an_empty_list() {
    let server = Server::start().await;
    let body = json!({"email": "a@b.co", "password": "12345678", "passwordConfirm": "12345678"});
    let scenarios = vec![
        Scenario::new("sign up", "", "POST /api/collections/users/records", 200).body(body),
        Scenario::new("a guest", "", "GET /api/collections/users/records", 200)
            .has("items", json!([]))
            .has("totalItems", 0),
        Scenario::new("somebody else", USER, "GET /api/collections/users/records?filter=email~'a'", 200)
            .has("totalItems", 0),
        Scenario::new("a superuser", SUPERUSER, "GET /api/collections/users/records", 200)
            .has("totalItems", 1),
    ];
    check_all(&server, scenarios).await;
}
