//! Values that are not repeated when they are wrong: there may be a password in them.

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

/// Reads a value with a function, whose complaint is all that is told of a wrong one.
#[derive(Clone)]
pub(super) struct Unrepeated<F>(pub(super) F);

impl<F, T> TypedValueParser for Unrepeated<F>
where
    F: Fn(&OsStr) -> Result<T, String> + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, _: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        (self.0)(value).map_err(|reason| {
            let flag = argument.map(Arg::to_string).unwrap_or_default();
            let text = format!("invalid value for '{flag}': {reason}");
            let mut error = Error::raw(ErrorKind::ValueValidation, text);
            error.insert(ContextKind::InvalidArg, ContextValue::String(flag));
            error
        })
    }
}
