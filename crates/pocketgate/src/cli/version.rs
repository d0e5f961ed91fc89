//! `pocketgate version`: which build this is.

use super::stdout;
use crate::failure::Failure;
use std::sync::LazyLock;

/// Version, commit when the build was told it, and the platform it was built for.
pub(super) fn print() -> Result<(), Failure> {
    stdout::print(format!("pocketgate {}\n", *TEXT))
}

/// What follows the program's name, here and after `--version`.
pub(super) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let commit = COMMIT.map(|commit| format!("commit {commit}, ")).unwrap_or_default();
    format!("{VERSION} ({commit}{ARCH} {OS})")
});

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Set by whoever builds a release; a build from a working tree has no commit to speak of.
const COMMIT: Option<&str> = option_env!("POCKETGATE_COMMIT");
const ARCH: &str = std::env::consts::ARCH;
const OS: &str = std::env::consts::OS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_version_and_platform() {
        assert!(TEXT.starts_with(env!("CARGO_PKG_VERSION")), "{}", *TEXT);
        assert!(TEXT.ends_with(&format!("{ARCH} {OS})")), "{}", *TEXT);
    }
}
