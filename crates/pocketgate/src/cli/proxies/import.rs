//! `pocketgate proxies import`.

use super::document::{Document, ReadError};
use super::{diff, records};
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::secrets::ResolvedSecrets;
use gate_records::{Outcome, Plan, ProxyRecord, Rejected};
use gate_store::{Store, StoreError};
use std::fs;
use std::io::{self, Read};
use std::path::{Display, Path, PathBuf};
use std::sync::Arc;

/// Make the proxies be those of a document, all of them or none
///
/// Proxies are recognised by their paths: those of the document are added or changed, the others stay unless --prune
/// is given. Prints what changes. The same document a second time changes nothing.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pocketgate proxies import proxies.yaml --dry-run
  pocketgate proxies export --dir old | pocketgate proxies import - --dir new")]
pub(super) struct ImportArgs {
    /// The document, YAML or JSON; - reads standard input
    #[arg(value_name = "FILE|-", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,

    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Remove the proxies that are not in the document
    #[arg(long)]
    prune: bool,

    #[command(flatten)]
    directory: DataDirectory,
}

impl ImportArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let wanted = self.read()?;
        // A dry run leaves no directory behind where there was none.
        let store = if self.dry_run && !self.directory.location().may_exist() {
            None
        } else {
            Some(records::open(&self.directory).await?)
        };
        let (stored, secrets) = match &store {
            Some(store) => {
                (store.proxies().await.map_err(Failure::other)?, records::secret_names(store).await?)
            }
            None => (Vec::new(), ResolvedSecrets::default()),
        };
        let stored: Vec<_> = stored.into_iter().map(Arc::unwrap_or_clone).collect();
        let plan = Plan::new(&stored, wanted, self.prune, &records::environment_policy(), &secrets)
            .map_err(|rejected| self.rejected(&rejected))?;
        let report = self.report(&plan);
        if let Some(store) = store {
            if !self.dry_run {
                self.apply(&store, plan).await?;
            }
            store.close().await;
        }
        stdout::print(report)
    }

    fn read(&self) -> Result<Vec<ProxyRecord>, Failure> {
        let text = read_text(&self.file)
            .map_err(|error| Failure::other(format_args!("failed to read {}: {error}", self.source())))?;
        Document::read(&text).map_err(|error| match error {
            ReadError::Malformed(reason) => {
                Failure::other(format_args!("{} cannot be imported: {reason}", self.source()))
            }
            ReadError::Rejected(rejected) => self.rejected(&rejected),
        })
    }

    /// What the document is called in messages.
    fn source(&self) -> Display<'_> {
        let standard_input = Path::new("standard input");
        if is_standard_input(&self.file) { standard_input.display() } else { self.file.display() }
    }

    async fn apply(&self, store: &Store, plan: Plan) -> Result<(), Failure> {
        store.apply(&plan.into_changes()).await.map_err(|error| match error {
            StoreError::Conflict { .. } | StoreError::NotFound { .. } | StoreError::NotUnique { .. } => {
                Failure::other(format_args!("{error}; nothing was imported, try again"))
            }
            error => Failure::other(error),
        })
    }

    /// The diff of every proxy that is not as it was, and how many of each kind there are.
    fn report(&self, plan: &Plan) -> String {
        let mut report = String::new();
        for entry in &plan.entries {
            records::warn(&entry.path, &entry.warnings);
            report.push_str(&diff::show(entry));
        }
        let count = |outcome| plan.entries.iter().filter(|entry| entry.outcome == outcome).count();
        let note = if self.dry_run { " (dry run: nothing was changed)" } else { "" };
        report
            + &format!(
                "{} added, {} changed, {} unchanged, {} removed{note}\n",
                count(Outcome::Added),
                count(Outcome::Changed),
                count(Outcome::Unchanged),
                count(Outcome::Removed)
            )
    }

    fn rejected(&self, rejected: &[Rejected]) -> Failure {
        let proxies: Vec<String> = rejected.iter().map(one_rejected).collect();
        let file = self.source();
        Failure::other(format_args!(
            "{file} cannot be imported, nothing was changed:\n{}",
            proxies.join("\n")
        ))
    }
}

fn one_rejected(rejected: &Rejected) -> String {
    let Rejected { position, path, errors } = rejected;
    errors
        .iter()
        .map(|(field, error)| format!("  proxy {} ({path}): {field}: {}", position + 1, error.message))
        .collect::<Vec<_>>()
        .join("\n")
}

fn read_text(file: &Path) -> io::Result<String> {
    if !is_standard_input(file) {
        return fs::read_to_string(file);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}
