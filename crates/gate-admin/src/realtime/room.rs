//! How much of the hub is taken.

use gate_traffic::CallerKey;
use std::collections::HashMap;
use std::net::IpAddr;

/// How much of the hub is taken: by everybody, and from each address.
///
/// Anybody may open a stream and subscribe, without a token. So what an address may take is a small part of what there
/// is, and all of it together is little enough to be left standing.
#[derive(Debug, Default)]
pub(super) struct Taken {
    total: Share,
    /// An address without streams is not in it.
    by_address: HashMap<CallerKey, Share>,
}

/// What somebody takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Share {
    clients: usize,
    /// Of their topics, without those of superusers.
    topic_bytes: usize,
}

/// There is no room for it.
#[derive(Debug, PartialEq)]
pub(super) struct NoRoom;

impl Taken {
    /// Counts one more stream.
    pub(super) fn add_client(&mut self, address: &str) -> Result<(), NoRoom> {
        let share = self.by_address.get(&key(address)).copied().unwrap_or_default();
        if self.total.clients >= CLIENTS_MAX || share.clients >= CLIENTS_PER_ADDRESS_MAX {
            return Err(NoRoom);
        }
        self.total.clients += 1;
        self.by_address.entry(key(address)).or_default().clients += 1;
        Ok(())
    }

    /// Counts topics of `after` bytes in the place of others of `before` bytes. Fewer than before always have room.
    pub(super) fn replace_topics(
        &mut self,
        address: &str,
        before: usize,
        after: usize,
    ) -> Result<(), NoRoom> {
        let share = self.by_address.entry(key(address)).or_default();
        let replaced = |share: &Share| share.topic_bytes.saturating_sub(before).saturating_add(after);
        let (of_all, of_address) = (replaced(&self.total), replaced(share));
        let is_full = of_all > TOPIC_BYTES_MAX || of_address > TOPIC_BYTES_PER_ADDRESS_MAX;
        if is_full && after > before {
            return Err(NoRoom);
        }
        self.total.topic_bytes = of_all;
        share.topic_bytes = of_address;
        Ok(())
    }

    /// Gives back what the topics of a stream took.
    pub(super) fn remove_topics(&mut self, address: &str, bytes: usize) {
        self.total.topic_bytes = self.total.topic_bytes.saturating_sub(bytes);
        if let Some(share) = self.by_address.get_mut(&key(address)) {
            share.topic_bytes = share.topic_bytes.saturating_sub(bytes);
        }
    }

    /// Gives back the place of a stream whose topics are gone.
    pub(super) fn remove_client(&mut self, address: &str) {
        self.total.clients = self.total.clients.saturating_sub(1);
        let key = key(address);
        let Some(share) = self.by_address.get_mut(&key) else { return };
        share.clients = share.clients.saturating_sub(1);
        if share.clients == 0 {
            self.by_address.remove(&key);
        }
    }
}

/// An IPv6 network of 64 bits is one address. Those whose address nobody knows are one as well.
fn key(address: &str) -> CallerKey {
    address.parse::<IpAddr>().map_or(CallerKey::Everyone, CallerKey::address)
}

/// Each costs a few kilobytes; ten thousand browsers on the control plane are a mistake or an attack.
const CLIENTS_MAX: usize = 10_000;
/// More tabs than an office behind one address has open; one address cannot take everybody's place.
pub(super) const CLIENTS_PER_ADDRESS_MAX: usize = 256;
/// 64 MiB: what the smallest machines can spare.
const TOPIC_BYTES_MAX: usize = 64 << 20;
/// 8 MiB: eight clients with as many topics as they may have, or an office of those that have a few.
const TOPIC_BYTES_PER_ADDRESS_MAX: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_everybodys_place() {
        let mut taken = Taken::default();
        for number in 0..CLIENTS_PER_ADDRESS_MAX {
            assert_eq!(taken.add_client(&format!("2001:db8::{number:x}")), Ok(()));
        }
        assert_eq!(taken.add_client("2001:db8::ffff"), Err(NoRoom));
        assert_eq!(taken.add_client("2001:db8:0:1::1"), Ok(()), "another network");
        taken.remove_client("2001:db8::1");
        assert_eq!(taken.add_client("2001:db8::ffff"), Ok(()));
    }

    #[test]
    fn there_is_an_end_to_the_streams_of_all() {
        let mut taken = Taken::default();
        for number in 0..CLIENTS_MAX {
            assert_eq!(taken.add_client(&format!("10.0.{}.{}", number / 256, number % 256)), Ok(()));
        }
        assert_eq!(taken.add_client("192.0.2.1"), Err(NoRoom));
    }

    #[test]
    fn topics_have_room_up_to_a_size_from_one_address_and_in_all() {
        let mut taken = Taken::default();
        for number in 0..8 {
            let address = format!("10.0.0.{number}");
            taken.add_client(&address).unwrap();
            assert_eq!(taken.replace_topics(&address, 0, TOPIC_BYTES_PER_ADDRESS_MAX), Ok(()));
            assert_eq!(taken.replace_topics(&address, 0, 1), Err(NoRoom));
        }
        taken.add_client("192.0.2.1").unwrap();
        assert_eq!(taken.replace_topics("192.0.2.1", 0, 1), Err(NoRoom));
        assert_eq!(taken.replace_topics("10.0.0.1", 5, 4), Ok(()));
        assert_eq!(taken.replace_topics("192.0.2.1", 0, 1), Ok(()));
        for number in 0..8 {
            let address = format!("10.0.0.{number}");
            taken.remove_topics(&address, TOPIC_BYTES_PER_ADDRESS_MAX);
            taken.remove_client(&address);
        }
        taken.remove_topics("192.0.2.1", 1);
        taken.remove_client("192.0.2.1");
        assert_eq!((taken.total, taken.by_address.len()), (Share::default(), 0));
    }
}
