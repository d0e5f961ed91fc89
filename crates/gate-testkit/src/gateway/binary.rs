//! Finding the binary, and running it for one command.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::deadline::{PATIENCE, within};

/// The environment variable that names another binary than the one built beside the tests.
const BINARY_VARIABLE: &str = "POCKETGATE_BIN";

/// The `pocketgate` program.
pub struct Pocketgate;

/// What a finished command left behind.
#[derive(Debug)]
pub struct ProcessOutput {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl Pocketgate {
    /// Where the binary lies: `POCKETGATE_BIN`, otherwise next to the directory of the running test.
    ///
    /// # Panics
    /// When there is none, with the command that builds it.
    pub fn path() -> PathBuf {
        let path = env::var_os(BINARY_VARIABLE).map_or_else(beside_the_test, PathBuf::from);
        assert!(
            path.is_file(),
            "no binary at {}: run `cargo build -p pocketgate` first, or set {BINARY_VARIABLE}",
            path.display()
        );
        path
    }

    /// A command of the binary that inherits no setting of the gateway and reads no input.
    pub fn command() -> Command {
        Self::with_clean_environment(Command::new(Self::path()))
    }

    /// As [`Pocketgate::command`], for a process that can open so many descriptors at most.
    pub fn command_with_descriptors(count: u32) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]).arg(Self::path());
        Self::with_clean_environment(shell)
    }

    fn with_clean_environment(mut command: Command) -> Command {
        for (name, _) in env::vars_os().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run<Argument: AsRef<OsStr>>(arguments: impl IntoIterator<Item = Argument>) -> ProcessOutput {
        let mut command = Self::command();
        command.args(arguments);
        Self::finish(command).await
    }

    /// Runs an already composed command to its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn finish(mut command: Command) -> ProcessOutput {
        let output = within(PATIENCE, command.output()).await.expect("the binary can be started");
        ProcessOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl ProcessOutput {
    /// Standard output of a command that must succeed.
    ///
    /// # Panics
    /// When it failed; the message shows everything it said.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }
}

/// `target/PROFILE/pocketgate`, from `target/PROFILE/deps/TEST`.
fn beside_the_test() -> PathBuf {
    let test = env::current_exe().expect("the running test has a path");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    profile.join(format!("pocketgate{}", env::consts::EXE_SUFFIX))
}

fn is_setting(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("POCKETGATE_"))
}
