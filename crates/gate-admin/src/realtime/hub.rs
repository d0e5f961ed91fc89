//! Everyone who listens.

use super::client::{Client, Topics};
use super::frame::connected;
use super::queue::Frames;
use super::room::{NoRoom, Taken};
use super::subscriber::{Subscriber, Token};
use super::watch_caller::watch_caller;
use crate::services::Authenticate;
use gate_records::auth::Unavailable;
use gate_records::records::{AuthRecord, RecordChange};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

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
    clients: HashMap<String, Arc<Client>>,
    /// How much of it they take.
    taken: Taken,
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
    /// There are too many topics already, of all clients or of those from that address.
    Full,
}

/// Too many listen already, in all or from one address, or the gateway stops.
#[derive(Debug)]
pub(super) struct Full;

/// A client's place in the hub: gone when this is dropped.
#[derive(Debug)]
pub(super) struct Connected {
    hub: Hub,
    client_id: String,
    address: String,
    /// Asks again and again who it is; ends with it.
    watching: JoinSet<()>,
}

impl Hub {
    /// Tells the clients of every change, until nobody can make changes any more.
    ///
    /// When it could not keep up, some changes are lost: it disconnects everyone, and they connect and read again.
    pub async fn run(self, mut changes: Receiver<RecordChange>) {
        loop {
            match changes.recv().await {
                Ok(change) => self.tell(&change).await,
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "changes were lost; every realtime client has to connect again");
                    self.listeners().clear();
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
        listeners.clear();
    }

    /// Takes a client in; its first frame is queued.
    pub(super) fn connect(&self, address: String) -> Result<(Connected, Frames), Full> {
        let (client, frames) = Client::new(address.clone());
        let client_id = client.id.clone();
        let mut listeners = self.listeners();
        if listeners.is_closed || client.push(connected(&client_id)).is_err() {
            return Err(Full);
        }
        listeners.taken.add_client(&address).map_err(|NoRoom| Full)?;
        listeners.clients.insert(client_id.clone(), Arc::new(client));
        self.count_listeners(&listeners);
        Ok((Connected { hub: self.clone(), client_id, address, watching: JoinSet::new() }, frames))
    }

    /// Puts these topics into the place of those a client had, and makes it somebody if it was a guest.
    pub(super) fn subscribe(
        &self,
        client_id: &str,
        address: &str,
        subscriber: Subscriber,
        topics: Topics,
    ) -> Result<(), SubscribeError> {
        let mut listeners = self.listeners();
        let Listeners { clients, taken, .. } = &mut *listeners;
        let client = clients.get_mut(client_id).ok_or(SubscribeError::UnknownClient)?;
        if client.address != address {
            return Err(SubscribeError::OtherAddress);
        }
        if !subscriber.may_follow(&client.subscriber) {
            return Err(SubscribeError::OtherCaller);
        }
        let replaced = taken.replace_topics(address, client.topics.bytes, topics.bytes);
        replaced.map_err(|NoRoom| SubscribeError::Full)?;
        *client = client.with_subscriber(subscriber).with_topics(topics);
        if client.wants_status() {
            self.status_wanted.notify_one();
        }
        Ok(())
    }

    /// The token a client listens with, if it is no guest.
    pub(super) fn token(&self, client_id: &str) -> Option<Token> {
        self.listeners().clients.get(client_id)?.subscriber.token.clone()
    }

    /// Takes note of whose token it is that a client listens with. When it is nobody's any more, the client is a guest; when
    /// nobody can tell, it is disconnected, since it might hear what is not for it.
    pub(super) fn caller_is(
        &self,
        client_id: &str,
        token: &Token,
        answer: Result<Option<AuthRecord>, Unavailable>,
    ) {
        let mut listeners = self.listeners();
        let Some(client) = listeners.clients.get_mut(client_id) else { return };
        if client.subscriber.token.as_ref() != Some(token) {
            return;
        }
        let Ok(record) = answer else {
            tracing::info!(
                client = client_id,
                "nobody can tell who a realtime client is; it was disconnected"
            );
            return listeners.remove(client_id);
        };
        let now = Subscriber { auth: record.map(Arc::new), token: Some(token.clone()) };
        let is_still_somebody = now.auth.is_some() && now.may_follow(&client.subscriber);
        *client = client.with_subscriber(if is_still_somebody { now } else { Subscriber::default() });
    }

    /// Waits until somebody asks for the status who may have it. Cancel-safe.
    pub(crate) async fn status_is_wanted(&self) {
        self.status_wanted.notified().await;
    }

    /// Tells whoever asked for it and may have it how every proxy is; says whether there is anybody. `status` is asked
    /// only if there is.
    pub(crate) fn tell_status(&self, status: impl Fn() -> String) -> bool {
        if !self.listeners().clients.values().any(|client| client.wants_status()) {
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
    ///
    /// Rules and filters are asked while others connect and subscribe.
    pub(super) async fn tell(&self, change: &RecordChange) {
        let Some(seen) = change.seen() else { return };
        for client in self.clients_after(change) {
            if client.hear_of(&seen, change.action()).await.is_err() {
                tracing::info!(client = client.id, "a realtime client does not read and was disconnected");
                self.listeners().remove(&client.id);
            }
        }
    }

    /// Everybody, as they are with that change made.
    fn clients_after(&self, change: &RecordChange) -> Vec<Arc<Client>> {
        let mut listeners = self.listeners();
        for client in listeners.clients.values_mut().filter(|client| client.subscriber.is_revoked_by(change))
        {
            *client = client.with_subscriber(Subscriber::default());
        }
        listeners.clients.values().cloned().collect()
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // Whoever panicked while he held it left the map whole: it is changed by single calls.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    /// Tells a client nothing more. What it has not read is still there, and so it keeps its place, until it is gone.
    fn remove(&mut self, client_id: &str) {
        if let Some(client) = self.clients.remove(client_id) {
            self.taken.remove_topics(&client.address, client.topics.bytes);
        }
    }

    fn clear(&mut self) {
        for (_, client) in self.clients.drain() {
            self.taken.remove_topics(&client.address, client.topics.bytes);
        }
    }
}

impl Connected {
    /// What the client is called.
    #[cfg(test)]
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Has somebody ask again and again who it is.
    pub(super) fn watch(&mut self, authenticate: Authenticate) {
        self.watching.spawn(watch_caller(self.hub.clone(), self.client_id.clone(), authenticate));
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut listeners = self.hub.listeners();
        listeners.remove(&self.client_id);
        listeners.taken.remove_client(&self.address);
        self.hub.count_listeners(&listeners);
    }
}
