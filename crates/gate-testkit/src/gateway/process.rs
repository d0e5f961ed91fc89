//! What the operating system knows about the running gateway (Linux: `/proc`).

use std::fs;
use std::process::Command;

/// Signals a test sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ask to drain and end.
    Terminate,
    /// The same, from a keyboard.
    Interrupt,
    /// End at once, whatever runs.
    Kill,
    /// Freeze.
    Stop,
    /// Go on after `Stop`.
    Continue,
}

impl Signal {
    /// Sends the signal to that process; through `kill`, since the workspace holds no unsafe code.
    pub(super) fn send(self, pid: u32) {
        let name = match self {
            Self::Terminate => "TERM",
            Self::Interrupt => "INT",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        };
        let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "no process {pid} to send {name} to");
    }
}

/// Resident memory in bytes.
pub(super) fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the gateway runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel reports VmRSS");
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("VmRSS is a number of kB");
    kibibytes * 1024
}

/// Open file descriptors.
pub(super) fn descriptor_count(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the gateway runs").count()
}
