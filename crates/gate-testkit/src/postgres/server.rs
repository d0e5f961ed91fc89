//! The server: started, stopped and killed by a test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::account::Account;
use super::programs::program;
use crate::deadline::PATIENCE;

/// How often it is looked whether the server has come up or gone.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Text is compared as people do it unless a column says otherwise: what relies on bytes has to say so.
const CLUSTER: [&str; 7] = [
    "--no-sync",
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=icu",
    "--icu-locale=en-US",
];

/// A socket in its directory and no port. The machine does not crash in a test, so nothing needs to reach the disk.
const SETTINGS: [&str; 5] =
    ["listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=300"];

/// Waits for the end of the test process, however it ends, and clears up after it.
const KEEPER: &str = r#"
    trap "" INT TERM HUP
    cat >/dev/null
    pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -rf "$0"
"#;

/// A PostgreSQL server that goes away with the test, in whatever way that ends.
pub struct PostgreSql {
    directory: PathBuf,
    account: Option<Account>,
    databases: AtomicU32,
    /// `None` while it is stopped.
    server: Option<Child>,
    /// Notices the end of this process by the end of its standard input.
    keeper: Child,
}

static SHARED: LazyLock<PostgreSql> = LazyLock::new(PostgreSql::start);

impl PostgreSql {
    /// Starts a server.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not come up.
    pub fn start() -> Self {
        let account = Account::instead_of_root();
        let directory = TempDir::with_prefix("pg").expect("the temporary directory is writable").keep();
        if let Some(account) = account {
            account.take(&directory);
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER]).arg(&directory).stdin(Stdio::piped());
        let keeper = as_account(account, keeper).spawn().expect("there is a shell");
        let mut initdb = Command::new(program("initdb"));
        initdb.args(CLUSTER).arg("--pgdata").arg(directory.join("data"));
        finish(as_account(account, initdb));
        let mut server = Self { directory, account, databases: AtomicU32::new(0), server: None, keeper };
        server.resume();
        server
    }

    /// The one server that the tests of this binary share, each with databases of its own.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// Makes an empty database and returns its URL.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut createdb = self.client("createdb");
        createdb.arg("--template=template0").arg(&name);
        finish(createdb);
        format!("postgres://postgres@localhost/{name}?host={}", self.directory.display())
    }

    /// Reads every file of the databases and their log, for what must not be in them.
    pub fn each_file(&self, mut look: impl FnMut(&str, &[u8])) {
        let mut directories = vec![self.directory.join("data")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    directories.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    // A file that other tests' databases lose meanwhile needs no look.
                    look(&path.display().to_string(), &bytes);
                }
            }
        }
    }

    /// Stops it: every connection is closed, what was committed is kept.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Kills it where it stands.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Freezes it with every process of its own: connections stay open, and nobody answers on them.
    pub fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets it go on after [`PostgreSql::freeze`].
    pub fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Starts it again after [`PostgreSql::stop`] or [`PostgreSql::kill`].
    ///
    /// # Panics
    /// When it does not come up.
    pub fn resume(&mut self) {
        let started = Instant::now();
        while !self.is_ready() {
            assert!(started.elapsed() < PATIENCE, "PostgreSQL does not come up: {}", self.log());
            // After a kill the server's own processes may still be going, and it refuses to start beside them.
            if self.server.as_mut().is_none_or(has_ended) {
                self.server = Some(self.spawn());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn spawn(&self) -> Child {
        let mut server = Command::new(program("postgres"));
        server.arg("-D").arg(self.directory.join("data")).arg("-k").arg(&self.directory);
        for setting in SETTINGS {
            server.args(["-c", setting]);
        }
        let log = self.directory.join("log");
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(log).expect("its directory is ours");
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        as_account(self.account, server).spawn().expect("PostgreSQL can be started")
    }

    /// The postmaster first: it starts no other process then.
    fn signal_all(&self, signal: Signal) {
        let Some(server) = &self.server else { return };
        let postmaster = server.id();
        send(signal, postmaster);
        let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
        let children = children.expect("the server was not waited for yet");
        for child in children.split_whitespace() {
            send(signal, child.parse().expect("a process id"));
        }
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut server) = self.server.take() else { return };
        send(signal, server.id());
        server.wait().expect("the server can be waited for");
    }

    fn is_ready(&self) -> bool {
        let mut isready = self.client("pg_isready");
        isready.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn client(&self, name: &str) -> Command {
        let mut client = Command::new(program(name));
        client.arg("--host").arg(&self.directory).arg("--username=postgres");
        client
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for PostgreSql {
    fn drop(&mut self) {
        self.kill();
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn as_account(account: Option<Account>, mut command: Command) -> Command {
    if let Some(account) = account {
        account.run(&mut command);
        // The caller's own directory may be closed to it.
        command.current_dir(Path::new("/"));
    }
    command
}

fn has_ended(server: &mut Child) -> bool {
    server.try_wait().is_ok_and(|status| status.is_some())
}

/// A process that has ended meanwhile needs no signal.
fn send(signal: Signal, pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}

/// Runs a program to its end.
#[track_caller]
fn finish(mut command: Command) {
    let output = command.output().expect("the program can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
