//! What other processes cost while load runs: scheduler time and resident memory, from `/proc`.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

/// What some processes have used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on a processor, all threads together, since they started.
    pub cpu_ns: u64,
    pub resident_bytes: u64,
}

/// What the watched processes used because of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Watched {
    /// Scheduler time inside the measured window.
    pub cpu_ns: u64,
    /// Resident memory before the first connection was opened.
    pub resident_bytes_before: u64,
    /// Resident memory at the end of the window, all connections still open.
    pub resident_bytes: u64,
}

impl Usage {
    /// Sums the usage of all threads of `pids`; fails when one of them is gone.
    pub(crate) fn of(pids: &[u32]) -> io::Result<Self> {
        let mut usage = Self::default();
        for pid in pids {
            let process = Path::new("/proc").join(pid.to_string());
            usage.cpu_ns += cpu_ns(&process)?;
            usage.resident_bytes += resident_bytes(&process)?;
        }
        Ok(usage)
    }
}

fn cpu_ns(process: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(process.join("task"))? {
        match fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(text) => sum += first_number(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {} // the thread has just ended
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
}

fn resident_bytes(process: &Path) -> io::Result<u64> {
    let status = fs::read_to_string(process.join("status"))?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map_or(0, first_number);
    Ok(kibibytes * 1024)
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn work_done_here_shows_as_processor_time() {
        let before = Usage::of(&[std::process::id()]).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {
            std::hint::black_box(first_number("1 2 3"));
        }
        let after = Usage::of(&[std::process::id()]).unwrap();
        assert!(after.cpu_ns > before.cpu_ns, "{before:?} {after:?}");
        assert!(after.resident_bytes > 64 * 1024);
    }

    #[test]
    fn a_process_that_does_not_exist_is_an_error() {
        assert!(Usage::of(&[u32::MAX]).is_err());
    }
}
