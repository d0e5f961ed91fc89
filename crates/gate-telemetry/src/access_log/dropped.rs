//! Lines that were lost.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lines that were lost. Whoever loses some also says so in the process's log, now and then.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    lines: AtomicU64,
    told: Mutex<Told>,
}

/// What the process's log says already.
#[derive(Debug, Default)]
struct Told {
    lines: u64,
    at: Option<Instant>,
}

impl Dropped {
    /// Lines were lost because the sink did not take them, or not in time.
    pub(super) fn count(&self, lines: u32, cause: Option<&io::Error>) {
        self.lines.fetch_add(lines.into(), Ordering::Relaxed);
        self.tell(TELL_EVERY, cause);
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }

    /// Says what nobody was told yet, unless somebody was told something a moment ago. Does not wait for anybody.
    pub(super) fn tell(&self, every: Duration, cause: Option<&io::Error>) {
        // Whoever has it is telling.
        let Ok(mut told) = self.told.try_lock() else { return };
        let lines = self.lines();
        if lines == told.lines || told.at.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        let dropped = lines - told.lines;
        let cause =
            cause.map_or_else(|| "they come faster than they can be written".to_owned(), ToString::to_string);
        tracing::warn!(dropped, cause, "lines of the access log were dropped");
        *told = Told { lines, at: Some(Instant::now()) };
    }
}

/// Often enough to be seen, seldom enough not to hide anything else.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(10);
