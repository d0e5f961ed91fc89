//! The settings: one document for the whole gateway, in PocketBase's shape (contract §1.11).

mod check;
mod live;
mod merge;
mod model;

pub use live::{LiveSettings, SettingsError};
pub use model::{RateLimitRule, Settings};
