//! What a command was asked for goes to standard output.

use crate::failure::Failure;
use std::io::{self, ErrorKind, Write};

/// Prints a text as it is, and makes sure it has left.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()))
}

/// A reader that had enough and closed the pipe (`| head`) is no failure.
pub(super) fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other(format_args!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
