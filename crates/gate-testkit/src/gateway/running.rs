//! A gateway that runs.

use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Child;

use super::binary::{Pocketgate, ProcessOutput};
use super::builder::{GatewayBuilder, add};
use super::log::{Lines, LogLine};
use super::process::{self, Signal};
use super::proxy::Proxy;
use crate::client::{RawClient, Response};
use crate::deadline::{PATIENCE, eventually, within};

/// A number of descriptors that has not changed for so long is what an idle gateway holds.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

/// The real binary, serving on a port of its own; dropping it kills the process.
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    pid: u32,
    stdout: Lines,
    log: Lines,
    directory: DataDirectory,
}

impl Gateway {
    /// Collects what the gateway is started with.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Starts a gateway with those proxies and nothing else out of the ordinary.
    pub async fn start(proxies: impl IntoIterator<Item = Proxy>) -> Self {
        Self::builder().proxies(proxies).start().await
    }

    pub(super) fn new(
        child: Child,
        address: SocketAddr,
        stdout: Lines,
        log: Lines,
        directory: DataDirectory,
    ) -> Self {
        let pid = child.id().expect("the process was not waited for yet");
        Self { address, child, pid, stdout, log, directory }
    }

    /// Opens a connection to it.
    pub async fn connect(&self) -> RawClient {
        RawClient::connect(self.address).await
    }

    /// Opens a connection to it from that address of ours.
    pub async fn connect_from(&self, ip: IpAddr) -> RawClient {
        RawClient::connect_from(ip, self.address).await
    }

    /// One GET on a connection of its own.
    pub async fn get(&self, target: &str) -> Response {
        self.connect().await.get(target).await
    }

    /// Adds a proxy while it runs, from another process.
    pub async fn add(&self, proxy: &Proxy) {
        add(proxy, self.directory()).await;
    }

    /// Runs another command of `pocketgate proxies` on its data directory.
    pub async fn proxies<Argument: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> ProcessOutput {
        let mut command = Pocketgate::command();
        command.arg("proxies").args(arguments).arg("--dir").arg(self.directory());
        Pocketgate::finish(command).await
    }

    /// Its data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The lines of its log so far.
    pub fn log(&self) -> Vec<LogLine> {
        self.log.snapshot()
    }

    /// The whole log so far as one text.
    pub fn log_text(&self) -> String {
        self.log().into_iter().map(|line| line.text + "\n").collect()
    }

    /// Waits for a line of the log and returns it.
    ///
    /// # Panics
    /// When none comes.
    pub async fn logged(&self, wanted: impl Fn(&LogLine) -> bool) -> LogLine {
        let find = || self.log().into_iter().find(|line| wanted(line));
        eventually(PATIENCE, || find().is_some()).await;
        find().expect("lines are never taken back")
    }

    /// What it wrote to standard output after the line that says where it listens.
    pub fn further_stdout(&self) -> Vec<String> {
        self.stdout.snapshot().into_iter().map(|line| line.text).collect()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its resident memory now.
    pub fn rss_bytes(&self) -> u64 {
        process::resident_bytes(self.pid)
    }

    /// Processor time its threads have used so far.
    pub fn processor_time(&self) -> Duration {
        process::processor_time(self.pid)
    }

    /// Its open file descriptors now.
    pub fn descriptor_count(&self) -> usize {
        process::descriptor_count(self.pid)
    }

    /// Its open file descriptors once their number stays the same: after the start some files are still
    /// being opened, and a connection that was just left is closed a moment later.
    pub async fn idle_descriptor_count(&self) -> usize {
        let mut count = self.descriptor_count();
        let mut since = Instant::now();
        while since.elapsed() < SETTLED_AFTER {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = self.descriptor_count();
            if now != count {
                (count, since) = (now, Instant::now());
            }
        }
        count
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        signal.send(self.pid);
    }

    /// Whether [`Signal::Stop`] has stopped all of it.
    pub fn is_stopped(&self) -> bool {
        process::is_stopped(self.pid)
    }

    /// Waits until it has ended and returns its exit code; `None` when a signal ended it.
    pub async fn exit_code(&mut self) -> Option<i32> {
        within(PATIENCE, self.child.wait()).await.expect("the process can be waited for").code()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the process can be waited for").is_some()
    }
}

/// A data directory that goes with the gateway, or one that stays.
pub(super) enum DataDirectory {
    Temporary(TempDir),
    Given(PathBuf),
}

impl DataDirectory {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(directory) => directory.path(),
            Self::Given(path) => path,
        }
    }
}
