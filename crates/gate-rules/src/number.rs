//! Numbers as texts and texts as numbers, the way SQLite does both.

use std::fmt::{self, Write};

/// A number as text on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberText {
    bytes: [u8; NUMBER_TEXT_BYTES_MAX],
    length: usize,
}

impl NumberText {
    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Write for NumberText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        free.get_mut(..text.len()).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

/// What SQLite's `CAST(… AS TEXT)` gives: `5` for an integer, 15 digits and always a fraction otherwise.
pub(crate) fn text(value: f64, is_integer: bool) -> NumberText {
    let mut text = NumberText { bytes: [0; NUMBER_TEXT_BYTES_MAX], length: 0 };
    // The texts fit: SQLite's longest number has 24 characters.
    let _ = if is_integer && value.fract() == 0.0 && value.abs() < INTEGER_MAX {
        write!(text, "{value}")
    } else if value.is_infinite() {
        text.write_str(if value > 0.0 { "Inf" } else { "-Inf" })
    } else {
        write_real(&mut text, value)
    };
    text
}

/// The number a text stands for if all of it is one: what makes SQLite convert it beside a numeric column.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits(whole)
        && digits(fraction)
        && digits(exponent)
        && !exponent.is_empty()
        && !(whole.is_empty() && fraction.is_empty());
    is_number.then(|| text.parse().ok()).flatten()
}

/// C's `%!.15g`: plain from 1e-4 to below 1e15, with an exponent elsewhere.
fn write_real(text: &mut NumberText, value: f64) -> fmt::Result {
    let mut scientific = NumberText { bytes: [0; NUMBER_TEXT_BYTES_MAX], length: 0 };
    write!(scientific, "{:.*e}", SIGNIFICANT_DIGITS - 1, value.abs())?;
    let (mantissa, exponent) = scientific.as_str().split_once('e').unwrap_or(("0", "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let digits = || mantissa.chars().filter(|character| *character != '.');
    if value < 0.0 {
        text.write_char('-')?;
    }
    if !(-4..15).contains(&exponent) {
        let fraction = if mantissa.contains('.') { "" } else { ".0" };
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(text, "{mantissa}{fraction}e{sign}{:02}", exponent.abs());
    }
    let point = usize::try_from(exponent + 1).unwrap_or_default();
    if point == 0 {
        text.write_str("0.")?;
        (exponent + 1..0).try_for_each(|_| text.write_char('0'))?;
    }
    for (place, digit) in digits().enumerate() {
        if place == point && point > 0 {
            text.write_char('.')?;
        }
        text.write_char(digit)?;
    }
    let written = digits().count();
    (written..point).try_for_each(|_| text.write_char('0'))?;
    if written <= point { text.write_str(".0") } else { Ok(()) }
}

/// A sign, 15 digits, a point, four zeros behind it, an exponent.
const NUMBER_TEXT_BYTES_MAX: usize = 32;

/// As many as SQLite shows of a real.
const SIGNIFICANT_DIGITS: usize = 15;

/// From here on a column keeps a whole number as a real.
const INTEGER_MAX: f64 = 9_223_372_036_854_775_808.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, integer: &str, real: &str) {
        assert_eq!(text(value, true).as_str(), integer);
        assert_eq!(text(value, false).as_str(), real);
    }

    #[test]
    fn numbers_read_as_sqlite_writes_them() {
        check(5.0, "5", "5.0");
        check(-123.0, "-123", "-123.0");
        check(0.0, "0", "0.0");
        check(12.5, "12.5", "12.5");
        check(0.1 + 0.2, "0.3", "0.3");
        check(1.0 / 3.0, "0.333333333333333", "0.333333333333333");
        check(0.0001, "0.0001", "0.0001");
        check(0.000_012, "1.2e-05", "1.2e-05");
        check(1e15, "1000000000000000", "1.0e+15");
        check(1e20, "1.0e+20", "1.0e+20");
        check(-1.5e300, "-1.5e+300", "-1.5e+300");
        check(f64::INFINITY, "Inf", "Inf");
        check(123_456_789_012_345.0, "123456789012345", "123456789012345.0");
        check(0.999_999_999_999_999_9, "1.0", "1.0");
    }

    #[test]
    fn only_a_text_that_is_a_number_becomes_one() {
        let good = [("5", 5.0), (" -5.50\n", -5.5), ("+1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("007", 7.0)];
        for (text, value) in good {
            assert_eq!(parse(text), Some(value), "{text:?}");
        }
        for text in ["", " ", ".", "5a", "0x10", "1e", "1e+", "inf", "NaN", "--5", "1_000", "1 2", "\u{a0}5"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
