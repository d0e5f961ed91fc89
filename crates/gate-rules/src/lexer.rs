//! From text to tokens (contract §2.1).
//!
//! What PocketBase's own reader takes in more than one way is refused here: NUL, carriage returns, and words that run
//! into each other.

use crate::RuleError;
use crate::operator::Operator;
use std::borrow::Cow;

/// One word of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Identifier(&'a str),
    Number(f64),
    Text(Cow<'a, str>),
    Operator(Operator),
    And,
    Or,
    Open,
    Close,
    Comma,
    End,
}

/// A token and the bytes it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Reads a text token by token.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Lexer { text, position: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Lexeme<'a>, RuleError> {
        self.skip_blanks();
        let start = self.position;
        let token = self.token()?;
        Ok(Lexeme { token, start, end: self.position })
    }

    fn token(&mut self) -> Result<Token<'a>, RuleError> {
        let Some(first) = self.rest().chars().next() else { return Ok(Token::End) };
        match first {
            '(' => Ok(self.single(Token::Open)),
            ')' => Ok(self.single(Token::Close)),
            ',' => Ok(self.single(Token::Comma)),
            '\'' | '"' => self.quoted(first),
            '&' | '|' => self.join(),
            '-' | '0'..='9' => self.number(),
            _ if is_operator(first) => self.operator(),
            _ if is_identifier_start(first) => self.identifier(),
            _ => Err(self.error(self.position, format!("unexpected character {first:?}"))),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Takes the characters that `belongs` holds for.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take(is_blank);
            if !self.rest().starts_with("//") {
                return;
            }
            self.take(|character| character != '\n');
        }
    }

    fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.position += 1;
        token
    }

    fn operator(&mut self) -> Result<Token<'a>, RuleError> {
        let start = self.position;
        let word = self.take(is_operator);
        let unknown = || self.error(start, format!("unknown operator \"{word}\""));
        Operator::parse(word).map(Token::Operator).ok_or_else(unknown)
    }

    fn join(&mut self) -> Result<Token<'a>, RuleError> {
        let start = self.position;
        match self.take(|character| matches!(character, '&' | '|')) {
            "&&" => Ok(Token::And),
            "||" => Ok(Token::Or),
            word => Err(self.error(start, format!("expected && or ||, found \"{word}\""))),
        }
    }

    fn identifier(&mut self) -> Result<Token<'a>, RuleError> {
        let start = self.position;
        self.position += 1;
        self.take(is_identifier_part);
        let word = self.text.get(start..self.position).unwrap_or_default();
        self.ends_here(start, word)?;
        let is_lone = matches!(word, "@" | "_" | "#");
        if is_lone || word.split(['.', ':']).any(str::is_empty) {
            return Err(self.error(start, format!("\"{word}\" is not a complete name")));
        }
        Ok(Token::Identifier(word))
    }

    fn number(&mut self) -> Result<Token<'a>, RuleError> {
        let start = self.position;
        let word = self.take(|character| matches!(character, '-' | '.') || is_identifier_part(character));
        self.ends_here(start, word)?;
        let value = decimal(word).filter(|value| value.is_finite());
        value.map(Token::Number).ok_or_else(|| self.error(start, format!("\"{word}\" is not a number")))
    }

    /// A quoted text. Only the quote itself can be escaped; every other backslash is one.
    fn quoted(&mut self, quote: char) -> Result<Token<'a>, RuleError> {
        let start = self.position;
        let inner = self.rest().get(1..).unwrap_or_default();
        let mut is_escaped = false;
        let mut has_escapes = false;
        for (offset, character) in inner.char_indices() {
            if character == quote && !is_escaped {
                self.position += 1 + offset + quote.len_utf8();
                let raw = inner.get(..offset).unwrap_or_default();
                self.ends_here(start, "text")?;
                return Ok(Token::Text(unescaped(raw, quote, has_escapes)));
            }
            has_escapes |= character == quote;
            is_escaped = character == '\\';
        }
        Err(self.error(start, "the quoted text is not closed"))
    }

    /// A word and its successor need something between them.
    fn ends_here(&self, start: usize, word: &str) -> Result<(), RuleError> {
        match self.rest().chars().next() {
            Some(next) if is_identifier_part(next) || matches!(next, '\'' | '"' | '@' | '#') => {
                Err(self
                    .error(start, format!("expected a space or an operator after {word}, found {next:?}")))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, byte: usize, problem: impl Into<String>) -> RuleError {
        RuleError::at(self.text, byte, problem)
    }
}

/// `-?digits[.digits]`: no exponent, no dot at either end.
fn decimal(word: &str) -> Option<f64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    (digits(whole) && digits(fraction)).then(|| word.parse().ok()).flatten()
}

fn unescaped(raw: &str, quote: char, has_escapes: bool) -> Cow<'_, str> {
    if !has_escapes {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.replace(if quote == '"' { "\\\"" } else { "\\'" }, if quote == '"' { "\"" } else { "'" }))
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n')
}

fn is_operator(character: char) -> bool {
    matches!(character, '=' | '!' | '<' | '>' | '~' | '?')
}

fn is_identifier_start(character: char) -> bool {
    character.is_ascii_alphabetic() || matches!(character, '@' | '_' | '#')
}

fn is_identifier_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':')
}
