//! The unused buffers of one worker, and how often they were enough.
//!
//! Last in, first out: the buffer that comes next is the one that is still in the processor's cache. A pool keeps no more than
//! its bound. When more than that are in use at the same time, what the pool has not got comes from the allocator like anything
//! else, and is counted: requests are served all the same, but a worker that needs it for long should have company.

use crate::seldom::Seldom;
use gate_telemetry::metrics::WorkerMetrics;
use std::cell::RefCell;
use std::time::Instant;

/// How the buffers of one worker were used since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BufferUse {
    /// How often one was taken.
    pub(crate) taken: u64,
    /// How often it came from the pool.
    pub(crate) reused: u64,
    /// How often it did not although the pool was at its bound.
    pub(crate) beyond: u64,
}

/// The unused buffers of one size.
#[derive(Debug)]
struct Pool {
    unused: Vec<Box<[u8]>>,
    /// The fewest that were unused since this was last asked: nobody needed these.
    unneeded: usize,
    buffer_bytes: usize,
    pooled_max: usize,
    in_use: usize,
    used: BufferUse,
}

/// The pools of one thread.
struct Pools {
    large: Pool,
    small: Pool,
    beyond: Seldom,
}

/// Memory for a buffer of [`CAPACITY`] bytes.
pub(crate) fn take_large() -> Box<[u8]> {
    take(|pools| &mut pools.large)
}

/// Memory for one of [`SMALL_CAPACITY`] bytes.
pub(crate) fn take_small() -> Box<[u8]> {
    take(|pools| &mut pools.small)
}

fn take(pool: impl FnOnce(&mut Pools) -> &mut Pool) -> Box<[u8]> {
    let (bytes, in_use) = POOLS.with_borrow_mut(|pools| {
        let pool = pool(pools);
        (pool.take(), pool.in_use)
    });
    bytes.unwrap_or_else(|(buffer_bytes, is_beyond)| {
        if is_beyond {
            warn(buffer_bytes, in_use);
        }
        vec![0; buffer_bytes].into_boxed_slice()
    })
}

#[cold]
fn warn(buffer_bytes: usize, in_use: usize) {
    if let Some(count) = POOLS.with_borrow(|pools| pools.beyond.say(Instant::now())) {
        tracing::warn!(buffer_bytes, in_use, count, "more buffers are in use than are pooled");
    }
}

/// The buffer is not needed any more. One of another size is in no pool, and just memory.
pub(crate) fn put(bytes: Box<[u8]>) {
    // At the end of the thread the pools may be gone already; then the memory is freed like any other.
    let _ = POOLS.try_with(|pools| {
        let Pools { large, small, .. } = &mut *pools.borrow_mut();
        match bytes.len() {
            CAPACITY => large.put(bytes),
            SMALL_CAPACITY => small.put(bytes),
            _ => {}
        }
    });
}

/// Gives the buffers back to the allocator that nobody has needed since this was last called.
pub(crate) fn shrink() {
    POOLS.with_borrow_mut(|Pools { large, small, .. }| {
        large.shrink();
        small.shrink();
    });
}

/// Shows the others how this thread's buffers have been used.
pub(crate) fn publish(metrics: &WorkerMetrics) -> BufferUse {
    let sum = POOLS.with_borrow(|Pools { large, small, .. }| large.used + small.used);
    metrics.buffers_taken.grow_to(sum.taken);
    metrics.buffers_reused.grow_to(sum.reused);
    metrics.buffers_beyond.grow_to(sum.beyond);
    sum
}

impl Pool {
    const fn new(buffer_bytes: usize, pooled_max: usize) -> Self {
        let used = BufferUse { taken: 0, reused: 0, beyond: 0 };
        Pool { unused: Vec::new(), unneeded: 0, buffer_bytes, pooled_max, in_use: 0, used }
    }

    /// An unused buffer; otherwise how large a new one has to be, and whether the bound has been passed.
    fn take(&mut self) -> Result<Box<[u8]>, (usize, bool)> {
        self.used.taken += 1;
        self.in_use += 1;
        if let Some(bytes) = self.unused.pop() {
            self.unneeded = self.unneeded.min(self.unused.len());
            self.used.reused += 1;
            return Ok(bytes);
        }
        self.unneeded = 0;
        let is_beyond = self.in_use > self.pooled_max;
        self.used.beyond += u64::from(is_beyond);
        Err((self.buffer_bytes, is_beyond))
    }

    fn put(&mut self, bytes: Box<[u8]>) {
        self.in_use = self.in_use.saturating_sub(1);
        if self.unused.len() < self.pooled_max {
            self.unused.push(bytes);
        }
    }

    fn shrink(&mut self) {
        let keep = (self.unused.len() - self.unneeded.min(self.unused.len())).max(POOLED_MIN);
        // Those at the front were used last a long time ago: what is in the cache stays.
        self.unused.drain(..self.unused.len().saturating_sub(keep));
        self.unneeded = self.unused.len();
    }
}

impl std::ops::Add for BufferUse {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        BufferUse {
            taken: self.taken + other.taken,
            reused: self.reused + other.reused,
            beyond: self.beyond + other.beyond,
        }
    }
}

thread_local! {
    static POOLS: RefCell<Pools> = const {
        RefCell::new(Pools {
            large: Pool::new(CAPACITY, POOLED_MAX),
            small: Pool::new(SMALL_CAPACITY, SMALL_POOLED_MAX),
            beyond: Seldom::new(),
        })
    };
}

/// 32 KiB (020-FR-017): a head fits whole, and a read of this size costs the kernel no more per byte than a larger one.
pub(crate) const CAPACITY: usize = 32 * 1024;
/// 2 KiB: nearly every head fits, with a token in it. Who waits for an answer holds one, if the request may have to be sent again.
pub(crate) const SMALL_CAPACITY: usize = 2 * 1024;
/// 8 MiB per worker: what a burst of 256 requests in flight leaves behind.
const POOLED_MAX: usize = 256;
/// 4 MiB per worker: 2,000 requests that wait for their answers at the same time.
const SMALL_POOLED_MAX: usize = 2048;
/// What a worker keeps for good.
const POOLED_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r020_us5_ac3_r020_fr_016_nearly_every_buffer_was_used_before() {
        let metrics = WorkerMetrics::new(true);
        for _ in 0..1000 {
            let (large, small) = (take_large(), take_small());
            put(large);
            put(small);
        }
        assert_eq!(publish(&metrics), BufferUse { taken: 2000, reused: 1998, beyond: 0 });
        assert_eq!((metrics.buffers_taken.get(), metrics.buffers_reused.get()), (2000, 1998));
    }

    #[test]
    fn r020_ec5_beyond_the_bound_buffers_are_plain_memory_and_counted() {
        let metrics = WorkerMetrics::new(true);
        let taken: Vec<_> = (0..POOLED_MAX + 44).map(|_| take_large()).collect();
        assert!(taken.iter().all(|bytes| bytes.len() == CAPACITY));
        assert_eq!(publish(&metrics).beyond, 44);
        taken.into_iter().for_each(put);
        assert_eq!(
            POOLS.with_borrow(|pools| (pools.large.unused.len(), pools.large.in_use)),
            (POOLED_MAX, 0)
        );
        let again: Vec<_> = (0..POOLED_MAX).map(|_| take_large()).collect();
        assert_eq!(publish(&metrics), BufferUse { taken: 556, reused: 256, beyond: 44 });
        again.into_iter().for_each(put);
    }

    #[test]
    fn r020_fr_017_a_buffer_has_32_kib() {
        assert_eq!(take_large().len(), 32 * 1024);
    }

    #[test]
    fn memory_of_another_size_never_comes_from_a_pool() {
        put(vec![0; SMALL_CAPACITY + 1].into_boxed_slice());
        assert_eq!((take_small().len(), take_large().len()), (SMALL_CAPACITY, CAPACITY));
    }

    #[test]
    fn a_pool_keeps_what_was_needed_lately_and_a_few() {
        let take = |count| (0..count).map(|_| take_small()).collect::<Vec<_>>();
        let unused = || POOLS.with_borrow(|pools| pools.small.unused.len());
        take(64).into_iter().for_each(put);
        shrink();
        assert_eq!(unused(), 64, "all of them were in use");
        take(24).into_iter().for_each(put);
        shrink();
        assert_eq!(unused(), 24);
        shrink();
        assert_eq!(unused(), POOLED_MIN);
    }
}
