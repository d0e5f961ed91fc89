//! `pocketgate superuser create`, `upsert` and `update`.

use super::open::{Opened, open};
use crate::cli::{DataDirectory, password, stdout};
use crate::failure::Failure;
use clap::Args;
use gate_records::auth::{Superuser, SuperuserError};

/// Who, and with which password.
#[derive(Args, Debug)]
pub(super) struct AccountArgs {
    /// The e-mail address to log in with
    #[arg(value_name = "EMAIL")]
    email: String,

    /// The password, 8 to 71 characters; asked for, or read from standard input, when not given: on the command line
    /// everybody on the machine can read it
    #[arg(value_name = "PASSWORD")]
    password: Option<String>,

    #[command(flatten)]
    directory: DataDirectory,
}

impl AccountArgs {
    pub(super) async fn create(self) -> Result<(), Failure> {
        let (opened, email, password) = self.begin().await?;
        let outcome = opened.superusers.create(&email, &password).await;
        opened.end(outcome).await.and_then(|superuser| tell("created", &superuser))
    }

    pub(super) async fn upsert(self) -> Result<(), Failure> {
        let (opened, email, password) = self.begin().await?;
        let outcome = opened.superusers.upsert(&email, &password).await;
        opened.end(outcome).await.and_then(|superuser| tell("saved", &superuser))
    }

    pub(super) async fn update(self) -> Result<(), Failure> {
        let (opened, email, password) = self.begin().await?;
        let outcome = opened.superusers.update(&email, &password).await;
        opened.end(outcome).await.and_then(|superuser| tell("updated", &superuser))
    }

    async fn begin(self) -> Result<(Opened, String, String), Failure> {
        let AccountArgs { email, password, directory } = self;
        let password = match password {
            Some(password) => password,
            None => password::ask("password").await?,
        };
        Ok((open(&directory).await?, email, password))
    }
}

impl Opened {
    /// Closes the store, and tells in words what could not be done.
    pub(super) async fn end<T>(self, outcome: Result<T, SuperuserError>) -> Result<T, Failure> {
        self.store.close().await;
        outcome.map_err(|error| match error {
            SuperuserError::Invalid(errors) => {
                Failure::other(format_args!("the superuser cannot be stored:\n{errors}"))
            }
            error => Failure::other(error),
        })
    }
}

fn tell(what: &str, superuser: &Superuser) -> Result<(), Failure> {
    stdout::print(format!("{what} superuser {} {}\n", superuser.id, superuser.email))
}
