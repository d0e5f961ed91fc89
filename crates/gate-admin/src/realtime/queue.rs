//! What is to be sent to a client and has not been yet.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Where a client's frames are put. Bounded: a client that does not read is disconnected instead of remembered for.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    frames: mpsc::Sender<Bytes>,
    /// Of all frames in it.
    bytes: Arc<AtomicUsize>,
}

/// Where its stream takes them from.
#[derive(Debug)]
pub(super) struct Frames {
    frames: mpsc::Receiver<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// The client does not take its frames, or is gone.
#[derive(Debug)]
pub(super) struct Stuck;

/// An empty queue, both ends of it.
pub(super) fn queue() -> (Queue, Frames) {
    let (sender, receiver) = mpsc::channel(QUEUE_FRAMES_MAX);
    let bytes = Arc::<AtomicUsize>::default();
    (Queue { frames: sender, bytes: Arc::clone(&bytes) }, Frames { frames: receiver, bytes })
}

impl Queue {
    /// Adds a frame, unless as many bytes wait already.
    pub(super) fn push(&self, frame: Bytes, bytes_max: usize) -> Result<(), Stuck> {
        let length = frame.len();
        if self.bytes.fetch_add(length, Ordering::Relaxed) >= bytes_max {
            return Err(Stuck);
        }
        self.frames.try_send(frame).map_err(|_| Stuck)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.capacity() == self.frames.max_capacity()
    }
}

impl Frames {
    /// The next frame; `None` when there will be none any more. Cancel-safe.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.frames.poll_recv(context).map(|frame| {
            let frame = frame?;
            self.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
            Some(frame)
        })
    }
}

#[cfg(test)]
impl Frames {
    /// Waits for the next frame.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next frame, if it is there.
    pub(super) fn now(&mut self) -> Option<Bytes> {
        let frame = self.frames.try_recv().ok()?;
        self.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        Some(frame)
    }
}

/// As many changes as one import makes.
const QUEUE_FRAMES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_wait_up_to_a_size_and_make_room_when_they_are_taken() {
        let (queue, mut frames) = queue();
        let frame = || Bytes::from_static(b"0123456789");
        assert!(queue.push(frame(), 15).is_ok());
        assert!(queue.push(frame(), 15).is_ok(), "what waits is less");
        assert!(frames.next().await.is_some() && frames.next().await.is_some());
        assert!(queue.push(frame(), 15).is_ok() && queue.push(frame(), 15).is_ok());
        assert!(queue.push(frame(), 15).is_err());
    }
}
