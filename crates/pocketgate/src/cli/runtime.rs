//! Running a command that reads or writes records.

use crate::failure::Failure;

/// Does something to the end, on this thread.
pub(super) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format_args!("failed to start: {error}")))?;
    let outcome = runtime.block_on(work);
    // A thread that still waits for what a person types must not hold up the end.
    runtime.shutdown_background();
    outcome
}
