//! What limits tell the client, on a refusal and on an answer.

use gate_http::HeadWriter;
use gate_traffic::{Open, Phase, RateVerdict};
use std::time::Duration;

/// What limits tell the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// When another attempt makes sense, in whole seconds.
    retry_after: Option<u32>,
    /// How much of a rate is left.
    rate: Option<Rate>,
    /// The breaker's word, when it refuses.
    breaker: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    limit: u32,
    remaining: u32,
    reset_seconds: u32,
}

impl Told {
    /// There may be another gateway, and this one may be well again as soon.
    pub(crate) fn come_back_soon() -> Self {
        Told { retry_after: Some(1), ..Told::default() }
    }

    /// Another attempt makes sense after this time.
    pub(crate) fn retry_after(&mut self, wait: Duration) {
        self.retry_after = Some(whole_seconds(wait).max(1));
    }

    /// The breaker refuses.
    pub(crate) fn breaker(&mut self, open: &Open) {
        self.retry_after(open.retry_after);
        self.breaker = Some(match open.phase {
            Phase::HalfOpen => "half-open",
            Phase::Open | Phase::Closed => "open",
        });
    }

    /// So much of a rate is left.
    pub(crate) fn rate(&mut self, verdict: &RateVerdict) {
        let RateVerdict { limit, remaining, reset, .. } = *verdict;
        self.rate = Some(Rate { limit, remaining, reset_seconds: whole_seconds(reset) });
    }

    /// Writes what belongs on every answer.
    pub(crate) fn write(&self, writer: &mut HeadWriter<'_>) {
        if let Some(Rate { limit, remaining, reset_seconds }) = self.rate {
            number(writer, RATE_LIMIT, limit);
            number(writer, RATE_REMAINING, remaining);
            number(writer, RATE_RESET, reset_seconds);
        }
    }

    /// Whether a field of the upstream's says what [`Told::write`] says: of two rates a client could not tell which is whose.
    pub(crate) fn replaces(&self, name: &[u8]) -> bool {
        let ours = [RATE_LIMIT, RATE_REMAINING, RATE_RESET];
        self.rate.is_some() && ours.iter().any(|ours| name.eq_ignore_ascii_case(ours))
    }

    /// Writes what belongs on a refusal.
    pub(crate) fn write_refusal(&self, writer: &mut HeadWriter<'_>) {
        if let Some(seconds) = self.retry_after {
            number(writer, b"Retry-After", seconds);
        }
        if let Some(state) = self.breaker {
            writer.field(b"X-Circuit-Breaker", state.as_bytes());
        }
        self.write(writer);
    }
}

const RATE_LIMIT: &[u8] = b"RateLimit-Limit";
const RATE_REMAINING: &[u8] = b"RateLimit-Remaining";
const RATE_RESET: &[u8] = b"RateLimit-Reset";
/// The names of these fields, for browsers that ask across origins.
pub(crate) const EXPOSED: &str = "X-Gateway-Reason, X-Request-Id, X-Circuit-Breaker, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset";

/// Rounded up: who comes back a moment too early has come for nothing.
fn whole_seconds(wait: Duration) -> u32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn number(writer: &mut HeadWriter<'_>, name: &[u8], mut value: u32) {
    let mut digits = [0_u8; 10];
    let mut start = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    writer.field(name, digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(told: &Told) -> String {
        let mut bytes = [0; 512];
        let mut writer = HeadWriter::new(&mut bytes);
        told.write_refusal(&mut writer);
        let length = writer.finish().unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn r020_fr_011_a_wait_is_rounded_up_and_never_nothing() {
        for (milliseconds, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_500, 60)] {
            let mut told = Told::default();
            told.retry_after(Duration::from_millis(milliseconds));
            assert_eq!(written(&told), format!("Retry-After: {seconds}\r\n"));
        }
    }

    #[test]
    fn nothing_is_said_without_a_limit() {
        assert_eq!(written(&Told::default()), "");
    }
}
