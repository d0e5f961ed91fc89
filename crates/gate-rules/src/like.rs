//! `~`: patterns, the way SQLite's `LIKE … ESCAPE '\'` reads them.
//!
//! `%` stands for any characters, `_` for one, `\` takes away the meaning of what follows. Letters are compared without
//! their case in ASCII only. Nothing is allocated to match.

use crate::value::{Operated, Role, Scalar};
use std::borrow::Cow;
use std::str::Chars;

/// What the right side of `~` asks for.
#[derive(Clone, Debug)]
pub(crate) struct Pattern<'a> {
    text: Cow<'a, str>,
    form: Form,
}

/// How a text is made a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As it is.
    Whole,
    /// With a `%` at both ends, as it is between them.
    Wrapped,
    /// Anywhere in the text; only what is escaped already counts as escaped.
    Contains,
}

impl<'a> Pattern<'a> {
    /// What a value on the right side asks for; `None` for null.
    pub(crate) fn of(operated: &'a Operated<'_>) -> Option<Self> {
        match (&operated.scalar, operated.role) {
            (Scalar::Null, _) => None,
            (Scalar::Text(text), Role::Plain) => Some(Pattern::of_value(Cow::Borrowed(text))),
            // Looked for without the `.0` it has as a text.
            (Scalar::Number { value, .. }, Role::Plain) => {
                Some(Pattern::of_value(Cow::Owned(value.to_string())))
            }
            (Scalar::Text(text), _) => Some(Pattern::of_column(Cow::Borrowed(text))),
            (Scalar::Number { .. }, _) => {
                let text = operated.scalar.as_text()?;
                Some(Pattern::of_column(Cow::Owned(text.as_str().to_owned())))
            }
        }
    }

    /// A literal or a value of the request: a pattern if it has a `%` that is not escaped, else looked for as it is.
    fn of_value(text: Cow<'a, str>) -> Self {
        let form = if has_wildcard(&text) { Form::Whole } else { Form::Contains };
        Pattern { text, form }
    }

    /// Anything else: looked for anywhere, and its wildcards are wildcards.
    fn of_column(text: Cow<'a, str>) -> Self {
        Pattern { text, form: Form::Wrapped }
    }

    /// As SQL's `LIKE` takes it, with the backslash for an escape; `None` if nothing matches.
    pub(crate) fn to_sql(&self) -> Option<String> {
        let is_short = self.text.len() <= PATTERN_BYTES_MAX;
        let mut sql = is_short.then(String::new)?;
        for token in self.tokens() {
            match token {
                Token::Any => sql.push('%'),
                Token::One => sql.push('_'),
                Token::Character(character) => {
                    sql.extend(is_special(character).then_some('\\'));
                    sql.push(character);
                }
                Token::Nothing => return None,
            }
        }
        Some(sql)
    }

    /// Whether `text` matches. A text that is too long for a pattern matches nothing; where the answer would take longer
    /// than [`STEPS_PER_BYTE_MAX`] allows, there is none.
    pub(crate) fn matches(&self, text: &str) -> Option<bool> {
        if self.text.len() > PATTERN_BYTES_MAX {
            return Some(false);
        }
        let steps_max = STEPS_PER_BYTE_MAX.saturating_mul(text.len() + self.text.len() + 1);
        let mut here = (self.tokens(), text.chars());
        let mut after_any: Option<(Tokens<'_>, Chars<'_>)> = None;
        for _ in 0..steps_max {
            match here.0.next() {
                None if here.1.as_str().is_empty() => return Some(true),
                Some(Token::Any) => {
                    after_any = Some(here.clone());
                    continue;
                }
                Some(token) if here.1.next().is_some_and(|character| token.accepts(character)) => continue,
                _ => {}
            }
            // What `%` stands for has to be one character longer.
            let Some((tokens, characters)) = &mut after_any else { return Some(false) };
            if characters.next().is_none() {
                return Some(false);
            }
            here = (tokens.clone(), characters.clone());
        }
        None
    }

    fn tokens(&self) -> Tokens<'_> {
        let is_open = self.form != Form::Whole;
        Tokens { form: self.form, begins: is_open, characters: self.text.chars(), ends: is_open }
    }
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Character(char),
    /// An escape with nothing behind it.
    Nothing,
}

impl Token {
    fn accepts(self, character: char) -> bool {
        match self {
            Token::Character(wanted) => wanted.eq_ignore_ascii_case(&character),
            Token::One | Token::Any => true,
            Token::Nothing => false,
        }
    }
}

/// The parts of a pattern in their order.
#[derive(Clone, Debug)]
struct Tokens<'a> {
    form: Form,
    begins: bool,
    characters: Chars<'a>,
    ends: bool,
}

impl Tokens<'_> {
    fn character(&mut self) -> Option<char> {
        if std::mem::take(&mut self.begins) {
            return Some('%');
        }
        self.characters.next().or_else(|| std::mem::take(&mut self.ends).then_some('%'))
    }

    /// What a backslash and its successor stand for.
    fn escaped(&mut self) -> Token {
        if self.form == Form::Contains {
            let next = self.characters.clone().next().filter(|next| is_special(*next));
            if next.is_some() {
                self.characters.next();
            }
            return Token::Character(next.unwrap_or('\\'));
        }
        self.character().map_or(Token::Nothing, Token::Character)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        Some(match self.character()? {
            '%' => Token::Any,
            '_' if self.form != Form::Contains => Token::One,
            '\\' => self.escaped(),
            character => Token::Character(character),
        })
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '\\' | '%' | '_')
}

/// Whether a text has a `%` that is not escaped.
fn has_wildcard(text: &str) -> bool {
    let mut is_escaped = false;
    text.chars().any(|character| {
        let found = character == '%' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        found
    })
}

/// Bytes of a text that is made a pattern. With every character escaped it stays below SQLite's limit of 50,000, and a
/// hostile one costs little.
pub(crate) const PATTERN_BYTES_MAX: usize = 20_000;

/// Steps for each byte of text and pattern, which keeps what a caller can make a rule cost in proportion to what it sends.
/// A text that is looked for is found in time whenever it has fewer characters than this.
const STEPS_PER_BYTE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::of_value(pattern.into()).matches(text), Some(expected), "{text:?} ~ {pattern:?}");
    }

    #[test]
    fn a_text_without_wildcard_is_looked_for_anywhere() {
        check("b", "abc", true);
        check("", "", true);
        check("", "abc", true);
        check("abcd", "abc", false);
        check("BC", "abc", true);
        check("É", "café", false);
        check("é", "café", true);
        check("a_c", "abc", false);
        check("a_c", "xa_cx", true);
        check(r"a\_c", "a_c", true);
        check(r"50\%", "50%", true);
        check(r"50\%", "500", false);
        check(r"a\b", r"a\b", true);
        check(r"\", r"a\b", true);
        check(r"\\", r"a\b", true);
        check("__", "a_b", false);
        check("aab", "aaab", true);
    }

    #[test]
    fn a_text_with_a_wildcard_is_a_pattern() {
        check("a%", "abc", true);
        check("%a", "abc", false);
        check("a%c", "abbc", true);
        check("a%c", "abcd", false);
        check("_b%", "abc", true);
        check("%é", "CAFé", true);
        check("%_é", "xé", true);
        check(r"\_b%", "ab", false);
        check(r"\x%", "xy", true);
        check(r"%\", r"a\", false);
        check("%", "", true);
        check("%%", "", true);
        check("a%b%c", "aXbXbXc", true);
    }

    #[test]
    fn a_column_is_wrapped_as_it_is() {
        let check = |pattern: &'static str, text: &str, expected: bool| {
            assert_eq!(
                Pattern::of_column(pattern.into()).matches(text),
                Some(expected),
                "{text:?} ~ {pattern:?}"
            );
        };
        check("b_d", "abcde", true);
        check("", "", true);
        check("a%c", "xabcx", true);
        // Its last backslash takes the closing wildcard's meaning away.
        check(r"a\", "xa%", true);
        check(r"a\", r"xa\b", false);
    }

    #[test]
    fn a_hostile_pattern_gets_no_answer_instead_of_much_time() {
        let text = "a".repeat(5000);
        let needle = |length: usize| Pattern::of_value(format!("{}b", "a".repeat(length)).into());
        assert_eq!(needle(STEPS_PER_BYTE_MAX - 2).matches(&text), Some(false));
        assert_eq!(needle(2000).matches(&text), None);
        assert_eq!(needle(PATTERN_BYTES_MAX).matches(&text), Some(false), "too long");
        assert_eq!(Pattern::of_value("a%".repeat(2500).into()).matches(&text), Some(true));
    }
}
