//! Where the programs of PostgreSQL are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Debian keeps them, apart from the search path: one directory a version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The path of a program such as `initdb`.
///
/// # Panics
/// When it is not installed.
pub(super) fn program(name: &str) -> PathBuf {
    let search_path = env::var_os("PATH").unwrap_or_default();
    let directories = debian().into_iter().chain(env::split_paths(&search_path));
    let mut found = directories.map(|directory| directory.join(name)).filter(|path| path.is_file());
    found.next().unwrap_or_else(|| panic!("{name} of PostgreSQL is not installed: run `make setup`"))
}

/// The newest version.
fn debian() -> Option<PathBuf> {
    let versions =
        fs::read_dir(DEBIAN).ok()?.filter_map(|version| version.ok()?.file_name().into_string().ok());
    let newest = versions.filter_map(|version| version.parse::<u32>().ok()).max()?;
    Some(Path::new(DEBIAN).join(newest.to_string()).join("bin"))
}
