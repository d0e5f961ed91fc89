//! The conformance suite on SQLite.

use gate_store::Store;
use tempfile::TempDir;

/// An empty store in a directory of its own, which goes away with the second value.
pub(crate) async fn empty_store() -> (Store, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).await.unwrap();
    (store, directory)
}

crate::conformance::conformance!(empty_store);
