//! `/api/crons`: what the control plane does by itself (contract §1.11).

mod job;
mod list;
mod run;
mod schedule;

pub(crate) use list::list;
pub(crate) use run::run;
pub use schedule::run_crons;
