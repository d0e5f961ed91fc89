//! What the operating system knows about the running gateway (Linux: `/proc`).

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, kill_process};

/// Signals a test sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ask to drain and end.
    Terminate,
    /// The same, from a keyboard.
    Interrupt,
    /// The terminal has gone, or a log file was renamed.
    HangUp,
    /// End at once, whatever runs.
    Kill,
    /// Freeze.
    Stop,
    /// Go on after `Stop`.
    Continue,
}

impl Signal {
    /// Sends the signal to that process.
    pub(super) fn send(self, pid: u32) {
        let signal = match self {
            Self::Terminate => rustix::process::Signal::TERM,
            Self::Interrupt => rustix::process::Signal::INT,
            Self::HangUp => rustix::process::Signal::HUP,
            Self::Kill => rustix::process::Signal::KILL,
            Self::Stop => rustix::process::Signal::STOP,
            Self::Continue => rustix::process::Signal::CONT,
        };
        let process = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(process, signal).expect("the gateway was not waited for yet");
    }
}

/// Resident memory in bytes.
pub(super) fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the gateway runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel reports VmRSS");
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("VmRSS is a number of kB");
    kibibytes * 1024
}

/// Whether every thread has stopped: a signal reaches them one after the other.
pub(super) fn is_stopped(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the gateway runs");
    tasks.flatten().all(|task| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && line.contains('T'))
    })
}

/// Processor time of all threads so far. What a thread used that has ended is gone with it.
pub(super) fn processor_time(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the gateway runs");
    let nanoseconds = tasks.flatten().map(|task| {
        let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        schedstat.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Open file descriptors.
pub(super) fn descriptor_count(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the gateway runs").count()
}
