//! The `traceparent` field (W3C Trace Context, level 2).

use std::fmt;
use std::num::NonZero;

/// What a request tells about its trace: which one, which span asks, and whether that is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span on whose behalf the request is made.
    pub span: SpanId,
    /// What else is said about it.
    flags: u8,
}

/// The id of a trace: 16 bytes, not all of them 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId {
    high: u64,
    low: u64,
}

/// The id of a span: 8 bytes, not all of them 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZero<u64>);

impl TraceContext {
    /// How many bytes the field has that this gateway writes.
    pub const LENGTH: usize = 55;

    /// The beginning of a trace.
    pub fn new(trace: TraceId, span: SpanId, is_sampled: bool) -> Self {
        let sampled = if is_sampled { SAMPLED } else { 0 };
        TraceContext { trace, span, flags: RANDOM | sampled }
    }

    /// Reads the field (§3.2). A version that is not known yet is read as far as this one goes (§4.3).
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, further) = value.split_at_checked(Self::LENGTH)?;
        let &[v1, v2, b'-', ref ids @ .., b'-', f1, f2] = known else { return None };
        let version = hex(&[v1, v2])?;
        let may_go_on = version != FIRST_VERSION && further.starts_with(b"-");
        if version == INVALID_VERSION || !further.is_empty() && !may_go_on {
            return None;
        }
        let (trace, span) = ids.split_at_checked(TRACE_DIGITS)?;
        let (high, low) = trace.split_at_checked(TRACE_DIGITS / 2)?;
        let span = span.strip_prefix(b"-")?;
        let flags = u8::try_from(hex(&[f1, f2])?).ok()?;
        Some(TraceContext {
            trace: TraceId::new(hex(high)?, hex(low)?)?,
            span: SpanId::new(hex(span)?)?,
            flags: flags & (SAMPLED | RANDOM),
        })
    }

    /// What another span of the same trace tells.
    #[must_use]
    pub fn child(self, span: SpanId) -> Self {
        TraceContext { span, ..self }
    }

    /// Whether what belongs to the trace is recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The lowest byte of what is said about it.
    pub fn flags(self) -> u8 {
        self.flags
    }

    /// The field.
    pub fn to_field(self) -> [u8; Self::LENGTH] {
        let mut field = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let digits = |range: std::ops::Range<usize>, bits: u64, field: &mut [u8]| {
            for (place, byte) in field.get_mut(range).unwrap_or_default().iter_mut().rev().enumerate() {
                *byte = hex_digit(bits >> (4 * place));
            }
        };
        digits(3..19, self.trace.high, &mut field);
        digits(19..35, self.trace.low, &mut field);
        digits(36..52, self.span.0.get(), &mut field);
        digits(53..55, self.flags.into(), &mut field);
        field
    }
}

impl TraceId {
    /// An id of 16 bytes; none if they are all 0 (§3.2.2.3).
    pub fn new(high: u64, low: u64) -> Option<Self> {
        (high | low != 0).then_some(TraceId { high, low })
    }

    /// An id of random bits.
    pub fn random(high: u64, low: u64) -> Self {
        // Of 2¹²⁸ numbers one is none.
        TraceId { high, low: if high | low == 0 { 1 } else { low } }
    }

    /// As 32 hexadecimal digits.
    pub fn to_digits(self) -> [u8; TRACE_DIGITS] {
        let mut digits = [0; TRACE_DIGITS];
        let bits = u128::from(self.high) << 64 | u128::from(self.low);
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "one digit of it")]
            let bits = (bits >> (4 * place)) as u64;
            *digit = hex_digit(bits);
        }
        digits
    }

    /// The part that is random in every trace whose ids are (level 2, §3.2.2.3.1): 7 bytes.
    pub fn randomness(self) -> u64 {
        self.low & RANDOMNESS
    }
}

impl SpanId {
    /// An id of 8 bytes; none if they are all 0 (§3.2.2.4).
    pub fn new(bits: u64) -> Option<Self> {
        NonZero::new(bits).map(SpanId)
    }

    /// An id of random bits.
    pub fn random(bits: u64) -> Self {
        // Of 2⁶⁴ numbers one is none.
        SpanId(NonZero::new(bits).unwrap_or(NonZero::<u64>::MIN))
    }

    /// The id of a span within this one, the same one whenever it is asked for.
    #[must_use]
    pub fn inner(self, number: u8) -> Self {
        // Multiplying by an odd number is a bijection, so distinct numbers give distinct ids.
        SpanId::random(self.0.get() ^ (u64::from(number) + 1).wrapping_mul(SPREAD))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.high, self.low)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Up to 16 digits; capitals are not allowed (§3.2.1).
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |bits, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(bits << 4 | u64::from(digit))
    })
}

/// The digit for the lowest four bits.
fn hex_digit(bits: u64) -> u8 {
    b"0123456789abcdef".get((bits & 0xf) as usize).copied().unwrap_or(b'0')
}

/// The version this gateway writes.
const FIRST_VERSION: u64 = 0;
/// No version ever has this number (§3.2.1).
const INVALID_VERSION: u64 = 0xff;
/// What belongs to the trace is recorded (§3.2.2.5.1).
const SAMPLED: u8 = 0x01;
/// The last 7 bytes of the trace's id are random (level 2, §3.2.2.5.2).
const RANDOM: u8 = 0x02;
/// 7 bytes.
const RANDOMNESS: u64 = (1 << 56) - 1;
/// Digits of a trace's id.
const TRACE_DIGITS: usize = 32;
/// 2⁶⁴ divided by the golden ratio, odd.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[track_caller]
    fn check(field: &str, expected: Option<(&str, &str, bool)>) {
        let parsed = TraceContext::parse(field.as_bytes());
        let told =
            parsed.map(|context| (context.trace.to_string(), context.span.to_string(), context.is_sampled()));
        let expected = expected.map(|(trace, span, sampled)| (trace.to_owned(), span.to_owned(), sampled));
        assert_eq!(told, expected, "{field}");
    }

    #[test]
    fn a_field_names_trace_and_span() {
        let ids = |is_sampled| Some(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", is_sampled));
        check(FIELD, ids(true));
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", ids(false));
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", ids(false));
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", ids(true));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let ids = |is_sampled| Some(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", is_sampled));
        check("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ids(true));
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings", ids(true));
        check("fe-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-", ids(false));
        check("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", None);
        check("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", None);
    }

    #[test]
    fn everything_else_is_no_field() {
        for field in [
            "",
            "00",
            "-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333G-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            check(field, None);
        }
    }

    #[test]
    fn what_was_read_is_written_again() {
        let context = TraceContext::parse(FIELD.as_bytes()).unwrap();
        assert_eq!(str::from_utf8(&context.to_field()), Ok(FIELD));
        // Flags that mean nothing yet are not passed on (§3.2.2.5).
        let flags = FIELD.replace("-01", "-ff");
        let context = TraceContext::parse(flags.as_bytes()).unwrap();
        assert!(context.to_field().ends_with(b"-03"));
    }

    #[test]
    fn a_child_belongs_to_the_same_trace() {
        let context = TraceContext::parse(FIELD.as_bytes()).unwrap();
        let child = context.child(SpanId::new(0xab).unwrap());
        let field = child.to_field();
        assert_eq!(str::from_utf8(&field), Ok("00-0af7651916cd43dd8448eb211c80319c-00000000000000ab-01"));
    }

    #[test]
    fn spans_within_a_span_have_ids_of_their_own() {
        let span = SpanId::new(7).unwrap();
        let ids: std::collections::HashSet<_> =
            (0..4).map(|number| span.inner(number)).chain([span]).collect();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn a_trace_that_begins_here_says_that_its_id_is_random() {
        let (trace, span) = (TraceId::new(1, 2).unwrap(), SpanId::new(3).unwrap());
        let field = |is_sampled| TraceContext::new(trace, span, is_sampled).to_field();
        assert!(field(true).ends_with(b"-03") && field(false).ends_with(b"-02"));
        assert_eq!(TraceId::new(0, 0), None);
        assert_eq!(SpanId::new(0), None);
    }
}
