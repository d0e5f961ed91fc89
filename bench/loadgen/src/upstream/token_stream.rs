//! Events that follow each other as fast as the connection takes them, or as a model makes tokens.

use std::convert::Infallible;

use tokio::time::{Instant, sleep, sleep_until};

use super::event::EventTemplate;
use super::reply::Completion;
use crate::clock::wall_ns;
use crate::connection::{Connection, ConnectionError};

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Sends one event after another, each in a write of its own, until the reader goes away.
pub(super) async fn send_without_end(
    connection: &mut Connection,
    head: &[u8],
) -> Result<Infallible, ConnectionError> {
    connection.send(head).await?;
    let mut template = EventTemplate::new();
    loop {
        connection.send(template.stamped(wall_ns())).await?;
        // A socket with room never makes its task wait; the other streams want their turn.
        tokio::task::yield_now().await;
    }
}

/// Sends the events of one answer at their times, and its end.
pub(super) async fn send_completion(
    connection: &mut Connection,
    head: &[u8],
    completion: Completion,
) -> Result<(), ConnectionError> {
    sleep(completion.first).await;
    connection.send(head).await?;
    let (begin, mut template) = (Instant::now(), EventTemplate::new());
    for number in 0..completion.events {
        sleep_until(begin + completion.gap * number).await;
        connection.send(template.stamped(wall_ns())).await?;
    }
    connection.send(LAST_CHUNK).await
}
