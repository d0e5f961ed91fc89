//! Parsed heads that are used again: their vectors have grown once and need no allocation per request.

use gate_http::{RequestHead, ResponseHead};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// A value that goes back to its thread's pool when it is dropped.
#[derive(Debug)]
pub(crate) struct Recycled<T: Recycle> {
    value: Option<Box<T>>,
}

/// The values of a thread that nobody uses now. Boxed: one moves between pool and request by its pointer.
type Unused<T> = RefCell<Vec<Box<T>>>;

/// What can be emptied and used again.
pub(crate) trait Recycle: Sized + 'static {
    /// A new one.
    fn create() -> Self;
    /// Forgets its content, keeps its memory.
    fn reset(&mut self);
    /// Where this thread keeps the unused ones.
    fn pool() -> &'static LocalKey<Unused<Self>>;
}

impl<T: Recycle> Recycled<T> {
    /// An empty value.
    pub(crate) fn take() -> Self {
        let pooled = T::pool().with_borrow_mut(Vec::pop);
        Recycled { value: Some(pooled.unwrap_or_else(|| Box::new(T::create()))) }
    }
}

impl<T: Recycle> Deref for Recycled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let Some(value) = &self.value else { unreachable!("taken only when dropped") };
        value
    }
}

impl<T: Recycle> DerefMut for Recycled<T> {
    fn deref_mut(&mut self) -> &mut T {
        let Some(value) = &mut self.value else { unreachable!("taken only when dropped") };
        value
    }
}

impl<T: Recycle> Drop for Recycled<T> {
    fn drop(&mut self) {
        if let Some(mut value) = self.value.take() {
            value.reset();
            let _ = T::pool().try_with(|pool| {
                let mut pool = pool.borrow_mut();
                if pool.len() < POOLED_MAX {
                    pool.push(value);
                }
            });
        }
    }
}

impl Recycle for RequestHead {
    fn create() -> Self {
        RequestHead::new()
    }

    fn reset(&mut self) {
        self.clear();
    }

    fn pool() -> &'static LocalKey<Unused<Self>> {
        thread_local! {
            static POOL: Unused<RequestHead> = const { RefCell::new(Vec::new()) };
        }
        &POOL
    }
}

impl Recycle for ResponseHead {
    fn create() -> Self {
        ResponseHead::new()
    }

    fn reset(&mut self) {
        self.clear();
    }

    fn pool() -> &'static LocalKey<Unused<Self>> {
        thread_local! {
            static POOL: Unused<ResponseHead> = const { RefCell::new(Vec::new()) };
        }
        &POOL
    }
}

/// As many as there are pooled buffers: a head lives no longer than the buffer it was parsed from.
const POOLED_MAX: usize = 256;
