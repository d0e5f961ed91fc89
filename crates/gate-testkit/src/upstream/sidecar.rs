//! A fragile service: counts what it does at one time, and does what the test says at the moment.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::sync::Semaphore;

use super::behaviour::Behaviour;
use super::listening::Upstream;
use super::peer::Peer;

/// An upstream that counts what it does at one time, and does what the test says at the moment.
pub struct Sidecar {
    /// The listening upstream and its ledger.
    pub upstream: Upstream,
    state: Arc<State>,
}

/// What a [`Sidecar`] does with a request that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers 200.
    Well,
    /// Answers 200 after a while.
    Slow(Duration),
    /// Answers 200 once the test lets it, with [`Sidecar::release`].
    Held,
    /// Answers with this status.
    Fails(u16),
    /// Answers with this status and asks for so many seconds of rest.
    Asks(u16, u32),
    /// Resets the connection.
    Resets,
    /// Promises a body and resets the connection in the middle of it.
    ResetsInBody,
}

struct State {
    mood: Mutex<Mood>,
    /// After so many more requests it does something else.
    then: Mutex<Option<(usize, Mood)>>,
    /// Connections whose request it works on, by the number of the request.
    running: Mutex<HashMap<usize, OwnedFd>>,
    peak: AtomicUsize,
    arrived: AtomicUsize,
    releases: Semaphore,
}

/// Counts a request as running for as long as it lives.
struct Work {
    state: Arc<State>,
    number: usize,
}

impl Sidecar {
    /// Listens on IPv4 loopback.
    pub async fn start(mood: Mood) -> Self {
        let state = Arc::new(State {
            mood: Mutex::new(mood),
            then: Mutex::new(None),
            running: Mutex::default(),
            peak: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
            releases: Semaphore::new(0),
        });
        Self { upstream: Upstream::start(Served(Arc::clone(&state))).await, state }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.upstream.url()
    }

    /// From now on.
    pub fn becomes(&self, mood: Mood) {
        *self.state.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Once that many more requests have arrived.
    pub fn becomes_after(&self, requests: usize, mood: Mood) {
        *self.state.then.lock().unwrap_or_else(PoisonError::into_inner) = Some((requests, mood));
    }

    /// Lets that many held requests be answered.
    pub fn release(&self, count: usize) {
        self.state.releases.add_permits(count);
    }

    /// Requests it works on now.
    pub fn running(&self) -> usize {
        self.state.running.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The most it has worked on at one time. A request counts until its answer is made or the other side closes its connection.
    pub fn peak(&self) -> usize {
        self.state.peak.load(Ordering::SeqCst)
    }

    /// Requests it has seen.
    pub fn arrived(&self) -> usize {
        self.state.arrived.load(Ordering::SeqCst)
    }
}

struct Served(Arc<State>);

impl Behaviour for Served {
    async fn serve(&self, mut peer: Peer) -> io::Result<()> {
        while let Some(_request) = peer.read_request().await? {
            let work = Work::begin(&self.0, &peer)?;
            let mood = self.0.mood();
            let answer = match mood {
                Mood::Well => ok(),
                Mood::Slow(pause) => {
                    let left = tokio::time::timeout(pause, peer.until_closed()).await.is_ok();
                    if left {
                        return Ok(());
                    }
                    ok()
                }
                Mood::Held => {
                    tokio::select! {
                        released = self.0.releases.acquire() => released.map_err(io::Error::other)?.forget(),
                        _ = peer.until_closed() => return Ok(()),
                    }
                    ok()
                }
                Mood::Fails(status) => format!("HTTP/1.1 {status} Sidecar\r\nContent-Length: 0\r\n\r\n"),
                Mood::Asks(status, seconds) => {
                    format!(
                        "HTTP/1.1 {status} Sidecar\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n"
                    )
                }
                Mood::Resets => return peer.reset(),
                Mood::ResetsInBody => {
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await?;
                    // The head must have been read before the reset takes it away.
                    let _ = tokio::time::timeout(READ_BY_THEN, peer.until_closed()).await;
                    return peer.reset();
                }
            };
            drop(work);
            peer.send(answer).await?;
        }
        Ok(())
    }
}

impl State {
    /// What to do with the request that has just arrived.
    fn mood(&self) -> Mood {
        let mut then = self.then.lock().unwrap_or_else(PoisonError::into_inner);
        let mut mood = self.mood.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *then {
            Some((0, next)) => {
                *mood = *next;
                *then = None;
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        *mood
    }
}

impl Work {
    /// Whoever was cut off has had its connection closed before the next one was let in, but its task here may not have run
    /// since: the sockets are asked, not the tasks.
    fn begin(state: &Arc<State>, peer: &Peer) -> io::Result<Self> {
        let number = state.arrived.fetch_add(1, Ordering::SeqCst);
        let mut running = state.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(number, peer.duplicate()?);
        if running.len() > state.peak.load(Ordering::SeqCst) {
            let open = running.values().filter(|connection| is_open(connection)).count();
            state.peak.fetch_max(open, Ordering::SeqCst);
        }
        Ok(Work { state: Arc::clone(state), number })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.state.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// Whether neither an end nor a reset has arrived.
fn is_open(connection: &OwnedFd) -> bool {
    match SockRef::from(connection).peek(&mut [MaybeUninit::uninit()]) {
        Ok(count) => count > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

fn ok() -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
}

const READ_BY_THEN: Duration = Duration::from_millis(50);
