//! The time of a line: `2006-01-02T15:04:05.678Z`.

use super::number::push_thousandths;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes times, of which most are in the same second as the one before.
#[derive(Debug)]
pub(super) struct Timestamps {
    /// None like it before the first.
    second: u64,
    /// That second as text.
    text: [u8; SECOND_BYTES],
}

impl Timestamps {
    /// Appends a time; one before 1970 is taken for 1970.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>, time: SystemTime) {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != since_1970.as_secs() {
            self.second = since_1970.as_secs();
            self.text = text(self.second);
        }
        out.extend_from_slice(&self.text);
        push_thousandths(out, since_1970.subsec_millis());
        out.push(b'Z');
    }
}

impl Default for Timestamps {
    fn default() -> Self {
        Timestamps { second: u64::MAX, text: [0; SECOND_BYTES] }
    }
}

#[cold]
fn text(second: u64) -> [u8; SECOND_BYTES] {
    let (year, month, day) = date(second / DAY);
    let (hour, minute) = (second % DAY / 3600, second / 60 % 60);
    let mut text = *b"0000-00-00T00:00:00";
    let words = text.split_mut(|byte| !byte.is_ascii_digit());
    for (word, mut number) in words.zip([year, month, day, hour, minute, second % 60]) {
        for digit in word.iter_mut().rev() {
            *digit += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    text
}

/// The date a number of days after 1970-01-01. Counts from a 1 March, so that the day a leap year has more is its last, and
/// in cycles of 400 years, which are all alike.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let day_of_cycle = days % DAYS_OF_CYCLE;
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // Five months from March on have 153 days, and so have the next five.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = days / DAYS_OF_CYCLE * 400 + year_of_cycle;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// Of a second as text.
const SECOND_BYTES: usize = "2006-01-02T15:04:05".len();
const DAY: u64 = 24 * 60 * 60;
const DAYS_OF_CYCLE: u64 = 146_097;
/// From 0000-03-01 on.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[track_caller]
    fn check(milliseconds: u64, expected: &str) {
        let mut out = Vec::new();
        Timestamps::default().push(&mut out, UNIX_EPOCH + Duration::from_millis(milliseconds));
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_709_164_800_001, "2024-02-29T00:00:00.001Z");
        check(1_767_225_600_000, "2026-01-01T00:00:00.000Z");
        check(1_798_761_599_999, "2026-12-31T23:59:59.999Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn every_day_of_a_cycle_follows_the_one_before() {
        let mut before = (1969, 12, 31);
        for day in 0..DAYS_OF_CYCLE {
            let (year, month, day_of_month) = date(day);
            let follows = match before {
                (_, 12, 31) => (year, month, day_of_month) == (before.0 + 1, 1, 1),
                (_, _, 28..) if day_of_month == 1 => (year, month) == (before.0, before.1 + 1),
                _ => (year, month, day_of_month) == (before.0, before.1, before.2 + 1),
            };
            assert!(follows, "{before:?} then {:?}", date(day));
            before = date(day);
        }
        assert_eq!(date(DAYS_OF_CYCLE), (2370, 1, 1));
    }

    #[test]
    fn the_second_that_is_kept_is_not_that_of_another_time() {
        let mut timestamps = Timestamps::default();
        for (milliseconds, expected) in
            [(999, ":00.999Z"), (1000, ":01.000Z"), (1001, ":01.001Z"), (0, ":00.000Z")]
        {
            let mut out = Vec::new();
            timestamps.push(&mut out, UNIX_EPOCH + Duration::from_millis(milliseconds));
            assert!(out.ends_with(expected.as_bytes()), "{milliseconds}");
        }
    }
}
