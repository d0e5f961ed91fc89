//! Who the server runs as: PostgreSQL refuses to be root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Accounts without rights that are there on a machine with PostgreSQL, or on any.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// An account of the machine.
#[derive(Clone, Copy)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// `None` when whoever runs the tests will do.
    pub(super) fn instead_of_root() -> Option<Self> {
        rustix::process::geteuid().is_root().then(Self::unprivileged)
    }

    fn unprivileged() -> Self {
        let accounts = fs::read_to_string("/etc/passwd").expect("the machine has accounts");
        let account = |name| accounts.lines().find_map(|line| Self::parse(line.strip_prefix(name)?));
        UNPRIVILEGED.into_iter().find_map(account).expect("an account without rights")
    }

    /// passwd(5), after the name: `:password:user:group:…`.
    fn parse(rest: &str) -> Option<Self> {
        let mut fields = rest.strip_prefix(':')?.split(':').skip(1);
        Some(Self { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
    }

    /// Makes a file or directory its own.
    pub(super) fn take(self, path: &Path) {
        chown(path, Some(self.user), Some(self.group)).expect("root may give files away");
    }

    /// Makes a command run as this account.
    pub(super) fn run(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }
}
