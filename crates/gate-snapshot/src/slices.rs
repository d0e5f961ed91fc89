//! Long work of the control plane, in slices between which a worker may run.

use std::thread;
use std::time::{Duration, Instant};

/// The same items; whoever goes through them lets other threads run now and then.
///
/// For what is done to each of many proxies. Where a worker shares its processor with the control plane (one core), a
/// thread that computes without a pause keeps it to the end of its time slice: a worker that a request wakes waited 5 ms
/// more (median, Linux 6.18). A lower priority did not help, for a slice that has begun is not cut short; giving up the
/// rest of it took the whole 5 ms away.
pub fn in_slices<T>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    let mut begun = Instant::now();
    items
        .into_iter()
        .enumerate()
        .inspect(move |(number, _)| {
            if number % ITEMS == ITEMS - 1 && begun.elapsed() >= SLICE {
                thread::yield_now();
                begun = Instant::now();
            }
        })
        .map(|(_, item)| item)
}

/// A wait that is not seen among those of the network. Shorter ones would cost more where others never pause: each time,
/// one of them takes a whole time slice.
const SLICE: Duration = Duration::from_millis(1);
/// The clock is looked at after so many, which are compiled in a tenth of a millisecond.
const ITEMS: usize = 16;
