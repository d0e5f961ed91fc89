//! How many requests a caller may make in a time (`rateLimit`).

use crate::shards::{SHARDS, Shards};
use crate::sliding_window::nanoseconds;
use crate::sync::{AtomicU32, AtomicU64};
use crate::{CallerKey, RateLimitBy, RateLimitConfig};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The generic cell rate algorithm (ITU-T I.371): a bucket of `burst` requests for each caller, filled evenly with `requests` in
/// each `window`, over all workers.
///
/// All that is kept of a caller is the moment at which its bucket will be full again. A request moves that moment on by the
/// time in which one request is filled in, and is refused if it would then be further away than a whole bucket
/// takes. So in any time `t` no more than `burst + t · requests / window` pass.
///
/// The table is bounded. Beyond its bounds, those who have used the least are forgotten: first of all callers whose buckets are full,
/// for whom that changes nothing.
#[derive(Debug)]
pub struct RateLimiter {
    /// Moments are counted from here.
    started: Instant,
    /// In what time one request is filled in; 0 = there is no limit.
    interval_ns: AtomicU64,
    burst: AtomicU32,
    by: AtomicU32,
    dry_run: AtomicBool,
    dry_run_refusals: AtomicU64,
    callers: Shards<Shard>,
}

/// What is allowed.
#[derive(Clone, Copy, Debug)]
struct Rate {
    interval_ns: u64,
    burst: u32,
}

/// Callers by the hash of their key, and when their buckets are full again, in nanoseconds.
///
/// The hash stands for the key: that two of the table's callers share one of 2^64 unpredictable numbers does not happen.
type Shard = HashMap<u64, u64, BuildHasherDefault<AsItIs>>;

/// The hash of a hash.
#[derive(Debug, Default)]
struct AsItIs(u64);

/// Whether a request may pass, and what to tell its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateVerdict {
    /// It may.
    pub allowed: bool,
    /// How many may come at once after a quiet time: the burst.
    pub limit: u32,
    /// How many more may come now.
    pub remaining: u32,
    /// When the whole burst may come again.
    pub reset: Duration,
    /// When the next one may come; zero where it may now.
    pub retry_after: Duration,
}

impl RateLimiter {
    /// `None` = no limit.
    pub fn new(config: Option<&RateLimitConfig>, now: Instant) -> Self {
        let limiter = RateLimiter {
            started: now,
            interval_ns: AtomicU64::new(0),
            burst: AtomicU32::new(1),
            by: AtomicU32::new(by_number(RateLimitBy::default())),
            dry_run: AtomicBool::new(false),
            dry_run_refusals: AtomicU64::new(0),
            callers: Shards::new(),
        };
        limiter.configure(config, now);
        limiter
    }

    /// Another limit from now on. Callers keep what they have used, up to a whole burst; unless others are counted together.
    pub fn configure(&self, config: Option<&RateLimitConfig>, now: Instant) {
        let Some(config) = config else {
            self.interval_ns.store(0, Ordering::Relaxed);
            return self.forget();
        };
        let requests = u64::from(config.requests.max(1));
        // Rounded up: never more than asked for.
        let interval_ns = nanoseconds(config.window).div_ceil(requests).clamp(1, INTERVAL_MAX_NS);
        self.interval_ns.store(interval_ns, Ordering::Relaxed);
        self.burst.store(config.burst.max(1), Ordering::Relaxed);
        self.dry_run.store(config.dry_run, Ordering::Relaxed);
        let by = by_number(config.by);
        if self.by.swap(by, Ordering::Relaxed) != by {
            return self.forget();
        }
        self.cap(self.rate().bucket_ns(), now);
    }

    /// Whether there is a limit.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.interval_ns.load(Ordering::Relaxed) > 0
    }

    /// Whose requests are counted together.
    pub fn by(&self) -> RateLimitBy {
        by_of(self.by.load(Ordering::Relaxed))
    }

    /// Counts a request, if it may pass. A dry run refuses as well; it is for whoever asks to let the request through.
    pub fn take(&self, key: &CallerKey, now: Instant) -> RateVerdict {
        let (rate, now) = (self.rate(), self.moment(now));
        if rate.interval_ns == 0 {
            return rate.verdict(true, 0);
        }
        let hash = self.callers.hash(key);
        let mut shard = self.callers.of(hash);
        let known = shard.get_mut(&hash);
        let used = known.as_ref().map_or(0, |full_at| full_at.saturating_sub(now));
        let with_this = used.saturating_add(rate.interval_ns);
        if with_this > rate.bucket_ns() {
            self.dry_run_refusals
                .fetch_add(u64::from(self.dry_run.load(Ordering::Relaxed)), Ordering::Relaxed);
            return rate.verdict(false, used);
        }
        let full_at = now.saturating_add(with_this);
        if let Some(known) = known {
            *known = full_at;
        } else {
            if shard.len() >= KEYS_PER_SHARD {
                make_room(&mut shard);
            }
            shard.insert(hash, full_at);
        }
        rate.verdict(true, with_this)
    }

    /// How many requests a dry run would have refused.
    pub fn dry_run_refusals(&self) -> u64 {
        self.dry_run_refusals.load(Ordering::Relaxed)
    }

    /// How many callers it remembers; 100,000 at most.
    pub fn callers(&self) -> usize {
        self.callers.all().map(|shard| shard.len()).sum()
    }

    fn rate(&self) -> Rate {
        Rate {
            interval_ns: self.interval_ns.load(Ordering::Relaxed),
            burst: self.burst.load(Ordering::Relaxed),
        }
    }

    fn moment(&self, now: Instant) -> u64 {
        nanoseconds(now.saturating_duration_since(self.started))
    }

    fn forget(&self) {
        self.callers.all().for_each(|mut shard| *shard = Shard::default());
    }

    /// Nobody has used more than a whole bucket: who has, has used one of another size.
    fn cap(&self, bucket_ns: u64, now: Instant) {
        let latest = self.moment(now).saturating_add(bucket_ns);
        for mut shard in self.callers.all() {
            shard.values_mut().for_each(|full_at| *full_at = latest.min(*full_at));
        }
    }
}

impl Rate {
    /// In what time a whole bucket is filled.
    fn bucket_ns(self) -> u64 {
        self.interval_ns.saturating_mul(u64::from(self.burst)).min(BUCKET_MAX_NS)
    }

    /// What a caller is told that has used so much of its bucket, in the time in which that is filled in again.
    fn verdict(self, allowed: bool, used: u64) -> RateVerdict {
        let left = self.bucket_ns().saturating_sub(used);
        let remaining = left.checked_div(self.interval_ns).unwrap_or(u64::from(self.burst));
        RateVerdict {
            allowed,
            limit: self.burst,
            remaining: u32::try_from(remaining).unwrap_or(self.burst),
            reset: Duration::from_nanos(used),
            retry_after: Duration::from_nanos(self.interval_ns.saturating_sub(left)),
        }
    }
}

impl Hasher for AsItIs {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Never called: what is hashed is a number.
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Forgets those who have used the least, whose buckets are full if anybody's are. To find them is a walk through the table, so a
/// sixteenth of it goes at a time.
fn make_room(shard: &mut Shard) {
    let mut room = shard.len() / 16 + 1;
    let mut moments: Vec<u64> = shard.values().copied().collect();
    let (_, &mut least_used, _) = moments.select_nth_unstable(room - 1);
    shard.retain(|_, full_at| {
        let goes = *full_at <= least_used && room > 0;
        room -= usize::from(goes);
        !goes
    });
}

fn by_number(by: RateLimitBy) -> u32 {
    match by {
        RateLimitBy::Identity => 0,
        RateLimitBy::Ip => 1,
        RateLimitBy::Proxy => 2,
    }
}

fn by_of(number: u32) -> RateLimitBy {
    match number {
        1 => RateLimitBy::Ip,
        2 => RateLimitBy::Proxy,
        _ => RateLimitBy::Identity,
    }
}

/// 100,000 callers in all, in about 5 MiB: more than call within a window, and no more than strangers may cost.
const KEYS_PER_SHARD: usize = 100_000 / SHARDS;
/// 146 years each, so that no sum of them overflows.
const INTERVAL_MAX_NS: u64 = u64::MAX / 4;
const BUCKET_MAX_NS: u64 = u64::MAX / 4;
