//! Every route of the control plane, on one screen.

use crate::error::ApiError;
use crate::services::Shared;
use crate::{
    auth, backups, batch, caller, catch_panic, collections, cors, crons, fields_filter, finish, gateway,
    health, logs, page, rate_limit, realtime, records, request_id, request_log, secrets, security_headers,
    settings,
};
use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any};

/// The control plane: its routes inside its layers.
pub(crate) fn router(services: Shared) -> Router {
    layered(routes(), services)
}

fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/health", get(health::check))
        .route("/api/realtime", get(realtime::connect).post(realtime::subscribe))
        .route("/api/settings", get(settings::view).patch(settings::update))
        .route("/api/collections", get(collections::list).post(collections::refuse))
        .route("/api/collections/import", put(collections::refuse))
        .route("/api/collections/meta/dry-run-view", post(collections::refuse))
        .route("/api/collections/meta/oauth2-providers", get(collections::oauth2_providers))
        .route("/api/collections/meta/scaffolds", get(collections::scaffolds))
        .route(
            "/api/collections/{collection}",
            get(collections::view).patch(collections::refuse).delete(collections::refuse),
        )
        .route("/api/collections/{collection}/truncate", delete(collections::refuse))
        .route("/api/collections/{collection}/records", get(records::list).post(records::create))
        .route(
            "/api/collections/{collection}/records/{id}",
            get(records::view).patch(records::update).delete(records::delete),
        )
        .route("/api/batch", post(batch::send))
        .route("/api/collections/{collection}/auth-methods", get(auth::auth_methods))
        .route("/api/collections/{collection}/auth-with-password", post(auth::auth_with_password))
        .route("/api/collections/{collection}/auth-refresh", post(auth::auth_refresh))
        .route("/api/collections/{collection}/impersonate/{id}", post(auth::impersonate))
        .route("/api/collections/{collection}/auth-with-oauth2", post(auth::external_login))
        .route("/api/collections/{collection}/auth-with-otp", post(auth::one_time_password))
        .route("/api/collections/{collection}/request-otp", post(auth::one_time_password))
        .route("/api/collections/{collection}/request-password-reset", post(auth::password_reset))
        .route("/api/collections/{collection}/confirm-password-reset", post(auth::password_reset))
        .route("/api/collections/{collection}/request-verification", post(auth::verification))
        .route("/api/collections/{collection}/confirm-verification", post(auth::verification))
        .route("/api/collections/{collection}/request-email-change", post(auth::email_change))
        .route("/api/collections/{collection}/confirm-email-change", post(auth::email_change))
        .route("/api/files/token", post(auth::file_token))
        .route("/api/gateway/explain", post(gateway::explain))
        .route("/api/gateway/metrics", get(gateway::metrics))
        .route("/api/gateway/proxies/{id}/breaker", post(gateway::act_on_breaker))
        .route("/api/gateway/requests", get(gateway::requests))
        .route("/api/gateway/requests/{id}", delete(gateway::end_request))
        .route("/api/gateway/setup", post(auth::setup))
        .route("/api/gateway/status", get(gateway::status))
        .route("/api/secrets", get(secrets::list).post(secrets::create))
        .route("/api/secrets/{key}", get(secrets::view).put(secrets::update).delete(secrets::delete))
        .route("/api/logs", get(logs::list).delete(logs::truncate))
        .route("/api/logs/stats", get(logs::stats))
        .route("/api/logs/{id}", get(logs::view))
        .route("/api/crons", get(crons::list))
        .route("/api/crons/{id}", post(crons::run))
        .route("/api/backups", get(backups::list).post(backups::create))
        .route("/_", get(page::add_slash))
        .route("/_/", get(page::show))
        .route("/_/style.css", get(page::style))
        .route("/_/setup.js", get(page::setup_script))
        // Without the prefix `/_gateway`, which the data plane has taken off.
        .route("/_gateway", get(page::add_slash))
        .route("/", get(page::show))
        .route("/style.css", get(page::style))
        .route("/setup.js", get(page::setup_script))
        .fallback(not_found)
}

/// Outermost last: an answer made by an inner layer passes the outer ones as well.
pub(crate) fn layered(routes: Router<Shared>, services: Shared) -> Router {
    routes
        .layer(from_fn(fields_filter::apply))
        .layer(from_fn(catch_panic::answer_with_500))
        .layer(from_fn_with_state(Shared::clone(&services), rate_limit::apply))
        .layer(from_fn_with_state(Shared::clone(&services), request_log::add))
        .layer(from_fn_with_state(Shared::clone(&services), caller::authenticate))
        .layer(from_fn(request_id::add))
        .layer(from_fn(cors::allow_every_origin))
        .layer(from_fn(security_headers::add))
        .layer(from_fn(finish::whether_or_not_the_client_waits))
        .with_state(services)
}

/// `GET` and `HEAD`; a wrong method is an unknown route, never a 405 with `Allow` (contract §1.1).
fn get<H: Handler<T, Shared>, T: 'static>(handler: H) -> MethodRouter<Shared> {
    any(not_found).get(handler)
}

/// The other methods, likewise.
fn post<H: Handler<T, Shared>, T: 'static>(handler: H) -> MethodRouter<Shared> {
    any(not_found).post(handler)
}

fn put<H: Handler<T, Shared>, T: 'static>(handler: H) -> MethodRouter<Shared> {
    any(not_found).put(handler)
}

fn delete<H: Handler<T, Shared>, T: 'static>(handler: H) -> MethodRouter<Shared> {
    any(not_found).delete(handler)
}

async fn not_found() -> ApiError {
    ApiError::not_found()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answer, SUPERUSER, Server, USER, request};
    use serde_json::json;

    const NOT_FOUND: &str =
        concat!(r#"{"data":{},"message":"The requested resource wasn't found.","status":404}"#, "\n");

    #[track_caller]
    fn check_not_found(answer: &Answer) {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.field("allow"), None);
        assert_eq!(answer.body, NOT_FOUND);
    }

    #[tokio::test]
    async fn an_unknown_route_is_pocketbases_404() {
        for target in
            ["/api", "/api/", "/api/unknown", "/api/health/", "/API/health", "/_/unknown", "/unknown"]
        {
            check_not_found(&request("GET", target, "").await);
        }
    }

    #[tokio::test]
    async fn a_wrong_method_is_an_unknown_route() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            check_not_found(&request(method, "/api/health", "").await);
        }
    }

    #[tokio::test]
    async fn what_is_for_superusers_is_401_for_guests_and_403_for_others() {
        let server = Server::start().await;
        for (method, target) in [
            ("GET", "/api/settings"),
            ("PATCH", "/api/settings"),
            ("GET", "/api/collections"),
            ("POST", "/api/collections"),
            ("GET", "/api/collections/users"),
            ("GET", "/api/collections/unknown"),
            ("PATCH", "/api/collections/users"),
            ("DELETE", "/api/collections/users"),
            ("PUT", "/api/collections/import"),
            ("GET", "/api/collections/meta/scaffolds"),
            ("GET", "/api/collections/meta/oauth2-providers"),
            ("GET", "/api/logs"),
            ("DELETE", "/api/logs"),
            ("GET", "/api/logs/stats"),
            ("GET", "/api/logs/unknown"),
            ("GET", "/api/crons"),
            ("POST", "/api/crons/unknown"),
            ("GET", "/api/backups"),
            ("POST", "/api/backups"),
            ("POST", "/api/gateway/explain"),
            ("POST", "/api/gateway/proxies/unknown/breaker"),
            ("GET", "/api/gateway/status"),
            ("GET", "/api/gateway/metrics"),
            ("GET", "/api/gateway/requests"),
            ("DELETE", "/api/gateway/requests/unknown"),
        ] {
            for (caller, status, message) in [
                ("", 401, "The request requires valid record authorization token."),
                ("Authorization: expired\r\n", 401, "The request requires valid record authorization token."),
                (USER, 403, "The authorized record is not allowed to perform this action."),
            ] {
                let answer = server.request(method, target, caller).await;
                let expected = json!({"data": {}, "message": message, "status": status});
                assert_eq!((answer.status, answer.json()), (status, expected), "{method} {target}");
            }
        }
    }

    #[tokio::test]
    async fn there_is_no_sql() {
        check_not_found(&request("POST", "/api/sql", SUPERUSER).await);
    }

    #[tokio::test]
    async fn head_of_an_unknown_route_has_no_body() {
        let answer = request("HEAD", "/api/unknown", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    }
}
