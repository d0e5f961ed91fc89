//! Several values in one, separated by commas, as the variable of a flag has them that may be given several times.

use clap::builder::{StringValueParser, TypedValueParser};

/// Reads one of the values: a space beside a comma belongs to none.
pub(super) fn item() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|item| item.trim().to_owned())
}

/// All of them, for who reads a variable without the flag. An empty text has one value, which is empty too; so it has where the
/// flag is read.
pub(super) fn items(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).collect()
}
