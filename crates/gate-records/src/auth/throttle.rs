//! Holds back whoever guesses passwords.

use gate_traffic::CallerKey;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets one address try one identity ten times a minute without success (contract D-10).
///
/// ## Why by address and identity
/// By identity alone, anybody could lock the owner out; by address alone, an office behind one address would lock
/// itself out. How many passwords are checked at all is bounded by [`Passwords`](super::Passwords).
///
/// ## What is counted
/// Attempts, from the moment they begin: a hundred at the same time are a hundred. One that turns out not to be a
/// failure is taken back, and nothing is left of it. The minute begins with the first attempt, and when it is over
/// everything is forgotten.
///
/// ## Memory
/// Of an address and an identity a hash is kept. When there is no room for another one, a minute is forgotten early in
/// which nobody was refused: who is held back stays so, however many addresses or identities others bring.
#[derive(Debug)]
pub struct LoginThrottle {
    /// Makes the hashes unpredictable from outside.
    hashing: RandomState,
    windows: Mutex<HashMap<u64, Window>>,
}

/// One minute of one address and identity.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    attempts: u32,
}

/// An attempt that was let through. Counts as a failure unless it is taken back.
#[derive(Debug)]
#[must_use = "an attempt that succeeds has to be taken back"]
pub struct Attempt<'a> {
    throttle: &'a LoginThrottle,
    key: u64,
    /// The minute it was counted in.
    began: Instant,
}

/// Too many failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts, the next one in {} s", retry_after.as_secs())]
pub struct Throttled {
    /// How long until the next attempt is let through; whole seconds, at least one.
    pub retry_after: Duration,
}

impl Default for LoginThrottle {
    fn default() -> Self {
        LoginThrottle { hashing: RandomState::new(), windows: Mutex::default() }
    }
}

impl LoginThrottle {
    /// Lets an attempt through, or says when the next one will be.
    pub fn admit(&self, address: IpAddr, identity: &str, now: Instant) -> Result<Attempt<'_>, Throttled> {
        let key = self.hashing.hash_one((CallerKey::address(address), identity));
        let mut windows = self.windows();
        make_room(&mut windows, key, now)?;
        let window = windows.entry(key).or_insert(Window { began: now, attempts: 0 });
        if window.is_over(now) {
            *window = Window { began: now, attempts: 0 };
        }
        if window.attempts >= FAILURES_MAX {
            return Err(Throttled { retry_after: window.rest(now) });
        }
        window.attempts += 1;
        Ok(Attempt { throttle: self, key, began: window.began })
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<u64, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Takes the attempt back: it succeeded, or was never made.
    pub fn take_back(self) {
        let mut windows = self.throttle.windows();
        let Some(window) = windows.get_mut(&self.key).filter(|window| window.began == self.began) else {
            return;
        };
        window.attempts = window.attempts.saturating_sub(1);
        if window.attempts == 0 {
            windows.remove(&self.key);
        }
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }

    /// Rounded up: whoever comes back after this long is let through.
    fn rest(&self, now: Instant) -> Duration {
        let rest = WINDOW.saturating_sub(now.saturating_duration_since(self.began));
        Duration::from_secs(rest.as_secs() + u64::from(rest.subsec_nanos() > 0))
    }
}

/// Where there is no room, the minute is forgotten in which least was tried. Never one whose attempts are used up:
/// then nobody who is not known yet is let through, until the first of them is over.
fn make_room(windows: &mut HashMap<u64, Window>, key: u64, now: Instant) -> Result<(), Throttled> {
    if windows.len() < WINDOWS_MAX || windows.contains_key(&key) {
        return Ok(());
    }
    windows.retain(|_, window| !window.is_over(now));
    if windows.len() < WINDOWS_MAX {
        return Ok(());
    }
    let least = windows.iter().min_by_key(|(_, window)| (window.attempts, window.began));
    let Some((&least, &window)) = least else { return Ok(()) };
    if window.attempts >= FAILURES_MAX {
        return Err(Throttled { retry_after: window.rest(now) });
    }
    windows.remove(&least);
    Ok(())
}

/// Contract D-10: a person mistypes a few times; a program that guesses gets nowhere with ten a minute.
const FAILURES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Half a megabyte.
const WINDOWS_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn fail(throttle: &LoginThrottle, address: &str, identity: &str, now: Instant) -> Result<(), Throttled> {
        throttle.admit(address.parse().unwrap(), identity, now).map(drop)
    }

    #[test]
    fn d10_the_eleventh_failure_in_a_minute_is_refused_until_the_minute_is_over() {
        let throttle = LoginThrottle::default();
        let start = Instant::now();
        for second in 0..10 {
            let now = start + Duration::from_secs(second);
            assert_eq!(fail(&throttle, "127.0.0.1", "a@b.c", now), Ok(()));
        }
        let refused = |seconds| Err(Throttled { retry_after: Duration::from_secs(seconds) });
        assert_eq!(fail(&throttle, "127.0.0.1", "a@b.c", start + Duration::from_secs(10)), refused(50));
        let just_before = start + Duration::from_millis(59_999);
        assert_eq!(fail(&throttle, "127.0.0.1", "a@b.c", just_before), refused(1));
        assert_eq!(fail(&throttle, "127.0.0.1", "a@b.c", start + WINDOW), Ok(()));
    }

    #[test]
    fn others_are_not_held_back() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        while fail(&throttle, "127.0.0.1", "a@b.c", now).is_ok() {}
        assert_eq!(fail(&throttle, "127.0.0.1", "x@y.z", now), Ok(()));
        assert_eq!(fail(&throttle, "127.0.0.2", "a@b.c", now), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_address_is_the_one_of_ipv4() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        while fail(&throttle, "2001:db8::1", "a", now).is_ok() {}
        assert!(fail(&throttle, "2001:db8::ffff:1", "a", now).is_err());
        assert_eq!(fail(&throttle, "2001:db8:0:1::1", "a", now), Ok(()));
        while fail(&throttle, "10.0.0.1", "a", now).is_ok() {}
        assert!(fail(&throttle, "::ffff:10.0.0.1", "a", now).is_err());
    }

    #[test]
    fn a_success_is_not_counted() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        for _ in 0..100 {
            throttle.admit(HERE, "a@b.c", now).unwrap().take_back();
        }
        for _ in 0..10 {
            assert_eq!(fail(&throttle, "127.0.0.1", "a@b.c", now), Ok(()));
        }
        assert!(fail(&throttle, "127.0.0.1", "a@b.c", now).is_err());
    }

    #[test]
    fn attempts_at_the_same_time_are_counted_before_they_end() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        let attempts: Vec<_> = (0..100).map_while(|_| throttle.admit(HERE, "a@b.c", now).ok()).collect();
        assert_eq!(attempts.len(), 10);
    }

    #[test]
    fn what_is_taken_back_late_does_not_count_in_the_next_minute() {
        let throttle = LoginThrottle::default();
        let start = Instant::now();
        let slow = throttle.admit(HERE, "a@b.c", start).unwrap();
        let next = start + WINDOW;
        while fail(&throttle, "127.0.0.1", "a@b.c", next).is_ok() {}
        slow.take_back();
        assert!(fail(&throttle, "127.0.0.1", "a@b.c", next).is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_remembered() {
        let throttle = LoginThrottle::default();
        let start = Instant::now();
        let mut now = start;
        for number in 0..WINDOWS_MAX + 100 {
            now = start + Duration::from_micros(number as u64);
            assert_eq!(fail(&throttle, "127.0.0.1", &format!("identity {number}"), now), Ok(()));
        }
        assert_eq!(throttle.windows().len(), WINDOWS_MAX);
        while fail(&throttle, "127.0.0.1", "the newest", now).is_ok() {}
        assert!(fail(&throttle, "127.0.0.1", "the newest", now).is_err());
        assert_eq!(fail(&throttle, "127.0.0.1", "later", now + WINDOW), Ok(()));
        assert_eq!(throttle.windows().len(), 1);
    }

    #[test]
    fn d10_whoever_is_held_back_stays_so_while_others_bring_identities() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        while fail(&throttle, "127.0.0.1", "the owner", now).is_ok() {}
        for number in 0..WINDOWS_MAX + 100 {
            let later = now + Duration::from_micros(number as u64);
            assert_eq!(fail(&throttle, "127.0.0.1", &format!("identity {number}"), later), Ok(()));
        }
        assert!(fail(&throttle, "127.0.0.1", "the owner", now + Duration::from_secs(1)).is_err());
    }

    #[test]
    fn nothing_is_left_of_an_attempt_that_was_never_made() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        for number in 0..100 {
            throttle.admit(HERE, &format!("identity {number}"), now).unwrap().take_back();
        }
        assert_eq!(throttle.windows().len(), 0);
    }

    #[test]
    fn when_all_that_can_be_remembered_is_used_up_nobody_else_is_let_through() {
        let throttle = LoginThrottle::default();
        let now = Instant::now();
        for number in 0..WINDOWS_MAX {
            while fail(&throttle, "127.0.0.1", &number.to_string(), now).is_ok() {}
        }
        let refused = Err(Throttled { retry_after: WINDOW });
        assert_eq!(fail(&throttle, "127.0.0.1", "somebody else", now), refused);
        assert_eq!(fail(&throttle, "127.0.0.1", "somebody else", now + WINDOW), Ok(()));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_is_no_way_around() {
        let throttle = LoginThrottle::default();
        let now = Instant::now() + WINDOW;
        while fail(&throttle, "127.0.0.1", "a", now).is_ok() {}
        assert!(fail(&throttle, "127.0.0.1", "a", now.checked_sub(WINDOW).unwrap()).is_err());
    }
}
