//! Rows to work with.

use gate_store::{Change, ProxyRow, Store, StoreError};

/// A row in which every field differs from its default.
pub(crate) fn full(number: usize) -> ProxyRow {
    ProxyRow {
        name: format!("Proxy {number} ü"),
        description: "line one\nline two".to_owned(),
        active: false,
        strip_path: false,
        access_rule: "true".to_owned(),
        timeout: 12.5,
        max_concurrent: 10,
        forward_auth: true,
        forward_encoding: true,
        forward_preflight: true,
        headers: Some(r#"{"Authorization":"Bearer {env.KEY}"}"#.to_owned()),
        circuit_breaker: Some(r#"{"enabled":true}"#.to_owned()),
        timeout_config: Some(r#"{"dial":3}"#.to_owned()),
        queue_config: Some(r#"{"max_waiting":3}"#.to_owned()),
        limits: Some(r#"{"per_ip":3}"#.to_owned()),
        rate_limit: Some(r#"{"requests":3}"#.to_owned()),
        retry_config: Some(r#"{"attempts":3}"#.to_owned()),
        ..plain(number)
    }
}

/// A row with nothing but what it needs.
pub(crate) fn plain(number: usize) -> ProxyRow {
    ProxyRow {
        id: format!("proxy{number:010}"),
        created: "2026-01-01 10:00:00.000Z".to_owned(),
        updated: "2026-01-01 10:00:00.000Z".to_owned(),
        path: format!("/-/proxy{number}"),
        upstream: "http://127.0.0.1:8001".to_owned(),
        name: String::new(),
        description: String::new(),
        active: true,
        strip_path: true,
        access_rule: String::new(),
        timeout: 30.0,
        max_concurrent: 0,
        forward_auth: false,
        forward_encoding: false,
        forward_preflight: false,
        headers: None,
        circuit_breaker: None,
        timeout_config: None,
        queue_config: None,
        limits: None,
        rate_limit: None,
        retry_config: None,
    }
}

pub(crate) async fn insert(store: &Store, row: &ProxyRow) -> Result<(), StoreError> {
    store.apply(&[Change::Insert(row.clone())]).await
}

pub(crate) async fn update(store: &Store, row: &ProxyRow, expected: Option<&str>) -> Result<(), StoreError> {
    let expected_updated = expected.map(str::to_owned);
    store.apply(&[Change::Update { row: row.clone(), expected_updated }]).await
}

pub(crate) async fn delete(store: &Store, row: &ProxyRow) -> Result<(), StoreError> {
    store.apply(&[Change::Delete { id: row.id.clone() }]).await
}
