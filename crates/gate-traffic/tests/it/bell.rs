//! A waker that counts.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it is rung.
#[derive(Debug, Default)]
pub(crate) struct Bell(AtomicU32);

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn rung(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Asks a future once, for a task that nobody wakes.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_task(future, Waker::noop())
}

/// Asks a future once; `bell` is rung when it is worth asking again.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, bell: &Arc<Bell>) -> Option<F::Output> {
    poll_task(future, &Waker::from(Arc::clone(bell)))
}

fn poll_task<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
