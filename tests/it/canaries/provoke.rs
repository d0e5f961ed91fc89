//! Every endpoint of the control plane, asked wrongly in every way.

use super::witness::Witness;
use gate_testkit::Gateway;
use serde_json::{Value, json};

/// The routes as the control plane lists them, so that a new one is asked as well.
const ROUTER: &str = include_str!("../../../crates/gate-admin/src/router.rs");

const COLLECTIONS: [&str; 4] = ["users", "_superusers", "_proxies", "_secrets"];

/// What can be named in a path, and who asks.
pub(super) struct Provocation<'a> {
    /// A record of each of [`COLLECTIONS`] that may come to harm.
    pub(super) records: [String; 4],
    /// A secret that may come to harm.
    pub(super) secret: &'a str,
    /// Of a guest, a user and a superuser.
    pub(super) authorizations: [String; 3],
    /// What must not come back.
    pub(super) canary: &'a str,
}

impl Provocation<'_> {
    /// Asks everything of everybody; returns how many answers there were.
    pub(super) async fn run(&self, gateway: &Gateway, witness: &Witness) -> usize {
        let mut client = gateway.connect().await;
        let bodies = bodies(self.canary);
        let canary = self.canary;
        let cookie = format!("Cookie: session={canary}");
        let referer = format!("Referer: https://app.example/?token={canary}");
        let mut answers = 0;
        for (method, target) in self.requests() {
            let target = format!("{target}?token={canary}&password={canary}");
            let bodies = if matches!(method, "GET" | "DELETE") { &bodies[..1] } else { &bodies };
            for authorization in &self.authorizations {
                for (content_type, body) in bodies {
                    let lines = [authorization, *content_type, &cookie, &referer];
                    let response = witness.ask_on(&mut client, method, &target, &lines, body).await;
                    assert!(response.status() < 500 || response.status() == 503, "{method} {target}");
                    if response.header("connection") == Some("close") {
                        client = gateway.connect().await;
                    }
                    answers += 1;
                }
            }
        }
        answers
    }

    /// Each route with each method, in each collection.
    fn requests(&self) -> Vec<(&'static str, String)> {
        let mut requests = Vec::new();
        for route in routes() {
            // What is no record is about accounts.
            let collections = if route.contains("/records") { COLLECTIONS.len() } else { 2 };
            for (collection, record) in COLLECTIONS.iter().zip(&self.records).take(collections) {
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                    let (record, secret) = if method == "DELETE" {
                        ("unknown", "UNKNOWN")
                    } else {
                        (record.as_str(), self.secret)
                    };
                    let target = route.replace("{collection}", collection).replace("{id}", record);
                    requests.push((method, target.replace("{key}", secret)));
                }
            }
        }
        requests.sort();
        requests.dedup();
        // A stream without an end, and the end of the evidence.
        requests.retain(|(method, target)| {
            !matches!((*method, target.as_str()), ("GET", "/api/realtime") | ("DELETE", "/api/logs"))
        });
        requests
    }
}

fn routes() -> Vec<&'static str> {
    let (listed, _) = ROUTER.split_once(".fallback(").expect("the routes end with a fallback");
    let routes: Vec<_> =
        listed.split('"').filter(|text| text.starts_with("/api/") || *text == "/_/").collect();
    assert!(routes.len() > 30, "{routes:?}");
    routes
}

/// Bodies that are wrong, with their `Content-Type`.
fn bodies(canary: &str) -> Vec<(&'static str, Vec<u8>)> {
    const JSON: &str = "Content-Type: application/json";
    let wrong_types = wrong_types(canary).to_string();
    let wrong_values = wrong_values(canary).to_string();
    let form = format!("password={canary}&passwordConfirm=x{canary}&value={canary}&token={canary}");
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n{{\"password\":\"{canary}\",\r\n\
         --x\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\n{canary}\r\n--x--\r\n"
    );
    let bodies = [
        (JSON, wrong_types.clone()),
        (JSON, wrong_values),
        (JSON, wrong_types.replacen(':', ",", 1)),
        ("Content-Type: application/x-www-form-urlencoded", form),
        ("Content-Type: multipart/form-data; boundary=x", multipart),
        ("Content-Type: text/plain", canary.to_owned()),
    ];
    bodies.into_iter().map(|(content_type, body)| (content_type, body.into_bytes())).collect()
}

fn wrong_types(canary: &str) -> Value {
    json!({
        "key": {"a": 1}, "value": [{"a": canary}], "env": [], "token": {"a": canary}, "identity": {"a": canary},
        "password": {"a": canary}, "passwordConfirm": [canary], "oldPassword": [canary],
        "headers": {"Authorization": {"a": canary}}, "upstream": {"a": canary}, "path": [], "timeout": {"a": canary},
        "requests": {"a": canary}, "clientId": {"a": canary}, "duration": [canary], "smtp": {"port": canary},
        "rateLimits": {"rules": [canary]}, "method": {"a": canary},
    })
}

fn wrong_values(canary: &str) -> Value {
    let user = json!({"email": "nobody", "password": canary, "passwordConfirm": "another one"});
    let users = "/api/collections/users/records";
    json!({
        "key": "1 is no key", "value": canary, "token": canary, "identity": "nobody@example.com", "email": "nobody",
        "password": canary, "passwordConfirm": "another one", "oldPassword": canary,
        "headers": {"Content-Length": canary}, "upstream": format!("ftp://user:{canary}@host/?key={canary}"),
        "path": "/api/x", "accessRule": format!("'{canary}"), "timeout": -1, "duration": -1,
        "requests": [{"method": "POST", "url": users, "body": user}], "clientId": canary,
        "smtp": {"enabled": true, "password": canary}, "s3": {"enabled": true, "secret": canary},
    })
}
