//! Signals, the one thing of process control each platform has its own way for.
//!
//! SIGTERM and SIGINT stop the process. SIGHUP, sent when a terminal goes away or a log file was renamed, has log files opened
//! anew and does nothing else: changes are noticed without it. SIGPIPE needs no care, the runtime of the language ignores it from the start.
//! Where there are no signals, Ctrl-C is the one way to stop.

use std::fmt;
use std::io;

/// A signal that asks the process to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    #[cfg_attr(not(unix), expect(dead_code, reason = "other platforms have Ctrl-C alone"))]
    Terminate,
}

impl StopSignal {
    /// The exit code of a process that such a signal ended: 128 + its number, as shells count.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            StopSignal::Interrupt => 130,
            StopSignal::Terminate => 143,
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopSignal::Interrupt => "SIGINT",
            StopSignal::Terminate => "SIGTERM",
        })
    }
}

/// The signals as they come in.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes the signals over from their default actions. Needs a runtime to be entered.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal to stop; `hung_up` is called at each SIGHUP before it. Cancel-safe.
    pub(crate) async fn next_stop(&mut self, hung_up: impl Fn()) -> StopSignal {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return StopSignal::Interrupt,
                _ = self.terminate.recv() => return StopSignal::Terminate,
                _ = self.hang_up.recv() => {
                    tracing::info!("SIGHUP: the access log is opened anew; changes take effect without it");
                    hung_up();
                }
            }
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Nothing to prepare: Ctrl-C is taken over when it is first waited for.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Signals {})
    }

    /// The next signal to stop. Cancel-safe.
    pub(crate) async fn next_stop(&mut self, _: impl Fn()) -> StopSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        StopSignal::Interrupt
    }
}
