//! `pocketgate proxies remove`.

use super::records;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_store::Change;

/// Remove proxies, all of those named or none
#[derive(Args, Debug)]
pub(super) struct RemoveArgs {
    /// The paths or ids of the proxies
    #[arg(value_name = "PATH|ID", required = true)]
    proxies: Vec<String>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl RemoveArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = records::open_existing(&self.directory).await?;
        let mut changes = Vec::new();
        let mut removed = Vec::new();
        for proxy in &self.proxies {
            let row = records::find(&store, proxy).await?;
            let change = Change::Delete { id: row.id.clone() };
            // Named twice, by its path and by its id perhaps: removed once.
            if !changes.contains(&change) {
                changes.push(change);
                removed.push(format!("{} {}\n", row.id, row.path));
            }
        }
        store.apply(&changes).await.map_err(Failure::other)?;
        store.close().await;
        stdout::print(removed.concat())
    }
}
