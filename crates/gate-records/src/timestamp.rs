//! PocketBase's dates: `2006-01-02 15:04:05.000Z`, always UTC, ordered as text.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A moment, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// This moment by the system's clock.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// This moment, or the first one after `previous` when the clock is not past it: two edits in one millisecond,
    /// or after the clock was set back, must not have the same date, or an optimistic lock would miss the first.
    pub(crate) fn now_after(previous: &str) -> Self {
        Self::parse(previous).map_or_else(Self::now, |previous| Self::now().max(Timestamp(previous.0 + 1)))
    }

    fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once(' ')?;
        let [year, month, day] = numbers(date, '-')?;
        let (time, milliseconds) = time.split_once('.')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let milliseconds: i64 = milliseconds.parse().ok()?;
        let plausible = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        let seconds = (hour * 60 + minute) * 60 + second;
        plausible.then(|| Timestamp(days_before(year, month, day) * DAY_MS + seconds * 1000 + milliseconds))
    }
}

/// A moment before 1970 is taken for 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0.div_euclid(DAY_MS));
        let rest = self.0.rem_euclid(DAY_MS);
        let (milliseconds, seconds) = (rest % 1000, rest / 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
    }
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Counts in years that begin in March, so that the
/// day a leap year has more is the last one of its year.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days_in_months_before = (153 * ((month + 9) % 12) + 2) / 5;
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + days_in_months_before + day - 1 - 719_468
}

/// The date a number of days after 1970-01-01. The year is estimated from the length of 400 years, which is off by
/// one at most.
fn date(days: i64) -> (i64, i64, i64) {
    let estimate = 1970 + (days * 400).div_euclid(146_097);
    let year =
        (estimate - 1..=estimate + 1).rfind(|year| days_before(*year, 1, 1) <= days).unwrap_or(estimate);
    let month = (1..=12).rfind(|month| days_before(year, *month, 1) <= days).unwrap_or(1);
    (year, month, days - days_before(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(milliseconds: i64, text: &str) {
        assert_eq!(Timestamp(milliseconds).to_string(), text);
        assert_eq!(Timestamp::parse(text), Some(Timestamp(milliseconds)));
    }

    #[test]
    fn dates_are_written_and_read() {
        check(0, "1970-01-01 00:00:00.000Z");
        check(951_782_399_999, "2000-02-28 23:59:59.999Z");
        check(951_782_400_000, "2000-02-29 00:00:00.000Z");
        check(1_709_164_800_001, "2024-02-29 00:00:00.001Z");
        check(1_767_225_600_000, "2026-01-01 00:00:00.000Z");
        check(1_798_761_599_999, "2026-12-31 23:59:59.999Z");
        check(4_107_542_400_000, "2100-03-01 00:00:00.000Z");
        check(253_402_300_799_999, "9999-12-31 23:59:59.999Z");
    }

    #[test]
    fn every_day_of_four_centuries_is_read_as_it_was_written() {
        for day in 0..146_097 {
            let moment = Timestamp(day * DAY_MS + 12_345_678);
            assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "2026",
            "2026-01-01",
            "2026-13-01 00:00:00.000Z",
            "2026-01-01T00:00:00.000Z",
            "x-y-z a:b:c.dZ",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_next_date_is_later_whatever_the_clock_says() {
        let future = "9998-12-31 23:59:59.999Z";
        assert_eq!(Timestamp::now_after(future).to_string(), "9999-01-01 00:00:00.000Z");
        assert!(
            Timestamp::now_after("2000-01-01 00:00:00.000Z")
                >= Timestamp::parse("2026-01-01 00:00:00.000Z").unwrap()
        );
        assert!(Timestamp::now_after("junk") > Timestamp(0));
    }
}
