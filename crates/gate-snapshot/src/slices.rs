//! Long work of the control plane, in slices between which a worker may run.

use std::thread;

/// The same items; whoever goes through them lets other threads run after every few.
///
/// For what is done to each of many proxies. Where a worker shares its processor with the control plane (one core), a
/// thread that computes without a pause keeps it to the end of its time slice: a worker that a request wakes waited 5 ms
/// more (median, Linux 6.18). A lower priority did not help, for a slice that has begun is not cut short; giving up the
/// rest of it took the whole 5 ms away. It costs a fraction of a microsecond while nobody waits.
pub fn in_slices<T>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    items.into_iter().enumerate().map(|(number, item)| {
        if number % SLICE == SLICE - 1 {
            thread::yield_now();
        }
        item
    })
}

/// So many records are compiled in a fifth of a millisecond.
const SLICE: usize = 32;
