//! Running a command that reads or writes records.

use crate::failure::Failure;

/// Does something to the end, on this thread.
pub(super) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format_args!("failed to start: {error}")))?;
    runtime.block_on(work)
}
