//! Passwords: hashed as PocketBase hashes them, a few at a time.

use crate::FieldError;
use bcrypt::{BcryptError, HashParts, Version};
use gate_traffic::{CallerKey, CallerLimiter, CallerLimits, CallerSlot};
use std::net::IpAddr;
use std::num::NonZero;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Hashes and verifies passwords, each of which keeps a core busy for some 50 ms on purpose.
///
/// At most half of the cores are busy with it, so that nobody who guesses passwords slows the data plane down; a few
/// dozen callers wait for their turn, and whoever comes after them is told to come again. Of these places one address,
/// or one network of IPv6, has a quarter: whoever sends one guess after the other from there does not keep others from
/// logging in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// One permit for everybody who hashes or waits for it.
    places: Arc<Semaphore>,
    /// One permit for everybody who hashes.
    running: Arc<Semaphore>,
    /// How many of the places each address has.
    shares: Arc<CallerLimiter>,
    /// Who asks; `None` for the gateway itself and its command line.
    address: Option<IpAddr>,
}

/// Why a password was neither hashed nor verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many others wait already. Nothing was done; in a second or two there is room again.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// Longer than the hash can take: the rest would not count.
    #[error("a password must not be longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The system has no randomness, or the hashing thread was lost.
    #[error("a password could not be hashed: {0}")]
    Failed(String),
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self::new((cores / 2).clamp(1, RUNNING_MAX), WAITING_MAX)
    }
}

impl Passwords {
    /// Hashes `running` passwords at a time, and lets `waiting` more wait.
    pub fn new(running: usize, waiting: usize) -> Self {
        let places = running + waiting;
        let share = u32::try_from(places / SHARES).unwrap_or(u32::MAX).max(1);
        let limits = CallerLimits { per_ip: share, ..CallerLimits::default() };
        Passwords {
            places: Arc::new(Semaphore::new(places)),
            running: Arc::new(Semaphore::new(running)),
            shares: Arc::new(CallerLimiter::new(&limits)),
            address: None,
        }
    }

    /// The same for whoever asks from this address, who has no more than a share of the places.
    #[must_use]
    pub fn asked_from(&self, address: IpAddr) -> Self {
        Passwords { address: Some(address), ..self.clone() }
    }

    /// Whether a password may be set: 8 to 71 characters in at most 72 bytes (contract §1.4).
    pub fn check(password: &str) -> Result<(), FieldError> {
        let characters = password.chars().count();
        if characters < PASSWORD_CHARACTERS_MIN {
            Err(FieldError::password_min(PASSWORD_CHARACTERS_MIN))
        } else if characters > PASSWORD_CHARACTERS_MAX {
            Err(FieldError::password_max(PASSWORD_CHARACTERS_MAX))
        } else if password.len() > PASSWORD_BYTES_MAX {
            Err(FieldError::value("invalid value"))
        } else {
            Ok(())
        }
    }

    /// The hash to store: `$2a$`, cost 10, as PocketBase's.
    ///
    /// Cancel-safe: a hash that has begun is finished and thrown away, and counts as running until then.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        let password = Zeroizing::new(password.to_owned());
        let hashed = self.run(move || bcrypt::hash_with_result(password.as_bytes(), COST)).await?;
        let parts = hashed.map_err(|error| PasswordError::Failed(error.to_string()))?;
        Ok(parts.format_for_version(Version::TwoA))
    }

    /// Whether a password is the one of this hash; `$2a$`, `$2b$` and `$2y$` are read.
    ///
    /// Without a hash, because nobody is known by the name given, the answer is no and takes as long as with one.
    /// Cancel-safe, as [`Passwords::hash`] is.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let password = Zeroizing::new(password.to_owned());
        let known = hash.and_then(readable).map(str::to_owned);
        self.run(move || matches(password.as_bytes(), known.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let share = self.share()?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let working = tokio::task::spawn_blocking(move || {
            let _held_to_the_end: ([OwnedSemaphorePermit; 2], Option<CallerSlot>) = ([place, turn], share);
            work()
        });
        working.await.map_err(|error| PasswordError::Failed(error.to_string()))
    }

    fn share(&self) -> Result<Option<CallerSlot>, PasswordError> {
        let Some(address) = self.address else { return Ok(None) };
        self.shares.admit(&CallerKey::Everyone, address).map_err(|_| PasswordError::Busy)
    }
}

/// A hash that can be read and was made at a cost that is borne; of anything else no password is the right one.
fn readable(hash: &str) -> Option<&str> {
    let cost = HashParts::from_str(hash).ok()?.get_cost();
    let is_known = ["$2a$", "$2b$", "$2y$"].iter().any(|version| hash.starts_with(version));
    (is_known && cost <= COST_MAX).then_some(hash)
}

/// bcrypt looks at 72 bytes only: of a longer password the rest would not count, so it is never the right one.
fn matches(password: &[u8], hash: Option<&str>) -> bool {
    let verified = match hash {
        Some(hash) => bcrypt::verify(password, hash),
        None => burn(password).map(|()| false),
    };
    verified.unwrap_or(false) && password.len() <= PASSWORD_BYTES_MAX
}

fn burn(password: &[u8]) -> Result<(), BcryptError> {
    bcrypt::hash_with_result(password, COST).map(drop)
}

/// PocketBase's.
const COST: u32 = 10;
/// 3 s on a slow core: a row with a higher one, written by hand, must not occupy the queue for hours.
const COST_MAX: u32 = 15;
const PASSWORD_CHARACTERS_MIN: usize = 8;
const PASSWORD_CHARACTERS_MAX: usize = 71;
/// What bcrypt looks at.
const PASSWORD_BYTES_MAX: usize = 72;
/// The control plane has four threads for work that blocks, and others need them too.
const RUNNING_MAX: usize = 2;
/// At 50 ms each the last one waits three seconds, which is as long as a person at a login page does.
const WAITING_MAX: usize = 64;
/// A quarter for one address: an office that comes in at nine still gets through, and one guesser leaves room for
/// everybody else.
const SHARES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse";

    #[tokio::test]
    async fn a_hash_has_pocketbases_form_and_is_verified() {
        let passwords = Passwords::default();
        let hash = passwords.hash(PASSWORD).await.unwrap();
        assert!(hash.starts_with("$2a$10$"), "{hash}");
        assert!(passwords.verify(PASSWORD, Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horsf", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("", Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_of_other_implementations_are_verified() {
        let passwords = Passwords::default();
        let hash = passwords.hash(PASSWORD).await.unwrap();
        for (version, expected) in [("$2a$", true), ("$2b$", true), ("$2y$", true), ("$2x$", false)] {
            let hash = hash.replacen("$2a$", version, 1);
            assert_eq!(passwords.verify(PASSWORD, Some(&hash)).await.unwrap(), expected, "{hash}");
        }
        // Known answers of the original test vectors (OpenBSD, `U*U`).
        let known = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert!(passwords.verify("U*U", Some(known)).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_hash_verifies_nothing() {
        let passwords = Passwords::default();
        let costly = "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for hash in ["", "U*U", "$2a$10$short", costly, &"é".repeat(30)] {
            assert!(!passwords.verify("U*U", Some(hash)).await.unwrap(), "{hash}");
        }
    }

    #[tokio::test]
    async fn beyond_72_bytes_nothing_is_taken_for_the_same_password() {
        let passwords = Passwords::default();
        let longest = "x".repeat(72);
        let hash = passwords.hash(&longest).await.unwrap();
        assert!(passwords.verify(&longest, Some(&hash)).await.unwrap());
        assert!(!passwords.verify(&"x".repeat(73), Some(&hash)).await.unwrap());
        assert!(matches!(passwords.hash(&"x".repeat(73)).await, Err(PasswordError::TooLong)));
    }

    #[track_caller]
    fn check(password: &str, code: Option<&str>) {
        let found = Passwords::check(password).err().map(|error| error.code);
        assert_eq!(found, code, "{password}");
    }

    #[test]
    fn a_password_has_8_to_71_characters_in_at_most_72_bytes() {
        check("1234567", Some("validation_min_text_constraint"));
        check("12345678", None);
        check("éééééééé", None);
        check(&"x".repeat(71), None);
        check(&"x".repeat(72), Some("validation_max_text_constraint"));
        check(&"é".repeat(36), None);
        check(&"é".repeat(37), Some("validation_invalid_value"));
    }

    /// As long with a hash as without one, within what a busy machine adds: an order of magnitude is what an
    /// unknown name must not make.
    #[tokio::test]
    async fn nobody_is_refused_as_slowly_as_somebody() {
        let passwords = Passwords::default();
        let hash = passwords.hash(PASSWORD).await.unwrap();
        let mut fastest = [std::time::Duration::MAX; 2];
        for _ in 0..5 {
            for (fastest, hash) in fastest.iter_mut().zip([Some(hash.as_str()), None]) {
                let started = std::time::Instant::now();
                assert!(!passwords.verify("wrong password", hash).await.unwrap());
                *fastest = (*fastest).min(started.elapsed());
            }
        }
        let ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{fastest:?}");
    }

    #[tokio::test]
    async fn whoever_comes_when_all_places_are_taken_is_told_so() {
        let passwords = Passwords::new(1, 1);
        let (first, second, third) = tokio::join!(
            passwords.verify(PASSWORD, None),
            passwords.verify(PASSWORD, None),
            passwords.verify(PASSWORD, None)
        );
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(PasswordError::Busy)));
        assert!(passwords.verify(PASSWORD, None).await.is_ok());
    }

    #[tokio::test]
    async fn d10_one_address_has_a_quarter_of_the_places() {
        let passwords = Passwords::new(1, 7);
        let flood = passwords.asked_from("192.0.2.1".parse().unwrap());
        let network = |host| format!("2001:db8::{host}").parse().unwrap();
        let verify = |passwords: Passwords| async move { passwords.verify(PASSWORD, None).await.is_ok() };
        let (first, second, third, other, one_host, another_host, of_same_network) = tokio::join!(
            verify(flood.clone()),
            verify(flood.clone()),
            verify(flood.clone()),
            verify(passwords.asked_from("192.0.2.2".parse().unwrap())),
            verify(passwords.asked_from(network(1))),
            verify(passwords.asked_from(network(2))),
            verify(passwords.asked_from(network(3))),
        );
        assert_eq!((first, second, third, other), (true, true, false, true));
        assert_eq!((one_host, another_host, of_same_network), (true, true, false));
        assert!(verify(flood).await, "what was taken is given back");
    }

    #[tokio::test]
    async fn a_dropped_hash_keeps_its_place_until_it_has_ended() {
        let passwords = Passwords::new(1, 0);
        let begun =
            tokio::time::timeout(std::time::Duration::from_millis(1), passwords.verify(PASSWORD, None));
        if begun.await.is_err() {
            assert!(matches!(passwords.verify(PASSWORD, None).await, Err(PasswordError::Busy)));
        }
        while matches!(passwords.verify(PASSWORD, None).await, Err(PasswordError::Busy)) {
            tokio::task::yield_now().await;
        }
    }
}
