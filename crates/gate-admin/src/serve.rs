//! HTTP/1.1 over the in-memory connections the data plane opens.

use crate::router::router;
use crate::services::Services;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Serves the control plane on every connection that comes in, one task each, until the channel closes and the last
/// connection has ended.
///
/// Deadlines and size limits of a request's head are the data plane's: it has applied them before it opens a
/// connection, so none run here.
///
/// Cancel-safe: dropping the future ends every connection at once. A request whose handling has begun is handled to its end.
pub async fn serve(connections: mpsc::Receiver<DuplexStream>, services: Arc<Services>) {
    serve_router(connections, router(services)).await;
}

pub(crate) async fn serve_router(mut connections: mpsc::Receiver<DuplexStream>, router: Router) {
    let mut running = JoinSet::new();
    while let Some(connection) = connections.recv().await {
        while running.try_join_next().is_some() {}
        running.spawn(serve_connection(connection, router.clone()));
    }
    while running.join_next().await.is_some() {}
}

async fn serve_connection(connection: DuplexStream, router: Router) {
    let served = http1::Builder::new()
        .keep_alive(true)
        // The end of input is a client that has left: an event stream ends then, not with a write that fails some time.
        .half_close(false)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(router));
    if let Err(error) = served.await {
        // The data plane closes a connection whose client went away; that is not a fault of ours.
        tracing::debug!(%error, "control plane connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use crate::router::layered;
    use crate::testing::{Server, connect, exchange};
    use axum::Router;
    use axum::routing::get;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_connection_serves_one_request_after_another() {
        let request = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n";
        let last = "GET /api/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answers = exchange(&format!("{request}{request}{last}")).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 404 Not Found\r\n").count(), 1, "{answers}");
    }

    #[tokio::test]
    async fn a_write_that_has_begun_is_finished_although_its_client_has_left() {
        let server = Server::start().await;
        let (began, finished) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let noted = (Arc::clone(&began), Arc::clone(&finished));
        let write = move || async move {
            noted.0.notify_one();
            // Long enough for the connection to be closed in between.
            tokio::time::sleep(Duration::from_millis(50)).await;
            noted.1.notify_one();
        };
        let mut client = connect(layered(Router::new().route("/write", get(write)), server.services));
        client.write_all(b"GET /write HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        began.notified().await;
        drop(client);
        timeout(Duration::from_secs(10), finished.notified()).await.expect("it is finished");
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_connection_goes_on() {
        let server = Server::start().await;
        let routes = Router::new().route("/panic", get(panics));
        let mut client = connect(layered(routes, server.services));
        let request = "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n";
        let last = "GET /panic HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        client.write_all(format!("{request}{last}").as_bytes()).await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 500 Internal Server Error\r\n").count(), 2, "{answers}");
        let body =
            r#"{"data":{},"message":"Something went wrong while processing your request.","status":500}"#;
        assert_eq!(answers.matches(body).count(), 2, "{answers}");
        assert!(!answers.contains("secret detail"), "{answers}");
        assert_eq!(answers.matches("x-content-type-options: nosniff\r\n").count(), 2, "{answers}");
    }

    async fn panics() -> &'static str {
        panic!("a secret detail")
    }

    #[tokio::test]
    async fn serving_ends_when_the_channel_closes() {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let serving = tokio::spawn(super::serve(receiver, Server::start().await.services));
        drop(sender);
        serving.await.unwrap();
    }
}
