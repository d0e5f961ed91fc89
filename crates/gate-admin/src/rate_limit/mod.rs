//! `settings.rateLimits`: how often the API may be called (contract §1.8).

mod labels;
mod layer;
mod windows;

pub(crate) use layer::{admits_write, apply, refusal};
pub use windows::Windows;
