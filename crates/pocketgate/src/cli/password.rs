//! What a person types and nobody else should see.

use crate::failure::Failure;
use crate::signals::Signals;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process;
use tokio::task::spawn_blocking;

/// Asks for a password twice without showing it, or reads one line where standard input is no terminal.
///
/// A signal to stop gives the terminal back as it was.
pub(super) async fn ask(what: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return told(what, read_line());
    }
    let listening = Signals::listen();
    let mut signals =
        listening.map_err(|error| Failure::other(format_args!("failed to take signals: {error}")))?;
    let password = tokio::select! {
        password = ask_twice(what) => password?,
        signal = signals.next_stop(|| ()) => {
            let _ = writeln!(io::stderr());
            return Err(Failure::stopped(signal));
        }
    };
    // They are taken for good: what follows is to end as it would have without that.
    tokio::spawn(exit_at_next_stop(signals));
    Ok(password)
}

async fn exit_at_next_stop(mut signals: Signals) {
    let signal = signals.next_stop(|| ()).await;
    process::exit(signal.exit_code().into());
}

async fn ask_twice(what: &str) -> Result<String, Failure> {
    let first = prompt(&format!("{what}: "), what).await?;
    if prompt(&format!("{what} again: "), what).await? == first {
        return Ok(first);
    }
    Err(Failure::other("the two are not the same; nothing was changed"))
}

/// Dropped half-way, it leaves a thread behind that waits for the line.
async fn prompt(text: &str, what: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    let line = {
        let _hidden = HiddenInput::begin();
        // Nobody is left to ask when standard error is gone; what is typed counts all the same.
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
        spawn_blocking(read_line).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    };
    let _ = writeln!(stderr);
    told(what, line)
}

/// `None` at the end of the input.
fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = io::stdin().lock().read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn told(what: &str, line: io::Result<Option<String>>) -> Result<String, Failure> {
    let line = line.map_err(|error| Failure::other(format_args!("failed to read the {what}: {error}")))?;
    line.ok_or_else(|| Failure::other(format_args!("no {what} was given")))
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
