//! How many requests of one caller run at one time (`limits`).

use crate::shards::Shards;
use crate::{CallerKey, CallerLimits};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// At most so many requests of one identity, and from one address, at one time, over all workers.
///
/// Requests are counted where there is a limit: those that run when the first limit is set are not known to it.
#[derive(Debug)]
pub struct CallerLimiter {
    per_identity: AtomicU32,
    per_ip: AtomicU32,
    dry_run: AtomicBool,
    dry_run_refusals: AtomicU64,
    identities: Running,
    addresses: Running,
}

/// Why a caller has to wait for their own requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerRefusal {
    /// As many requests of the identity run as may.
    #[error("as many requests of this identity run as may")]
    Identity,
    /// As many requests from the address run as may.
    #[error("as many requests from this address run as may")]
    Ip,
}

/// Counts one request as the caller's until it is dropped.
#[derive(Debug)]
#[must_use = "a slot that is dropped is free again"]
pub struct CallerSlot {
    limiter: Arc<CallerLimiter>,
    identity: Option<CallerKey>,
    address: Option<CallerKey>,
}

/// How many requests of each caller run. Whoever has none is not in it.
#[derive(Debug)]
struct Running(Shards<HashMap<CallerKey, u32>>);

impl CallerLimiter {
    /// At most as many as `limits` say.
    pub fn new(limits: &CallerLimits) -> Self {
        let limiter = Self {
            per_identity: AtomicU32::new(0),
            per_ip: AtomicU32::new(0),
            dry_run: AtomicBool::new(false),
            dry_run_refusals: AtomicU64::new(0),
            identities: Running::new(),
            addresses: Running::new(),
        };
        limiter.configure(limits);
        limiter
    }

    /// Holds for whoever comes next; what runs goes on.
    pub fn configure(&self, limits: &CallerLimits) {
        self.dry_run.store(limits.dry_run, Ordering::Relaxed);
        self.per_identity.store(limits.per_identity, Ordering::Relaxed);
        self.per_ip.store(limits.per_ip, Ordering::Relaxed);
    }

    /// Whether there is any limit.
    pub fn is_on(&self) -> bool {
        self.per_identity.load(Ordering::Relaxed) > 0 || self.per_ip.load(Ordering::Relaxed) > 0
    }

    /// Counts one more request of `identity` (a guest's is their address) from `address`, if there are limits that allow
    /// it. `None` if there are none. In a dry run the refusal is counted, and the request may run all the same
    /// ([`CallerLimiter::is_dry_run`]).
    pub fn admit(
        self: &Arc<Self>,
        identity: &CallerKey,
        address: IpAddr,
    ) -> Result<Option<CallerSlot>, CallerRefusal> {
        if !self.is_on() {
            return Ok(None);
        }
        let taken = self.take(identity, address);
        if taken.is_err() && self.is_dry_run() {
            self.dry_run_refusals.fetch_add(1, Ordering::Relaxed);
        }
        taken.map(Some)
    }

    /// Whether those that are refused may run all the same.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.load(Ordering::Relaxed)
    }

    /// How many were let through that would have been refused, had it not been a dry run. They are not counted as
    /// running.
    pub fn dry_run_refusals(&self) -> u64 {
        self.dry_run_refusals.load(Ordering::Relaxed)
    }

    /// What was taken for the identity is given back, by dropping it, if the address has no place.
    fn take(self: &Arc<Self>, identity: &CallerKey, address: IpAddr) -> Result<CallerSlot, CallerRefusal> {
        let mut slot = CallerSlot { limiter: Arc::clone(self), identity: None, address: None };
        let per_identity = self.per_identity.load(Ordering::Relaxed);
        if per_identity > 0 {
            let taken = self.identities.take(identity.clone(), per_identity);
            slot.identity = Some(taken.ok_or(CallerRefusal::Identity)?);
        }
        let per_ip = self.per_ip.load(Ordering::Relaxed);
        if per_ip > 0 {
            let taken = self.addresses.take(CallerKey::address(address), per_ip);
            slot.address = Some(taken.ok_or(CallerRefusal::Ip)?);
        }
        Ok(slot)
    }
}

impl Drop for CallerSlot {
    fn drop(&mut self) {
        if let Some(identity) = &self.identity {
            self.limiter.identities.give_back(identity);
        }
        if let Some(address) = &self.address {
            self.limiter.addresses.give_back(address);
        }
    }
}

impl Running {
    fn new() -> Self {
        Self(Shards::new())
    }

    /// Counts one more of `caller`, and returns whose to give back; `None` if `limit` run.
    fn take(&self, caller: CallerKey, limit: u32) -> Option<CallerKey> {
        let mut shard = self.0.of(self.0.hash(&caller));
        let running = shard.get(&caller).copied().unwrap_or(0);
        if running >= limit {
            return None;
        }
        shard.insert(caller.clone(), running + 1);
        Some(caller)
    }

    fn give_back(&self, caller: &CallerKey) {
        let mut shard = self.0.of(self.0.hash(caller));
        match shard.get_mut(caller) {
            Some(running) if *running > 1 => *running -= 1,
            _ => drop(shard.remove(caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_as_many_as_may_is_refused_and_nobody_else() {
        let limiter = limiter(2, 0, false);
        let first = admit(&limiter, "a", "192.0.2.1").unwrap();
        let second = admit(&limiter, "a", "192.0.2.2").unwrap();
        assert_eq!(refusal(&limiter, "a", "192.0.2.3"), CallerRefusal::Identity);
        let other = admit(&limiter, "b", "192.0.2.1").unwrap();
        drop(first);
        let third = admit(&limiter, "a", "192.0.2.1").unwrap();
        drop((second, third, other));
        assert_empty(&limiter);
    }

    #[test]
    fn all_who_call_from_one_address_share_its_places() {
        let limiter = limiter(0, 2, false);
        let held = ["a", "b"].map(|name| admit(&limiter, name, "2001:db8::1").unwrap());
        assert_eq!(refusal(&limiter, "c", "2001:db8::2"), CallerRefusal::Ip);
        drop(admit(&limiter, "c", "2001:db8:1::1").unwrap());
        drop(held);
        assert_empty(&limiter);
    }

    #[test]
    fn who_is_refused_by_address_keeps_no_place_of_the_identity() {
        let limiter = limiter(5, 1, false);
        let held = admit(&limiter, "a", "192.0.2.1").unwrap();
        assert_eq!(refusal(&limiter, "b", "192.0.2.1"), CallerRefusal::Ip);
        drop(held);
        assert_empty(&limiter);
    }

    #[test]
    fn a_guest_and_an_address_are_counted_apart() {
        let limiter = limiter(1, 2, false);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let guest = CallerKey::address(address);
        let held = limiter.admit(&guest, address).unwrap();
        assert_eq!(limiter.admit(&guest, address).unwrap_err(), CallerRefusal::Identity);
        drop(admit(&limiter, "a", "192.0.2.1").unwrap());
        drop(held);
        assert_empty(&limiter);
    }

    #[test]
    fn without_a_limit_no_table_is_touched() {
        let limiter = limiter(0, 0, false);
        assert!(!limiter.is_on());
        assert!(admit(&limiter, "a", "192.0.2.1").unwrap().is_none());
        assert_empty(&limiter);
    }

    #[test]
    fn a_dry_run_counts_whom_it_refuses() {
        let limiter = limiter(1, 0, true);
        let held = admit(&limiter, "a", "192.0.2.1").unwrap();
        assert_eq!(refusal(&limiter, "a", "192.0.2.1"), CallerRefusal::Identity);
        assert!(admit(&limiter, "b", "192.0.2.1").is_ok());
        assert!(limiter.is_dry_run());
        assert_eq!(limiter.dry_run_refusals(), 1);
        drop(held);
        assert_empty(&limiter);
    }

    #[test]
    fn h34_an_edit_keeps_the_count_of_what_runs() {
        let limiter = limiter(3, 0, false);
        let mut held = ["a", "a"].map(|name| admit(&limiter, name, "192.0.2.1").unwrap());
        limiter.configure(&limits(2, 0, false));
        assert_eq!(refusal(&limiter, "a", "192.0.2.1"), CallerRefusal::Identity);
        limiter.configure(&limits(0, 0, false));
        held[0] = None;
        limiter.configure(&limits(2, 0, false));
        drop(admit(&limiter, "a", "192.0.2.1").unwrap());
        drop(held);
        assert_empty(&limiter);
    }

    #[test]
    fn no_more_than_may_run_at_one_time_on_many_threads() {
        let limiter = limiter(3, 0, false);
        let running = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        if let Ok(slot) = admit(&limiter, "a", "192.0.2.1") {
                            assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                            running.fetch_sub(1, Ordering::SeqCst);
                            drop(slot);
                        }
                    }
                });
            }
        });
        assert_empty(&limiter);
    }

    fn limits(per_identity: u32, per_ip: u32, dry_run: bool) -> CallerLimits {
        CallerLimits { per_identity, per_ip, dry_run }
    }

    fn limiter(per_identity: u32, per_ip: u32, dry_run: bool) -> Arc<CallerLimiter> {
        Arc::new(CallerLimiter::new(&limits(per_identity, per_ip, dry_run)))
    }

    fn admit(
        limiter: &Arc<CallerLimiter>,
        name: &str,
        address: &str,
    ) -> Result<Option<CallerSlot>, CallerRefusal> {
        limiter.admit(&CallerKey::Identity(name.into()), address.parse().unwrap())
    }

    #[track_caller]
    fn refusal(limiter: &Arc<CallerLimiter>, name: &str, address: &str) -> CallerRefusal {
        admit(limiter, name, address).unwrap_err()
    }

    #[track_caller]
    fn assert_empty(limiter: &CallerLimiter) {
        for table in [&limiter.identities, &limiter.addresses] {
            assert!(table.0.all().all(|shard| shard.is_empty()));
        }
    }
}
