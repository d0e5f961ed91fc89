//! Commands that ask a person for a password, on a terminal.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops with a panic that says why")]

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A command that asks, the terminal it asks on, and where a person types.
struct Asking {
    child: Child,
    terminal: OwnedFd,
    keyboard: File,
    directory: TempDir,
}

impl Asking {
    fn start(line: &str) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pocketgate"))
            .args(line.split(' '))
            .env_clear()
            .env("POCKETGATE_DIR", directory.path().join("data"))
            .stdin(terminal.try_clone().unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Asking { child, terminal, keyboard: controller.into(), directory }
    }

    /// Waits until it has said this on standard error.
    #[track_caller]
    fn says(&mut self, expected: &str) {
        let mut said = vec![0; expected.len()];
        self.child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), expected);
    }

    fn shows_what_is_typed(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let mut asking = Asking::start("superuser create a@example.com");
    for prompt in ["password: ", "\npassword again: "] {
        asking.says(prompt);
        assert!(!asking.shows_what_is_typed());
        asking.keyboard.write_all(b"1234567890\n").unwrap();
    }
    assert_eq!(asking.child.wait().unwrap().code(), Some(0));
    assert!(asking.shows_what_is_typed());
}

#[test]
fn a_signal_at_a_prompt_leaves_the_terminal_as_it_was() {
    for (signal, name, code) in [(Signal::INT, "SIGINT", 130), (Signal::TERM, "SIGTERM", 143)] {
        for line in ["superuser create a@example.com", "secrets set KEY"] {
            let mut asking = Asking::start(line);
            asking.says(if line.starts_with("secrets") { "value: " } else { "password: " });
            assert!(!asking.shows_what_is_typed());
            kill_process(Pid::from_child(&asking.child), signal).unwrap();
            assert_eq!(asking.child.wait().unwrap().code(), Some(code));
            asking.says(&format!("\npocketgate: ended by {name}\n"));
            assert!(asking.shows_what_is_typed());
            assert!(!asking.directory.path().join("data").exists(), "nothing was made");
        }
    }
}
