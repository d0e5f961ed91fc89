//! What the system says about this process. Nothing where it has no `/proc`.

use std::fs;
use std::time::Duration;

/// What the process uses, and what it may. `None` where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Processor time, its own and the system's on its behalf.
    pub cpu: Option<Duration>,
    /// Memory in RAM, in bytes.
    pub resident_bytes: Option<u64>,
    /// Addresses, in bytes.
    pub virtual_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// How many may be open.
    pub descriptors_max: Option<u64>,
}

impl ProcessUsage {
    /// As it is now. Reads a few small files of the kernel's memory.
    pub fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kilobytes = |name| number_of(&status, name).map(|kilobytes| kilobytes.saturating_mul(1024));
        ProcessUsage {
            cpu: fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu(&stat)),
            resident_bytes: kilobytes("VmRSS:"),
            virtual_bytes: kilobytes("VmSize:"),
            threads: number_of(&status, "Threads:"),
            descriptors: descriptors(),
            descriptors_max: fs::read_to_string("/proc/self/limits")
                .ok()
                .and_then(|limits| number_of(&limits, "Max open files")),
        }
    }
}

/// The first number behind a name at the beginning of a line.
fn number_of(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `/proc/self/stat`; the second one is a name that may hold spaces and parentheses (proc(5)).
fn cpu(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut ticks = behind_name.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    Some(Duration::from_millis(user.saturating_add(system).saturating_mul(TICK_MILLISECONDS)))
}

/// Since Linux 6.2 the directory's size is how many there are; before, they have to be counted.
fn descriptors() -> Option<u64> {
    const DIRECTORY: &str = "/proc/self/fd";
    match fs::metadata(DIRECTORY).ok()?.len() {
        0 => Some(fs::read_dir(DIRECTORY).ok()?.count() as u64),
        known => Some(known),
    }
}

/// The kernel shows processor time in hundredths of a second on every architecture this is built for (USER_HZ, time(7)).
const TICK_MILLISECONDS: u64 = 10;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_of_everything() {
        let usage = ProcessUsage::now();
        assert!(usage.resident_bytes > Some(1 << 20), "{usage:?}");
        assert!(usage.virtual_bytes >= usage.resident_bytes, "{usage:?}");
        assert!(usage.threads >= Some(2), "{usage:?}");
        assert!(usage.descriptors >= Some(3) && usage.descriptors < usage.descriptors_max, "{usage:?}");
        assert!(usage.cpu.is_some(), "{usage:?}");
    }

    #[test]
    fn an_open_file_is_a_descriptor_more() {
        let before = ProcessUsage::now().descriptors.unwrap();
        let _files: Vec<_> = (0..100).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        assert!(ProcessUsage::now().descriptors.unwrap() >= before + 90, "others may have closed theirs");
    }

    #[test]
    fn processor_time_stands_behind_a_name_that_may_be_anything() {
        let stat = "4 (a) b (c) S 1 4 4 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu(stat), Some(Duration::from_millis(1750)));
        assert_eq!(cpu("4 (a"), None);
        assert_eq!(cpu("4 (a) S 1"), None);
    }

    #[test]
    fn an_unlimited_number_is_none() {
        assert_eq!(
            number_of("Max open files            unlimited            unlimited", "Max open files"),
            None
        );
        assert_eq!(
            number_of("Max open files            1024                 4096", "Max open files"),
            Some(1024)
        );
    }
}
