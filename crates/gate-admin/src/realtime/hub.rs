//! Everyone who listens.

use super::client::{Client, Stuck};
use super::frame::connected;
use super::topic::Topic;
use bytes::Bytes;
use gate_records::records::{AuthRecord, RecordChange};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc, watch};

/// Everyone who listens. Cheap to clone; all clones are the same hub.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    listeners: Arc<Mutex<Listeners>>,
    /// Somebody has asked for the status.
    status_wanted: Arc<Notify>,
    /// Whether there is anybody.
    listened: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Listeners {
    clients: HashMap<String, Client>,
    /// Whether nobody is taken in any more.
    is_closed: bool,
}

/// Why a subscription was not taken.
#[derive(Debug, PartialEq)]
pub(super) enum SubscribeError {
    /// There is no such client, or no longer.
    UnknownClient,
    /// The stream was opened from another address.
    OtherAddress,
    /// The client is somebody already, and somebody else.
    OtherCaller,
}

/// Too many listen already, or the gateway stops.
#[derive(Debug)]
pub(super) struct Full;

/// A client's place in the hub: gone when this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    hub: Hub,
    client_id: String,
}

impl Hub {
    /// Tells the clients of every change, until nobody can make changes any more.
    ///
    /// When it could not keep up, some changes are lost: it disconnects everyone, and they connect and read again.
    pub async fn run(self, mut changes: Receiver<RecordChange>) {
        loop {
            match changes.recv().await {
                Ok(change) => self.tell(&change),
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "changes were lost; every realtime client has to connect again");
                    self.listeners().clients.clear();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Whether anybody listens, now and when that changes.
    pub fn listened(&self) -> watch::Receiver<bool> {
        self.listened.subscribe()
    }

    fn count_listeners(&self, listeners: &Listeners) {
        let is_listened = !listeners.clients.is_empty();
        self.listened.send_if_modified(|listened| std::mem::replace(listened, is_listened) != is_listened);
    }

    /// Ends every stream and takes nobody in any more: a gateway that drains would wait for streams that never end.
    pub fn close(&self) {
        let mut listeners = self.listeners();
        listeners.is_closed = true;
        listeners.clients.clear();
    }

    /// Takes a client in; its first frame is queued.
    pub(super) fn connect(&self, address: String) -> Result<(Connected, mpsc::Receiver<Bytes>), Full> {
        let (client, frames) = Client::new(address);
        let client_id = client.id.clone();
        let mut listeners = self.listeners();
        let is_full = listeners.is_closed || listeners.clients.len() >= CLIENTS_MAX;
        if is_full || client.queue(connected(&client_id)).is_err() {
            return Err(Full);
        }
        listeners.clients.insert(client_id.clone(), client);
        self.count_listeners(&listeners);
        Ok((Connected { hub: self.clone(), client_id }, frames))
    }

    /// Puts these topics into the place of those a client had, and makes it somebody if it was a guest.
    pub(super) fn subscribe(
        &self,
        client_id: &str,
        address: &str,
        auth: Option<Arc<AuthRecord>>,
        topics: Vec<Topic>,
    ) -> Result<(), SubscribeError> {
        let mut listeners = self.listeners();
        let client = listeners.clients.get_mut(client_id).ok_or(SubscribeError::UnknownClient)?;
        if client.address != address {
            return Err(SubscribeError::OtherAddress);
        }
        if client.auth.as_ref().is_some_and(|known| !auth.as_ref().is_some_and(|auth| is_same(auth, known))) {
            return Err(SubscribeError::OtherCaller);
        }
        (client.auth, client.topics) = (auth, topics);
        if client.wants_status() {
            self.status_wanted.notify_one();
        }
        Ok(())
    }

    /// Waits until somebody asks for the status who may have it. Cancel-safe.
    pub(crate) async fn status_is_wanted(&self) {
        self.status_wanted.notified().await;
    }

    /// Tells whoever asked for it and may have it how every proxy is; says whether there is anybody. `status` is asked
    /// only if there is.
    pub(crate) fn tell_status(&self, status: impl Fn() -> String) -> bool {
        if !self.listeners().clients.values().any(Client::wants_status) {
            return false;
        }
        // Not while nobody can connect or subscribe.
        let json = status();
        self.listeners()
            .clients
            .values()
            .filter(|client| client.wants_status())
            .for_each(|client| client.hear_status(&json));
        true
    }

    /// Tells whoever may know of a change. Somebody whose tokens it revoked is a guest from then on.
    pub(super) fn tell(&self, change: &RecordChange) {
        let clients = &mut self.listeners().clients;
        for client in clients.values_mut().filter(|client| client.is_revoked_by(change)) {
            client.auth = None;
        }
        clients.retain(|_, client| match client.hear_of(change) {
            Ok(()) => true,
            Err(Stuck) => {
                tracing::info!(client = client.id, "a realtime client does not read and was disconnected");
                false
            }
        });
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Whoever panicked while he held it left the map whole: it is changed by single calls.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two tokens belong to one record; what the record says may have changed in between.
fn is_same(a: &AuthRecord, b: &AuthRecord) -> bool {
    (a.collection_id(), a.id(), a.origin()) == (b.collection_id(), b.id(), b.origin())
}

impl Connected {
    /// What the client is called.
    #[cfg(test)]
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut listeners = self.hub.listeners();
        listeners.clients.remove(&self.client_id);
        self.hub.count_listeners(&listeners);
    }
}

/// Each costs a few kilobytes; ten thousand browsers on the control plane are a mistake or an attack.
const CLIENTS_MAX: usize = 10_000;
