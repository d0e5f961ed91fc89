//! `pocketgate proxies add`.

use super::fields::FieldArgs;
use super::records;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::ProxyRecord;
use gate_store::Change;

/// Add a proxy, and print its id and path
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pocketgate proxies add --path /-/ai --upstream https://api.openai.com/v1 \\
      --access-rule true --header 'Authorization: Bearer {env.OPENAI_KEY}'
  pocketgate proxies add --path /-/local --upstream http://127.0.0.1:8001 \\
      --timeout-config '{\"response_header\": 0}' --max-concurrent 10")]
pub(super) struct AddArgs {
    /// The path it answers to, with everything below it
    #[arg(long, value_name = "PATH")]
    path: String,

    /// The URL it leads to
    #[arg(long, value_name = "URL", value_hint = clap::ValueHint::Url)]
    upstream: String,

    #[command(flatten)]
    fields: FieldArgs,

    #[command(flatten)]
    directory: DataDirectory,
}

impl AddArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut record =
            ProxyRecord { path: self.path.clone(), upstream: self.upstream, ..ProxyRecord::default() };
        let merged = record.merge(self.fields.mentioned());
        self.fields.set_headers(&mut record.headers);
        let proxy =
            merged.and_then(|()| record.check()).map_err(|errors| records::refused(&self.path, &errors))?;

        let store = records::open(&self.directory).await?;
        records::warn_about(&proxy, &store).await?;
        let row = proxy.new_row();
        let (id, path) = (row.id.clone(), row.path.clone());
        records::save(&store, Change::Insert(row), &path).await?;
        store.close().await;
        stdout::print(format!("{id} {path}\n"))
    }
}
