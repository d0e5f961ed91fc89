//! What a gateway is started with.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::binary::Pocketgate;
use super::log::Lines;
use super::proxy::Proxy;
use super::running::{DataDirectory, Gateway};
use crate::deadline::{PATIENCE, within};
use crate::upstream::TestAuthority;

/// What the one line on standard output begins with.
const READY: &str = "listening on http://";

/// Collects proxies, flags and environment; [`GatewayBuilder::start`] runs the binary.
pub struct GatewayBuilder {
    proxies: Vec<Proxy>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: DataDirectory,
    listen: &'static str,
    log_format: &'static str,
    reads_log: bool,
    descriptors_max: Option<u32>,
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        let directory =
            DataDirectory::Temporary(TempDir::new().expect("the temporary directory is writable"));
        Self {
            proxies: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory,
            listen: "127.0.0.1:0",
            log_format: "json",
            reads_log: true,
            descriptors_max: None,
        }
    }
}

impl GatewayBuilder {
    /// Adds a proxy before the start.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// Adds proxies before the start.
    #[must_use]
    pub fn proxies(mut self, proxies: impl IntoIterator<Item = Proxy>) -> Self {
        self.proxies.extend(proxies);
        self
    }

    /// Adds arguments of `pocketgate serve`.
    #[must_use]
    pub fn arguments<Argument: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable of the gateway.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Makes the gateway trust the certificates of that authority, and no others.
    #[must_use]
    pub fn trusting(self, authority: &TestAuthority) -> Self {
        let file = self.directory.path().join("authority.pem");
        std::fs::write(&file, authority.pem()).expect("the data directory is writable");
        self.environment("SSL_CERT_FILE", file)
    }

    /// Uses that data directory and leaves it in place, to start on it again.
    #[must_use]
    pub fn directory(mut self, path: &Path) -> Self {
        self.directory = DataDirectory::Given(path.to_owned());
        self
    }

    /// Listens there instead of on IPv4 loopback; with port 0.
    #[must_use]
    pub fn listen(mut self, address: &'static str) -> Self {
        self.listen = address;
        self
    }

    /// Logs for a person instead of in JSON; [`LogLine::field`](super::LogLine::field) then finds nothing.
    #[must_use]
    pub fn log_as_text(mut self) -> Self {
        self.log_format = "text";
        self
    }

    /// Leaves standard error unread, as a collector does that hangs.
    #[must_use]
    pub fn log_nobody_reads(mut self) -> Self {
        self.reads_log = false;
        self
    }

    /// Lets the process have so many descriptors and no more.
    #[must_use]
    pub fn descriptors_max(mut self, count: u32) -> Self {
        self.descriptors_max = Some(count);
        self
    }

    /// Writes the proxies, starts the binary on a free port and waits until it listens.
    ///
    /// # Panics
    /// When it ends or stays silent instead; the message shows its log.
    pub async fn start(self) -> Gateway {
        for proxy in &self.proxies {
            add(proxy, self.directory.path()).await;
        }
        let mut command =
            self.descriptors_max.map_or_else(Pocketgate::command, Pocketgate::command_with_descriptors);
        command.args(["serve", "--http", self.listen, "--log-format", self.log_format]);
        command.arg("--dir").arg(self.directory.path()).args(&self.arguments).envs(self.environment);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let log = if self.reads_log {
            Lines::collect(child.stderr.take().expect("standard error is piped"))
        } else {
            Lines::default()
        };
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        within(PATIENCE, stdout.read_line(&mut line)).await.expect("standard output is readable");
        let address = line.trim_end().strip_prefix(READY).and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("not ready but {line:?}, log: {:#?}", log.snapshot()));
        Gateway::new(child, address, Lines::collect(stdout), log, self.directory)
    }
}

/// Runs `pocketgate proxies add` on a data directory.
pub(super) async fn add(proxy: &Proxy, directory: &Path) {
    let mut command = Pocketgate::command();
    command.args(proxy.add_arguments()).arg("--dir").arg(directory);
    Pocketgate::finish(command).await.succeeded();
}
