//! The tokens a worker has asked about already.

use foldhash::fast::RandomState;
use gate_snapshot::{Answer, Identity, Verdict};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

/// The tokens a worker has asked about already, and what it was told: at most [`TOKENS_MAX`] of each generation.
///
/// ```text
///  answer ──▶ young ──(young is full)──▶ old ──(young is full again)──▶ forgotten
///               ▲                         │
///               └──────── asked for ──────┘
/// ```
/// The table's hash has a random key: whoever sends tokens cannot choose where they go.
#[derive(Debug, Default)]
pub(crate) struct KnownTokens {
    young: HashMap<Box<str>, Known, RandomState>,
    old: HashMap<Box<str>, Known, RandomState>,
}

/// What is known of a token.
#[derive(Clone, Debug)]
pub(crate) enum Bearer {
    /// Its bearer.
    Known(Rc<Identity>),
    /// It is ours, and not valid.
    Invalid,
    /// It is none of ours.
    Foreign,
}

#[derive(Debug)]
struct Known {
    bearer: Bearer,
    expires: Instant,
    epoch: u64,
}

impl KnownTokens {
    /// What is known of a token, if that can still be relied on.
    pub(crate) fn bearer(&mut self, token: &str, now: Instant, epoch: u64) -> Option<Bearer> {
        if let Some(known) = self.young.get(token) {
            return known.bearer_at(now, epoch);
        }
        let (token, known) = self.old.remove_entry(token)?;
        let bearer = known.bearer_at(now, epoch);
        self.insert(token, known);
        bearer
    }

    /// Keeps an answer, if it is one. `epoch` = the one in which it was asked for.
    pub(crate) fn learn(
        &mut self,
        token: Box<str>,
        answer: Answer,
        now: Instant,
        epoch: u64,
    ) -> Option<Bearer> {
        let bearer = match answer.verdict {
            Verdict::Known(identity) => Bearer::Known(Rc::from(identity)),
            Verdict::Invalid => Bearer::Invalid,
            Verdict::Foreign => Bearer::Foreign,
            Verdict::Unavailable => return None,
        };
        let expires = now.checked_add(answer.valid_for).unwrap_or(now);
        self.insert(token, Known { bearer: bearer.clone(), expires, epoch });
        Some(bearer)
    }

    fn insert(&mut self, token: Box<str>, known: Known) {
        if self.young.len() >= TOKENS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, known);
    }
}

impl Known {
    fn bearer_at(&self, now: Instant, epoch: u64) -> Option<Bearer> {
        (self.expires > now && self.epoch == epoch).then(|| self.bearer.clone())
    }
}

/// Enough for the people who use one worker at the same time; with tokens of 250 bytes, half a MiB.
const TOKENS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MINUTE: Duration = Duration::from_secs(60);

    fn foreign() -> Answer {
        Answer { verdict: Verdict::Foreign, valid_for: MINUTE }
    }

    #[test]
    fn an_answer_holds_for_its_time_and_its_epoch() {
        let (mut known, now) = (KnownTokens::default(), Instant::now());
        known.learn("a".into(), foreign(), now, 1);
        assert!(matches!(known.bearer("a", now, 1), Some(Bearer::Foreign)));
        assert!(known.bearer("a", now + MINUTE, 1).is_none());
        assert!(known.bearer("a", now, 2).is_none());
        assert!(known.bearer("b", now, 1).is_none());
    }

    #[test]
    fn the_table_is_bounded_and_keeps_what_is_used() {
        let (mut known, now) = (KnownTokens::default(), Instant::now());
        known.learn("used".into(), foreign(), now, 1);
        for number in 0..10 * TOKENS_MAX {
            known.learn(number.to_string().into(), foreign(), now, 1);
            assert!(known.bearer("used", now, 1).is_some());
        }
        assert!(known.young.len() + known.old.len() <= 2 * TOKENS_MAX);
        assert!(known.bearer("0", now, 1).is_none());
    }
}
