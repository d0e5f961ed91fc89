//! `pocketgate secrets set`.

use super::open::Opened;
use crate::cli::{DataDirectory, password, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::secrets::{NewSecret, SecretChange, SecretError, SecretName, SecretValue, Secrets};

/// Make a secret, or give it a new value, which is asked for or read from standard input
#[derive(Args, Debug)]
pub(super) struct SetArgs {
    /// What {secret.KEY} in a header names it by: letters, digits and _
    #[arg(value_name = "KEY")]
    key: String,

    /// The environment it is for; the gateway's own when not given
    #[arg(long = "env", value_name = "NAME")]
    env: Option<String>,

    /// What it is for; stays as it is when not given
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl SetArgs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let value = SecretValue::new(password::ask("value").await?);
        let opened = Opened::open(&self.directory).await?;
        let outcome = self.set(&opened.secrets, value).await;
        opened.end(outcome).await?;
        stdout::print(format!("set {}\n", self.key))
    }

    async fn set(&self, secrets: &Secrets, value: SecretValue) -> Result<(), SecretError> {
        let name = SecretName::Key { key: &self.key, env: self.env.as_deref() };
        let change = SecretChange { value: Some(value.clone()), description: self.description.clone() };
        match secrets.update(name, change).await {
            Err(SecretError::NotFound) => {
                let (key, env) = (self.key.clone(), self.env.clone());
                let description = self.description.clone().unwrap_or_default();
                secrets.create(NewSecret { key, value, env, description }).await.map(drop)
            }
            outcome => outcome.map(drop),
        }
    }
}
