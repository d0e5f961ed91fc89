//! Somebody who administers a gateway over its own API.

use gate_testkit::{Gateway, Response};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The superuser of a gateway, made with the link it prints at its first start.
pub(crate) struct Administrator<'a> {
    gateway: &'a Gateway,
    pub(crate) token: String,
}

/// An account that is no superuser.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl<'a> Administrator<'a> {
    pub(crate) async fn of(gateway: &'a Gateway) -> Self {
        let link = gateway.logged(|line| line.field("link").contains("/setup/")).await.field("link");
        let (_, setup_token) = link.rsplit_once('/').unwrap();
        let body = json!({
            "token": setup_token, "email": "root@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD,
        });
        let login = call(gateway, "POST", "/api/gateway/setup", None, &body).await;
        assert_eq!(login.status(), 200, "{}", login.text());
        Administrator { gateway, token: login.json()["token"].as_str().unwrap().to_owned() }
    }

    /// Calls the API.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        call(self.gateway, method, path, Some(&self.token), body).await
    }

    /// The same, where success alone will do.
    pub(crate) async fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.call(method, path, body).await;
        assert!(matches!(response.status(), 200 | 204), "{}", response.text());
        if response.status() == 204 { Value::Null } else { response.json() }
    }

    /// Makes a proxy and returns its record.
    pub(crate) async fn proxy(&self, record: Value) -> Value {
        self.must("POST", "/api/collections/_proxies/records", &record).await
    }

    /// Makes a user with a name and logs them in.
    pub(crate) async fn user(&self, name: &str) -> User {
        let email = format!("{}@example.com", rand::random::<u64>());
        let account =
            json!({"email": email, "name": name, "password": PASSWORD, "passwordConfirm": PASSWORD});
        self.must("POST", "/api/collections/users/records", &account).await;
        let login = json!({"identity": email, "password": PASSWORD});
        let login = self.must("POST", "/api/collections/users/auth-with-password", &login).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        User { id: text(&login["record"]["id"]), token: text(&login["token"]) }
    }
}

/// Calls the API as whoever has the token.
pub(crate) async fn call(
    gateway: &Gateway,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Response {
    let mut lines = vec!["Content-Type: application/json".to_owned()];
    lines.extend(token.map(|token| format!("Authorization: {token}")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    gateway.connect().await.request(method, path, &lines, body.to_string().as_bytes()).await
}
