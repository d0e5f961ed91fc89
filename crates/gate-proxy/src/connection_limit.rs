//! How many client connections there may be at one time, over all workers: in total, and from one address.
//!
//! Asked once per connection, never per request.

use gate_traffic::CallerKey;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many client connections there may be at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In total.
    pub total: usize,
    /// From one address, an IPv6 network of 64 bits being one; 0 = as many as in total.
    pub per_address: usize,
}

/// Counts client connections.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    limits: ConnectionLimits,
    open: AtomicUsize,
    /// Empty unless there is a limit for one address. An address without connections is not in it.
    by_address: Mutex<HashMap<CallerKey, usize>>,
}

/// One connection that is within the limits, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted {
    limit: Arc<ConnectionLimit>,
    address: Option<CallerKey>,
}

/// Which limit a connection would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// That of all together.
    Total,
    /// That of its address.
    PerAddress,
}

impl ConnectionLimit {
    /// No connections yet.
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(ConnectionLimit { limits, open: AtomicUsize::new(0), by_address: Mutex::default() })
    }

    /// Counts a connection from that address, or says why there is no room for it.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Counted, Exceeded> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.limits.total {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Exceeded::Total);
        }
        // From here on the total is given back when this is dropped.
        let mut counted = Counted { limit: Arc::clone(self), address: None };
        if self.limits.per_address > 0 {
            counted.address = Some(self.admit_address(CallerKey::address(address))?);
        }
        Ok(counted)
    }

    fn admit_address(&self, address: CallerKey) -> Result<CallerKey, Exceeded> {
        let mut by_address = self.by_address();
        let count = by_address.entry(address.clone()).or_default();
        if *count >= self.limits.per_address {
            return Err(Exceeded::PerAddress);
        }
        *count += 1;
        Ok(address)
    }

    /// The counts are right at every point where a panic could happen.
    fn by_address(&self) -> MutexGuard<'_, HashMap<CallerKey, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.limit.open.fetch_sub(1, Ordering::Relaxed);
        let Some(address) = &self.address else { return };
        let mut by_address = self.limit.by_address();
        if let Some(count) = by_address.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(address);
            }
        }
    }
}

impl Exceeded {
    /// For the log.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Exceeded::Total => "--max-connections",
            Exceeded::PerAddress => "--max-connections-per-ip",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(total: usize, per_address: usize) -> Arc<ConnectionLimit> {
        ConnectionLimit::new(ConnectionLimits { total, per_address })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_connection_that_ends_makes_room_for_another() {
        let limit = limit(2, 0);
        let (one, _two) = (limit.admit(address("::1")).unwrap(), limit.admit(address("::1")).unwrap());
        assert_eq!(limit.admit(address("192.0.2.1")).unwrap_err(), Exceeded::Total);
        drop(one);
        assert!(limit.admit(address("192.0.2.1")).is_ok());
    }

    #[test]
    fn one_address_does_not_take_the_room_of_others() {
        let limit = limit(10, 1);
        let one = limit.admit(address("2001:db8::1")).unwrap();
        assert_eq!(limit.admit(address("2001:db8::2")).unwrap_err(), Exceeded::PerAddress);
        let other = limit.admit(address("2001:db8:0:1::2")).unwrap();
        assert_eq!(limit.open.load(Ordering::Relaxed), 2, "a refused connection is not counted");
        drop((one, other));
        assert!(limit.by_address().is_empty() && limit.open.load(Ordering::Relaxed) == 0);
    }
}
