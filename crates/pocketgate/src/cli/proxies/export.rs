//! `pocketgate proxies export`.

use super::document::{Document, Format};
use super::records;
use crate::cli::{DataDirectory, private_file, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::ProxyRecord;
use gate_store::ProxyRow;
use std::path::PathBuf;

/// Write all proxies as one document, which `import` reads
///
/// Templates such as {env.KEY} are written as they are; a header with a plain value has it in the document too, so that only
/// its owner may read the file.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Where to write it; standard output when not given
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// The form of the document; by the file's name when not given, YAML unless that ends in .json
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl ExportArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = records::open_existing(&self.directory).await?;
        let rows = store.proxies().await.map_err(Failure::other)?;
        store.close().await;
        let proxies = rows.iter().map(|row| record(row)).collect::<Result<_, _>>()?;
        let format = self.format.unwrap_or_else(|| Format::of(self.file.as_deref()));
        let text = Document::new(proxies).write(format)?;
        match &self.file {
            None => stdout::print(text),
            Some(file) => private_file::write(file, &text)
                .map_err(|error| Failure::other(format_args!("failed to write {}: {error}", file.display()))),
        }
    }
}

/// Left out, it would be lost to whoever imports the document with `--prune`.
fn record(row: &ProxyRow) -> Result<ProxyRecord, Failure> {
    ProxyRecord::from_row(row).map_err(|errors| {
        let lines = records::indented(&errors);
        Failure::other(format_args!("the proxy {} cannot be exported:\n{lines}", row.path))
    })
}
