//! The macros: now, and days, months and years around it, in UTC (contract §2.2).

use crate::value::Scalar;
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A name for a moment, or for a part of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    Now,
    Yesterday,
    Tomorrow,
    TodayStart,
    TodayEnd,
    MonthStart,
    MonthEnd,
    YearStart,
    YearEnd,
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Year,
    Weekday,
}

impl Macro {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "@now" => Self::Now,
            "@yesterday" => Self::Yesterday,
            "@tomorrow" => Self::Tomorrow,
            "@todayStart" => Self::TodayStart,
            "@todayEnd" => Self::TodayEnd,
            "@monthStart" => Self::MonthStart,
            "@monthEnd" => Self::MonthEnd,
            "@yearStart" => Self::YearStart,
            "@yearEnd" => Self::YearEnd,
            "@second" => Self::Second,
            "@minute" => Self::Minute,
            "@hour" => Self::Hour,
            "@day" => Self::Day,
            "@month" => Self::Month,
            "@year" => Self::Year,
            "@weekday" => Self::Weekday,
            _ => return None,
        })
    }

    /// Text for a moment, a number for a part.
    pub(crate) fn value(self, now: SystemTime) -> Scalar<'static> {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().min(LATEST);
        let moment = Moment::at(since_epoch);
        match self {
            Self::Now => moment.text(),
            Self::Yesterday => Moment::at(since_epoch.saturating_sub(DAY)).text(),
            Self::Tomorrow => Moment::at(since_epoch.saturating_add(DAY).min(LATEST)).text(),
            Self::TodayStart => moment.start_of_day().text(),
            Self::TodayEnd => moment.end_of_day().text(),
            Self::MonthStart => Moment { day: 1, ..moment.start_of_day() }.text(),
            Self::MonthEnd => moment.end_of_month().text(),
            Self::YearStart => Moment { month: 1, day: 1, ..moment.start_of_day() }.text(),
            Self::YearEnd => Moment { month: 12, ..moment }.end_of_month().text(),
            Self::Second => number(moment.second),
            Self::Minute => number(moment.minute),
            Self::Hour => number(moment.hour),
            Self::Day => number(moment.day),
            Self::Month => number(moment.month),
            Self::Year => number(moment.year),
            Self::Weekday => number(moment.weekday),
        }
    }
}

/// A moment by the calendar, in UTC.
#[derive(Clone, Copy, Debug)]
struct Moment {
    year: u32,
    /// From 1.
    month: u32,
    /// From 1.
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    millisecond: u32,
    /// 0 is Sunday.
    weekday: u32,
}

impl Moment {
    fn at(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs();
        let days = seconds / SECONDS_A_DAY;
        let of_day = seconds % SECONDS_A_DAY;
        let (year, month, day) = date(days);
        // The first day of the epoch was a Thursday.
        let parts = [of_day / 3600, of_day / 60 % 60, of_day % 60, (days + 4) % 7];
        let [hour, minute, second, weekday] = parts.map(|part| u32::try_from(part).unwrap_or_default());
        Moment { year, month, day, hour, minute, second, millisecond: since_epoch.subsec_millis(), weekday }
    }

    fn start_of_day(self) -> Self {
        Moment { hour: 0, minute: 0, second: 0, millisecond: 0, ..self }
    }

    fn end_of_day(self) -> Self {
        Moment { hour: 23, minute: 59, second: 59, millisecond: 999, ..self }
    }

    fn end_of_month(self) -> Self {
        Moment { day: month_days(self.year, self.month), ..self.end_of_day() }
    }

    /// As records have it: `2006-01-02 15:04:05.000Z` (contract §1.1).
    fn text(self) -> Scalar<'static> {
        let Moment { year, month, day, hour, minute, second, millisecond, .. } = self;
        Scalar::Text(Cow::Owned(format!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )))
    }
}

fn number(part: u32) -> Scalar<'static> {
    Scalar::number(f64::from(part), true)
}

/// Year, month and day of a day after the epoch: whole years first, then whole months.
fn date(days: u64) -> (u32, u32, u32) {
    // 400 years always have the same number of days, so only what is left of them has to be counted.
    let (cycles, mut days) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let mut year = 1970 + u32::try_from(cycles * 400).unwrap_or_default();
    while days >= year_days(year) {
        days -= year_days(year);
        year += 1;
    }
    let mut month = 1;
    while days >= u64::from(month_days(year, month)) {
        days -= u64::from(month_days(year, month));
        month += 1;
    }
    (year, month, u32::try_from(days).unwrap_or_default() + 1)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn year_days(year: u32) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_days(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const SECONDS_A_DAY: u64 = 86_400;

const DAY: Duration = Duration::from_secs(SECONDS_A_DAY);

const DAYS_IN_400_YEARS: u64 = 146_097;

/// The end of the year 9999, behind which dates have no text.
const LATEST: Duration = Duration::from_secs(253_402_300_799);

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-02-29 13:37:05.042Z, a Thursday.
    const LEAP_DAY_MS: u64 = 1_709_213_825_042;

    #[track_caller]
    fn check(name: &str, at_ms: u64, expected: &str) {
        let value = Macro::parse(name).unwrap().value(UNIX_EPOCH + Duration::from_millis(at_ms));
        assert_eq!(value.as_text().unwrap().as_str(), expected, "{name}");
    }

    #[test]
    fn macros_name_moments_and_parts_of_now_in_utc() {
        let table = [
            ("@now", "2024-02-29 13:37:05.042Z"),
            ("@yesterday", "2024-02-28 13:37:05.042Z"),
            ("@tomorrow", "2024-03-01 13:37:05.042Z"),
            ("@todayStart", "2024-02-29 00:00:00.000Z"),
            ("@todayEnd", "2024-02-29 23:59:59.999Z"),
            ("@monthStart", "2024-02-01 00:00:00.000Z"),
            ("@monthEnd", "2024-02-29 23:59:59.999Z"),
            ("@yearStart", "2024-01-01 00:00:00.000Z"),
            ("@yearEnd", "2024-12-31 23:59:59.999Z"),
            ("@second", "5"),
            ("@minute", "37"),
            ("@hour", "13"),
            ("@day", "29"),
            ("@month", "2"),
            ("@year", "2024"),
            ("@weekday", "4"),
        ];
        for (name, expected) in table {
            check(name, LEAP_DAY_MS, expected);
        }
        assert_eq!(Macro::parse("@Now"), None);
    }

    #[test]
    fn the_ends_of_the_calendar_stay_dates() {
        check("@now", 0, "1970-01-01 00:00:00.000Z");
        check("@yesterday", 0, "1970-01-01 00:00:00.000Z");
        check("@weekday", 0, "4");
        check("@now", 951_868_800_000, "2000-03-01 00:00:00.000Z");
        check("@tomorrow", 253_402_300_799_999, "9999-12-31 23:59:59.000Z");
        check("@now", 4_107_542_400_000, "2100-03-01 00:00:00.000Z");
        check("@now", 13_574_649_599_000, "2400-02-29 23:59:59.000Z");
    }
}
