//! `GET /api/health`: whether the control plane answers (contract §1.11).

use crate::caller::Caller;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::json::Json;
use http::HeaderMap;
use serde::Serialize;

/// The success body of the one PocketBase endpoint that says `code` instead of `status`.
#[derive(Serialize)]
pub(crate) struct Health {
    message: &'static str,
    code: u16,
    data: Details,
}

/// What superusers learn beyond "healthy".
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    can_backup: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    possible_proxy_header: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "realIP")]
    real_ip: Option<String>,
}

/// Answers as long as this process runs; superusers learn how the gateway sees them.
pub(crate) async fn check(
    caller: Result<Caller, ApiError>,
    address: ClientAddress,
    headers: HeaderMap,
) -> Json<Health> {
    let is_superuser = caller.is_ok_and(|caller| caller.superuser().is_ok());
    let data = if is_superuser { Details::of(address, &headers) } else { Details::default() };
    Json(Health { message: "API is healthy.", code: 200, data })
}

impl Details {
    fn of(address: ClientAddress, headers: &HeaderMap) -> Self {
        let mut known = PROXY_HEADERS.into_iter();
        Details {
            can_backup: Some(true),
            real_ip: Some(address.real),
            possible_proxy_header: Some(known.find(|name| headers.contains_key(*name)).unwrap_or_default()),
        }
    }
}

/// Fields that proxies of this world put the client's address into. `X-Forwarded-For` always comes from the data plane.
const PROXY_HEADERS: [&str; 3] = ["CF-Connecting-IP", "Fly-Client-IP", "X-Real-IP"];

#[cfg(test)]
mod tests {
    use crate::testing::{SUPERUSER, USER, request};

    #[tokio::test]
    async fn health_has_pocketbases_public_shape() {
        for caller in ["", USER, "Authorization: no token\r\n"] {
            let answer = request("GET", "/api/health", caller).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.field("content-type"), Some("application/json"));
            assert_eq!(answer.body, concat!(r#"{"message":"API is healthy.","code":200,"data":{}}"#, "\n"));
        }
    }

    #[tokio::test]
    async fn superusers_learn_how_the_gateway_sees_them() {
        let fields = format!("{SUPERUSER}X-Forwarded-For: 203.0.113.9, 127.0.0.1\r\nFly-Client-IP: x\r\n");
        let expected = serde_json::json!(
            {"canBackup": true, "realIP": "203.0.113.9", "possibleProxyHeader": "Fly-Client-IP"}
        );
        assert_eq!(request("GET", "/api/health", &fields).await.json()["data"], expected);
    }

    #[tokio::test]
    async fn head_of_health_has_the_length_of_the_body_and_no_body() {
        let answer = request("HEAD", "/api/health?x=1", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.field("content-length"), Some("51"));
    }
}
