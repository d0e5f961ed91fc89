//! Flags that switch something on or off.

use clap::ValueEnum;

/// Whether something is done; on unless somebody says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    #[default]
    On,
    Off,
}
