//! What a person types and nobody else should see.

use crate::failure::Failure;
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks for a password twice without showing it, or reads one line where standard input is no terminal.
pub(super) fn ask(what: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return read_line(what);
    }
    let first = prompt(&format!("{what}: "), what)?;
    if prompt(&format!("{what} again: "), what)? == first {
        return Ok(first);
    }
    Err(Failure::other(format_args!("the two are not the same; nothing was changed")))
}

fn prompt(text: &str, what: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    // Nobody is left to ask when standard error is gone; what is typed counts all the same.
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
    let line = {
        let _hidden = HiddenInput::begin();
        read_line(what)
    };
    let _ = writeln!(stderr);
    line
}

fn read_line(what: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let length = read.map_err(|error| Failure::other(format_args!("failed to read the {what}: {error}")))?;
    if length == 0 {
        return Err(Failure::other(format_args!("no {what} was given")));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal does not show what is typed. Elsewhere than on Unix it does.
struct HiddenInput {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl HiddenInput {
    #[cfg(unix)]
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_modes.remove(LocalModes::ECHO);
            // A terminal that cannot hide what is typed is no reason not to ask.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &hidden);
        }
        HiddenInput { before }
    }

    #[cfg(not(unix))]
    fn begin() -> Self {
        HiddenInput {}
    }
}

#[cfg(unix)]
impl Drop for HiddenInput {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
