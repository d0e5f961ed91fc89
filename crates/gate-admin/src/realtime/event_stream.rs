//! The body of an event stream.

use super::frame::HEARTBEAT;
use super::hub::Connected;
use super::queue::Frames;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval_at, sleep};

/// Frames as they come, heartbeats between them, and an end after a while: clients connect again by themselves.
///
/// Dropping it takes the client out of the hub.
pub(super) struct EventStream {
    frames: Frames,
    heartbeat: Interval,
    /// Ends the stream after [`IDLE_MAX`] without an event.
    idle: Pin<Box<Sleep>>,
    /// Ends the stream after [`DURATION_MAX`], whatever happens.
    end: Pin<Box<Sleep>>,
    _connected: Connected,
}

impl EventStream {
    pub(super) fn new(frames: Frames, connected: Connected) -> Self {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_EVERY, HEARTBEAT_EVERY);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (idle, end) = (Box::pin(sleep(IDLE_MAX)), Box::pin(sleep(DURATION_MAX)));
        EventStream { frames, heartbeat, idle, end, _connected: connected }
    }

    pub(super) fn into_body(self) -> axum::body::Body {
        axum::body::Body::new(UnsyncBoxBody::new(self))
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(frame) = self.frames.poll_next(context) {
            self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
            return Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))));
        }
        if self.idle.as_mut().poll(context).is_ready() || self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        self.heartbeat.poll_tick(context).map(|_| Some(Ok(Frame::data(HEARTBEAT))))
    }
}

/// Below the minute after which many proxies and home routers forget a silent connection.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);
/// PocketBase's: five minutes without an event end the stream (contract §1.9).
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);
/// PocketBase's: no stream lives longer.
const DURATION_MAX: Duration = Duration::from_secs(30 * 60);
