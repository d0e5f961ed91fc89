//! The upstream's listener and its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::event_wheel::{self, NewEventStream};

use super::reply::{Replies, Route, with_length};
use super::statistics::Statistics;
use super::token_stream::{send_completion, send_without_end};
use crate::connection::{Connection, ConnectionError};
use crate::message::{Body, Head};

/// A benchmark opens all its connections at once.
const BACKLOG: u32 = 4096;

/// A bound upstream that does not accept yet.
#[derive(Debug)]
pub(crate) struct Upstream {
    listener: TcpListener,
}

impl Upstream {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { listener: socket.listen(BACKLOG)? })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until accepting fails.
    pub(crate) async fn serve(self) -> io::Result<()> {
        let (streams, arrivals) = mpsc::unbounded_channel();
        let site = Arc::new(Site { replies: Replies::render(), statistics: Arc::default(), streams });
        tokio::spawn(event_wheel::drive(arrivals));
        loop {
            let (stream, _) = self.listener.accept().await?;
            site.statistics.accepted();
            tokio::spawn(serve_connection(stream, Arc::clone(&site)));
        }
    }
}

/// What all connections share.
struct Site {
    replies: Replies,
    statistics: Arc<Statistics>,
    streams: UnboundedSender<NewEventStream>,
}

/// What one request head says.
struct Request {
    route: Route,
    body: Body,
    close: bool,
}

impl Request {
    fn of(head: &Head<'_>) -> Self {
        Self { route: Route::of(head), body: Body::of_request(head), close: head.close }
    }
}

/// Answers requests until the peer closes or breaks the connection; how it ended does not matter
/// here, the load generator counts what it did not get.
async fn serve_connection(stream: TcpStream, site: Arc<Site>) {
    let Ok(mut connection) = Connection::new(stream) else { return };
    while let Ok(Some(request)) = connection.read_head(Request::of).await {
        if let Route::Events { per_second } = request.route {
            return start_events(connection, &site, per_second).await;
        }
        let running = site.statistics.begin();
        let answered = answer(&mut connection, &site, request.route, request.body).await;
        drop(running);
        if answered.is_err() || request.close {
            return;
        }
    }
}

async fn answer(
    connection: &mut Connection,
    site: &Site,
    route: Route,
    body: Body,
) -> Result<(), ConnectionError> {
    connection.drain(body).await?;
    let replies = &site.replies;
    match route {
        Route::OneKibibyte { delay } => {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            connection.send(&replies.one_kibibyte).await
        }
        Route::Chunks => connection.send(&replies.chunks).await,
        Route::TenMebibytes => send_ten_mebibytes(connection, replies).await,
        Route::EventsAtOnce => match send_without_end(connection, &replies.events_head).await? {},
        Route::Completion(completion) => send_completion(connection, &replies.events_head, completion).await,
        Route::Never => connection.closed().await,
        Route::Statistics => connection.send(&with_length("200 OK", &site.statistics.as_json())).await,
        Route::Events { .. } | Route::NotFound => connection.send(&replies.not_found).await,
    }
}

async fn send_ten_mebibytes(connection: &mut Connection, replies: &Replies) -> Result<(), ConnectionError> {
    connection.send(&replies.ten_mebibytes_head).await?;
    for _ in 0..Replies::BLOCKS {
        connection.send(&replies.block).await?;
    }
    Ok(())
}

/// Sends the head and leaves the connection to the event wheel.
async fn start_events(mut connection: Connection, site: &Site, per_second: u32) {
    if connection.send(&site.replies.events_head).await.is_ok() {
        // The wheel ends only with the runtime, and with it this task.
        let _ = site.streams.send(NewEventStream { stream: connection.into_stream(), per_second });
    }
}
