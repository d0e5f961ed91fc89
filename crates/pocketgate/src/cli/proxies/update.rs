//! `pocketgate proxies update`.

use super::fields::{FieldArgs, remove_header};
use super::records;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::ProxyRecord;
use gate_store::Change;

/// Change some fields of a proxy, and print its id and path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pocketgate proxies update /-/ai --timeout 120
  pocketgate proxies update /-/ai --header 'X-Team: red' --remove-header X-Debug
  pocketgate proxies update /-/ai --active false")]
pub(super) struct UpdateArgs {
    /// The proxy's path or id
    #[arg(value_name = "PATH|ID")]
    proxy: String,

    /// Another path for it
    #[arg(long, value_name = "PATH")]
    path: Option<String>,

    /// Another URL it leads to
    #[arg(long, value_name = "URL", value_hint = clap::ValueHint::Url)]
    upstream: Option<String>,

    /// A header to set no longer; may be given several times
    #[arg(long = "remove-header", value_name = "NAME")]
    removed_headers: Vec<String>,

    #[command(flatten)]
    fields: FieldArgs,

    #[command(flatten)]
    directory: DataDirectory,
}

impl UpdateArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = records::open_existing(&self.directory).await?;
        let stored = records::find(&store, &self.proxy).await?;
        let refused = |errors| records::refused(&stored.path, &errors);
        let mut record = ProxyRecord::from_row(&stored).map_err(refused)?;
        self.edit(&mut record)?;
        let merged = record.merge(self.fields.mentioned());
        let proxy = merged.and_then(|()| record.check()).map_err(refused)?;
        records::warn_about(&proxy, &store).await?;

        let row = proxy.row_after(&stored);
        let (id, path) = (row.id.clone(), row.path.clone());
        // What somebody else changed in the meantime is theirs to keep (contract D-13).
        let change = Change::Update { row, expected_updated: Some(stored.updated.clone()) };
        records::save(&store, change, &path).await?;
        store.close().await;
        stdout::print(format!("{id} {path}\n"))
    }

    fn edit(&self, record: &mut ProxyRecord) -> Result<(), Failure> {
        if let Some(path) = &self.path {
            record.path.clone_from(path);
        }
        if let Some(upstream) = &self.upstream {
            record.upstream.clone_from(upstream);
        }
        for name in &self.removed_headers {
            if !remove_header(&mut record.headers, name) {
                return Err(Failure::other(format_args!(
                    "the proxy {} does not set the header {name}",
                    self.proxy
                )));
            }
        }
        self.fields.set_headers(&mut record.headers);
        Ok(())
    }
}
