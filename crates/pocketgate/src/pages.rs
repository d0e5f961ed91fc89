//! Which pages the kernel keeps for the process: of the program only what is needed, and small ones for the heap.
//!
//! The one module of the workspace with `unsafe` in it. Nothing of it does anything on other platforms than Linux.

#![allow(
    unsafe_code,
    reason = "madvise may destroy what is in memory; why it does not here is said beside it"
)]

use std::ops::Range;
use std::ptr;

/// The memory that holds the program and its libraries as they are on disk.
///
/// Starting runs through most of it once: the command line, the schema, certificates. That is 5 of the 16 MiB an idle
/// process has before its first request (release build, x86-64).
#[derive(Debug)]
pub(crate) struct StartupPages(Vec<Range<usize>>);

impl StartupPages {
    /// What is mapped now. For the beginning of the program, before anything else is loaded.
    pub(crate) fn mapped() -> Self {
        StartupPages(unchanged())
    }

    /// Gives back what has not changed since; what is needed again comes back by itself, from the page cache, 64 KiB at a
    /// time. What cannot be given back stays.
    pub(crate) fn give_back(self) {
        for mapping in unchanged().into_iter().filter(|mapping| self.0.contains(mapping)) {
            give_back(&mapping);
        }
    }
}

/// Keeps the heap in pages of 4 KiB, as many as are used. Where the system makes them larger unasked, an idle process would
/// have 36 MiB instead of 15. For the beginning of the program: it holds for memory that is used for the first time.
pub(crate) fn keep_small() {
    let anything = Box::new(0_u8);
    if let Some(heap) = mapping_with(ptr::from_ref(&*anything).addr()) {
        keep_in_small(&heap);
    }
}

#[cfg(target_os = "linux")]
use linux::{give_back, keep_in_small, mapping_with, unchanged};

#[cfg(not(target_os = "linux"))]
use elsewhere::{give_back, keep_in_small, mapping_with, unchanged};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::ops::Range;

    pub(super) fn unchanged() -> Vec<Range<usize>> {
        Vec::new()
    }

    pub(super) fn give_back(_unchanged: &Range<usize>) {}

    pub(super) fn mapping_with(_address: usize) -> Option<Range<usize>> {
        None
    }

    pub(super) fn keep_in_small(_heap: &Range<usize>) {}
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::mm::{Advice, madvise};
    use std::fs;
    use std::ops::Range;
    use std::ptr;

    /// The addresses of files that are mapped privately, that nobody can write to and of which no page was changed.
    pub(super) fn unchanged() -> Vec<Range<usize>> {
        fs::read_to_string("/proc/self/smaps").map_or_else(|_| Vec::new(), |smaps| unchanged_in(&smaps))
    }

    pub(super) fn unchanged_in(smaps: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut file = None;
        for line in smaps.lines() {
            if let Some(mapping) = Mapping::parse(line) {
                file = mapping.is_read_only_file().then_some(mapping.addresses);
            } else if let Some(copied) = line.strip_prefix("Anonymous:") {
                file = file.filter(|_| copied.trim() == "0 kB");
            } else if let Some(swapped) = line.strip_prefix("Swap:") {
                // The last word on a mapping: a kernel without it gives nothing back.
                found.extend(file.take().filter(|_| swapped.trim() == "0 kB"));
            }
        }
        found
    }

    /// Hands the pages of `unchanged` back to the kernel: a mapping that was there when the program began.
    pub(super) fn give_back(unchanged: &Range<usize>) {
        let start = ptr::with_exposed_provenance_mut(unchanged.start);
        // SAFETY: the next access to a page that was given back reads it from its file. That is the same as what was there,
        // unless the page was a private copy. There is none: the kernel has just counted them, in memory and in swap. And
        // none is made meanwhile: the mapping is not writable, and nobody makes it so (the loader does for relocations,
        // before `main`). Nor does another mapping take its place: it was there when the program began, so it is the
        // program or a library it is linked with, which are never unmapped.
        let _ = unsafe { madvise(start, unchanged.len(), Advice::LinuxDontNeed) };
    }

    /// The mapping that `address` is in.
    pub(super) fn mapping_with(address: usize) -> Option<Range<usize>> {
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        maps.lines().filter_map(addresses_of).find(|mapping| mapping.contains(&address))
    }

    /// Asks for no large pages where `heap` is.
    pub(super) fn keep_in_small(heap: &Range<usize>) {
        let start = ptr::with_exposed_provenance_mut(heap.start);
        // SAFETY: this is about how the kernel keeps what is in memory, not about what is in it (madvise(2)), whoever else
        // uses it meanwhile and whatever has become of the mapping.
        let _ = unsafe { madvise(start, heap.len(), Advice::LinuxNoHugepage) };
    }

    /// Of the first line of a mapping in `/proc/PID/maps` and `smaps` (proc(5)): `start-end permissions …`.
    fn addresses_of(line: &str) -> Option<Range<usize>> {
        let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
        let address = |hexadecimal| usize::from_str_radix(hexadecimal, 16).ok();
        Some(address(start)?..address(end)?)
    }

    /// The first line of a mapping in `/proc/PID/smaps` (proc(5)).
    struct Mapping<'a> {
        addresses: Range<usize>,
        permissions: &'a str,
        path: &'a str,
    }

    impl<'a> Mapping<'a> {
        /// `address permissions offset device inode path`; nothing for the lines about a mapping, and for memory without a name.
        fn parse(line: &'a str) -> Option<Self> {
            let mut words = line.split_ascii_whitespace().skip(1);
            Some(Self { addresses: addresses_of(line)?, permissions: words.next()?, path: words.nth(3)? })
        }

        fn is_read_only_file(&self) -> bool {
            self.path.starts_with('/') && self.permissions.ends_with('p') && !self.permissions.contains('w')
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_nobody_can_have_changed_are_given_back() {
        let smaps = "\
55d0a000-55d0c000 r--p 00000000 fe:00 7                   /opt/pocketgate
Rss:                   8 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd mr mw me sd
55d0c000-55d10000 r-xp 00002000 fe:00 7                   /opt/pocketgate
Anonymous:             0 kB
Swap:                  0 kB
SwapPss:               0 kB
55d10000-55d14000 r--p 00006000 fe:00 7                   /opt/pocketgate
Anonymous:            16 kB
Swap:                  0 kB
55d14000-55d18000 r--p 0000a000 fe:00 7                   /opt/pocketgate
Anonymous:             0 kB
Swap:                 16 kB
55d18000-55d1c000 rw-p 0000e000 fe:00 7                   /opt/pocketgate
Anonymous:             0 kB
Swap:                  0 kB
55d1c000-55d20000 r--s 00000000 fe:00 8                   /srv/data.db-shm
Anonymous:             0 kB
Swap:                  0 kB
7f000000-7f001000 rw-p 00000000 00:00 0
Anonymous:             0 kB
Swap:                  0 kB
7f002000-7f003000 r-xp 00000000 00:00 0                   [vdso]
Anonymous:             0 kB
Swap:                  0 kB
";
        assert_eq!(linux::unchanged_in(smaps), [0x55d0_a000..0x55d0_c000, 0x55d0_c000..0x55d1_0000]);
    }

    #[test]
    fn the_program_runs_on_without_the_pages_it_gave_back() {
        let before = resident_files();
        StartupPages::mapped().give_back();
        let after = resident_files();
        assert!(after < before, "{after} kB of files are resident, {before} kB were");
        assert_eq!(format!("{:?}", "read from the file again"), "\"read from the file again\"");
    }

    #[test]
    fn the_heap_is_kept_in_small_pages() {
        keep_small();
        let anything = Box::new(0_u8);
        let heap = mapping_with(ptr::from_ref(&*anything).addr()).unwrap();
        assert!(flags_of(heap.start).contains(" nh"), "{}", flags_of(heap.start));
    }

    /// What the kernel was told about the mapping that starts there.
    fn flags_of(start: usize) -> String {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&format!("{start:x}-")));
        lines.find(|line| line.starts_with("VmFlags:")).unwrap().to_owned()
    }

    fn resident_files() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}
