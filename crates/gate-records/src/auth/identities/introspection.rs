//! Asking a PocketBase whose token it is (contract §1.7).

use super::{Identity, Unavailable};
use crate::auth::{Claims, TokenKind, UnverifiedToken};
use crate::records::AuthRecord;
use gate_snapshot::Upstream;
use gate_upstream::{HttpAnswer, HttpClient, HttpQuestion};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::timeout;

/// Asks a PocketBase whose token it is, by refreshing it there, and remembers the answer for a while.
///
/// ## What is asked
/// A token that is expired, of another kind, or no token at all is never sent. Of those that ask about one token at
/// the same time one asks and the others wait for its answer.
///
/// ## How long an answer holds
/// A minute if it is somebody, but never beyond the token's own end; five seconds if it is nobody; a second if there
/// was none, so that a PocketBase that is down is not waited for by everybody in turn. A token that is revoked there
/// is good here until then.
///
/// ## What a PocketBase sees
/// One client: its rate limits and the list of addresses its superusers may come from have to let the gateway in.
pub struct Introspection {
    client: HttpClient,
    configuration: IntrospectionConfig,
    answers: Mutex<Answers>,
    /// One permit for every question under way.
    asking: Semaphore,
}

/// Which PocketBase is asked, and how far it is trusted.
#[derive(Clone, Debug)]
pub struct IntrospectionConfig {
    /// Where it is.
    pub service: Upstream,
    /// Whether its superusers are superusers here.
    pub trust_superusers: bool,
    /// How long its answers hold.
    pub hold: HoldTimes,
}

/// How long an answer holds.
#[derive(Clone, Copy, Debug)]
pub struct HoldTimes {
    /// That a token is somebody's; as long as a token that is revoked may go on. Never beyond the token's own end.
    pub somebody: Duration,
    /// That it is nobody's.
    pub nobody: Duration,
    /// That there was no answer.
    pub no_answer: Duration,
}

impl Default for HoldTimes {
    fn default() -> Self {
        HoldTimes { somebody: HOLD_SOMEBODY, nobody: HOLD_NOBODY, no_answer: HOLD_NO_ANSWER }
    }
}

/// What is remembered, by the SHA-256 of the token: of the token itself nothing is kept.
#[derive(Default)]
struct Answers {
    slots: HashMap<[u8; 32], Arc<Slot>>,
}

/// The answer about one token. Whoever asks holds the lock until the answer is in it.
struct Slot {
    answer: AsyncMutex<Option<Answer>>,
    used: Mutex<Instant>,
}

#[derive(Clone)]
struct Answer {
    outcome: Result<Option<Identity>, Unavailable>,
    holds_until: Instant,
}

impl Introspection {
    /// Introspection of the tokens of one PocketBase.
    pub fn new(client: HttpClient, configuration: IntrospectionConfig) -> Self {
        Introspection {
            client,
            configuration,
            answers: Mutex::default(),
            asking: Semaphore::new(QUESTIONS_MAX),
        }
    }

    /// Whose token this is.
    ///
    /// Cancel-safe: when the one who asks goes away, the next one who waits asks.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Identity>, Unavailable> {
        let Some(claims) = plausible(token) else { return Ok(None) };
        let slot = self.answers().slot(Sha256::digest(token).into(), Instant::now());
        let mut answer = slot.answer.lock().await;
        if let Some(known) = answer.as_ref().filter(|known| known.holds_until > Instant::now()) {
            return known.outcome.clone();
        }
        let outcome = self.ask(token, &claims).await;
        let holds_until = Instant::now() + self.hold_time(&outcome);
        *answer = Some(Answer { outcome: outcome.clone(), holds_until });
        outcome
    }

    fn hold_time(&self, outcome: &Result<Option<Identity>, Unavailable>) -> Duration {
        let hold = self.configuration.hold;
        match outcome {
            Ok(Some(identity)) => identity.expires_at.duration_since(SystemTime::now()).unwrap_or_default(),
            Ok(None) => hold.nobody,
            Err(Unavailable) => hold.no_answer,
        }
    }

    async fn ask(&self, token: &str, claims: &Claims) -> Result<Option<Identity>, Unavailable> {
        let turn = timeout(ANSWER_TIMEOUT, self.asking.acquire()).await;
        let Ok(Ok(_held_to_the_end)) = turn else { return Err(Unavailable) };
        let path = format!("/api/collections/{}/auth-refresh", claims.collection_id);
        let asked_at = SystemTime::now();
        let asking = async {
            let question = HttpQuestion::authorized(token)?;
            self.client.post(&self.configuration.service, &path, question, ANSWER_TIMEOUT).await
        };
        let answer = asking.await.map_err(|error| {
            tracing::warn!(%error, "PocketBase cannot be asked whose token it is");
            Unavailable
        })?;
        let expires_at = claims.expires_at().min(asked_at + self.configuration.hold.somebody);
        Ok(self.record(&answer, claims)?.map(|record| Identity { record, expires_at }))
    }

    /// The record in an answer. The fresh token beside it is dropped.
    fn record(&self, answer: &HttpAnswer, claims: &Claims) -> Result<Option<AuthRecord>, Unavailable> {
        match answer.status.as_u16() {
            200 => {}
            400 | 401 | 403 | 404 => return Ok(None),
            status => {
                tracing::warn!(status, "PocketBase does not say whose token it is");
                return Err(Unavailable);
            }
        }
        let Ok(Refreshed { record }) = serde_json::from_slice(&answer.body) else {
            tracing::warn!("what was asked whose token it is does not answer like a PocketBase");
            return Err(Unavailable);
        };
        let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, collection_id, name) = (text("id"), text("collectionId"), text("collectionName"));
        if id != claims.id || collection_id != claims.collection_id {
            return Ok(None);
        }
        Ok(Some(AuthRecord::remote(&collection_id, &name, record, self.configuration.trust_superusers)))
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("configuration", &self.configuration).finish_non_exhaustive()
    }
}

impl Answers {
    fn slot(&mut self, key: [u8; 32], now: Instant) -> Arc<Slot> {
        if let Some(slot) = self.slots.get(&key) {
            slot.touch(now);
            return Arc::clone(slot);
        }
        self.make_room();
        let slot = Arc::new(Slot { answer: AsyncMutex::new(None), used: Mutex::new(now) });
        self.slots.insert(key, Arc::clone(&slot));
        slot
    }

    /// Forgets the tenth that was used the longest ago, so that making room is rare.
    fn make_room(&mut self) {
        if self.slots.len() < ANSWERS_MAX {
            return;
        }
        let mut uses: Vec<Instant> = self.slots.values().map(|slot| slot.used()).collect();
        let tenth = ANSWERS_MAX / 10;
        let (_, newest_to_go, _) = uses.select_nth_unstable(tenth);
        let newest_to_go = *newest_to_go;
        self.slots.retain(|_, slot| slot.used() > newest_to_go);
    }
}

impl Slot {
    fn touch(&self, now: Instant) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What PocketBase answers to auth-refresh.
#[derive(Deserialize)]
struct Refreshed {
    record: Map<String, Value>,
}

/// The claims of a token that is worth asking about; its collection becomes part of a path.
fn plausible(token: &str) -> Option<Claims> {
    let claims = UnverifiedToken::parse(token, SystemTime::now()).ok()?.claims().clone();
    let is_id = |text: &str| {
        (1..=ID_CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    (claims.kind == TokenKind::Auth && is_id(&claims.collection_id)).then_some(claims)
}

/// How long a revoked token may go on (contract §1.7).
const HOLD_SOMEBODY: Duration = Duration::from_secs(60);
/// Short, because somebody may just be signing up.
const HOLD_NOBODY: Duration = Duration::from_secs(5);
/// As long as a person does not notice.
const HOLD_NO_ANSWER: Duration = Duration::from_secs(1);
/// A request waits for this answer before it is forwarded.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Questions at one time: PocketBase allows one address 30 a second, so more would only wait there.
const QUESTIONS_MAX: usize = 16;
/// About ten megabytes of records of usual size.
const ANSWERS_MAX: usize = 10_000;
/// PocketBase's ids have less.
const ID_CHARACTERS_MAX: usize = 100;
