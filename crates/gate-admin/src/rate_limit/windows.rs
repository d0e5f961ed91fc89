//! How often something happened lately.

use gate_traffic::CallerKey;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts calls in windows of a fixed length, each of which begins with its first call.
#[derive(Debug, Default)]
pub struct Windows(Mutex<HashMap<Key, Window>>);

/// What is counted, and whose calls are.
type Key = (String, CallerKey);

#[derive(Debug)]
struct Window {
    end: Instant,
    calls: u32,
}

impl Windows {
    /// Counts a call; false when the window had `calls_max` already.
    pub(super) fn take(&self, key: Key, calls_max: u32, length: Duration, now: Instant) -> bool {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS_MAX {
            windows.retain(|_, window| window.end > now);
        }
        if windows.len() >= WINDOWS_MAX && !windows.contains_key(&key) {
            // So many addresses at once are one attacker, who does not get to fill our memory.
            return false;
        }
        let window = windows.entry(key).or_insert(Window { end: now + length, calls: 0 });
        if window.end <= now {
            *window = Window { end: now + length, calls: 0 };
        }
        window.calls = window.calls.saturating_add(1);
        window.calls <= calls_max
    }
}

/// About ten megabytes.
const WINDOWS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(what: &str) -> Key {
        (what.to_owned(), CallerKey::Everyone)
    }

    #[test]
    fn a_window_has_so_many_calls_and_then_there_is_another() {
        let windows = Windows::default();
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let take = |key: &str, now| windows.take(of(key), 2, second, now);
        assert!(take("a", start));
        assert!(take("a", start + second / 2));
        assert!(!take("a", start + second / 2));
        assert!(take("b", start));
        assert!(take("a", start + second));
        assert!(take("a", start + second));
        assert!(!take("a", start + second));
    }

    #[test]
    fn memory_is_bounded() {
        let windows = Windows::default();
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        for number in 0..WINDOWS_MAX {
            assert!(windows.take(of(&number.to_string()), 1, second, start));
        }
        assert!(!windows.take(of("one more"), 1, second, start));
        assert!(windows.take(of("one more"), 1, second, start + second));
        assert_eq!(windows.0.lock().unwrap().len(), 1);
    }
}
