//! `settings.rateLimits`: how often the API may be called (contract §1.8).

mod labels;
mod layer;
mod windows;

pub(crate) use layer::apply;
pub use windows::Windows;
