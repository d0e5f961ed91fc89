//! Why the program ends without having done what it was asked to.

use crate::signals::StopSignal;
use std::fmt::{self, Display};
use std::process::ExitCode;

/// Why the program ends without having done what it was asked to: one clear sentence for a person, and an exit code
/// for a script.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// The command line is wrong: exit code 2, as shells and clap have it.
    pub(crate) fn usage(message: impl Display) -> Self {
        Failure { message: message.to_string(), exit_code: 2 }
    }

    /// A signal ended it before it was done: the exit code of that signal.
    pub(crate) fn stopped(signal: StopSignal) -> Self {
        Failure { message: format!("ended by {signal}"), exit_code: signal.exit_code() }
    }

    /// Everything else: exit code 1.
    pub(crate) fn other(message: impl Display) -> Self {
        Failure { message: message.to_string(), exit_code: 1 }
    }

    /// The code the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
