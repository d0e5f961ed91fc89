//! How much of the memory it may have the process uses.
//!
//! The limit is the one its operator gave it, and what counts then is what the process itself has resident; otherwise that of its
//! control groups (cgroup v2), and what counts is what the kernel would count before it kills: all of the group but for
//! cached files, which it would drop first. Without either there is no limit.

use std::fs;
use std::path::{Path, PathBuf};

/// Where usage and limit come from.
#[derive(Debug)]
pub(crate) enum Memory {
    /// What this process has resident, against a limit in bytes.
    Resident {
        /// The limit.
        limit: u64,
    },
    /// The control groups this process is in, its own first.
    Groups(Vec<PathBuf>),
}

/// How much is used of how much, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

impl Memory {
    /// With that limit in bytes, 0 = none; without one, that of the control groups.
    pub(crate) fn of_process(limit: Option<u64>) -> Option<Self> {
        match limit {
            Some(0) => None,
            Some(limit) => {
                if resident().is_none() {
                    tracing::warn!(
                        "this system does not say how much memory a process uses: there is no limit"
                    );
                }
                Some(Memory::Resident { limit })
            }
            None => {
                let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
                let groups = groups(Path::new("/sys/fs/cgroup"), &membership);
                (!groups.is_empty()).then_some(Memory::Groups(groups))
            }
        }
    }

    /// What is used now, of the limit that is nearest; `None` while there is no limit, or nobody says.
    pub(crate) fn usage(&self) -> Option<Usage> {
        match self {
            Memory::Resident { limit } => Some(Usage { used: resident()?, limit: *limit }),
            Memory::Groups(groups) => {
                groups.iter().filter_map(|group| group_usage(group)).max_by_key(|usage| usage.per_mille())
            }
        }
    }
}

impl Usage {
    /// Whether too little is left, given whether too little was left before: the way back is longer, so that it does not
    /// go to and fro.
    pub(crate) fn is_short(self, was_short: bool) -> bool {
        self.per_mille() >= if was_short { EASE_PER_MILLE } else { SHED_PER_MILLE }
    }

    fn per_mille(self) -> u64 {
        self.used.saturating_mul(1000) / self.limit.max(1)
    }
}

/// The group a process is in and those above it, as far as they account for memory.
fn groups(root: &Path, membership: &str) -> Vec<PathBuf> {
    let path = membership.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let own = root.join(path);
    let up_to_root = own.ancestors().take_while(|group| group.starts_with(root));
    up_to_root.filter(|group| group.join("memory.current").is_file()).map(Path::to_path_buf).collect()
}

fn group_usage(group: &Path) -> Option<Usage> {
    // "max", which is no number, stands for no limit.
    let limit = number(&group.join("memory.max"))?;
    let current = number(&group.join("memory.current"))?;
    let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
    Some(Usage { used: current.saturating_sub(cached.unwrap_or(0)), limit })
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// 95 %: what runs may still need a little to come to its end.
const SHED_PER_MILLE: u64 = 950;
/// 90 %.
const EASE_PER_MILLE: u64 = 900;

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the files of one control group.
    fn group(path: &Path, max: &str, current: u64, inactive_file: u64) {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("memory.max"), format!("{max}\n")).unwrap();
        fs::write(path.join("memory.current"), format!("{current}\n")).unwrap();
        fs::write(path.join("memory.stat"), format!("anon 1\ninactive_file {inactive_file}\n")).unwrap();
    }

    fn used(root: &Path, membership: &str) -> Option<Usage> {
        Memory::Groups(groups(root, membership)).usage()
    }

    #[test]
    fn the_nearest_limit_counts_without_cached_files() {
        let root = tempfile::tempdir().unwrap();
        group(&root.path().join("a"), "1000", 900, 100);
        group(&root.path().join("a/b"), "max", 500, 0);
        assert_eq!(used(root.path(), "0::/a/b\n"), Some(Usage { used: 800, limit: 1000 }));
        group(&root.path().join("a/b"), "510", 500, 0);
        assert_eq!(used(root.path(), "1:cpu:/x\n0::/a/b\n"), Some(Usage { used: 500, limit: 510 }));
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(used(root.path(), "0::/a\n"), None);
        group(root.path(), "max", 500, 0);
        assert_eq!(used(root.path(), "0::/\n"), None);
        assert!(Memory::of_process(Some(0)).is_none());
    }

    #[test]
    fn a_process_has_something_resident() {
        let usage = Memory::of_process(Some(1)).unwrap().usage().unwrap();
        assert!(usage.used > 100_000 && usage.is_short(false), "{usage:?}");
    }

    #[test]
    fn the_way_back_is_longer() {
        let short = |used, was_short| Usage { used, limit: 1000 }.is_short(was_short);
        assert_eq!((short(949, false), short(950, false)), (false, true));
        assert_eq!((short(900, true), short(899, true)), (true, false));
    }
}
