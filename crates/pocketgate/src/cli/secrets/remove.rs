//! `pocketgate secrets remove`.

use super::open::Opened;
use crate::cli::{DataDirectory, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::secrets::SecretName;

/// Remove a secret
#[derive(Args, Debug)]
pub(super) struct RemoveArgs {
    /// What it is named by
    #[arg(value_name = "KEY")]
    key: String,

    /// The environment it is for; the gateway's own when not given
    #[arg(long = "env", value_name = "NAME")]
    env: Option<String>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl RemoveArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = Opened::existing(&self.directory).await?;
        let name = SecretName::Key { key: &self.key, env: self.env.as_deref() };
        let outcome = opened.secrets.delete(name).await;
        opened.end(outcome).await?;
        stdout::print(format!("removed {}\n", self.key))
    }
}
