//! The superusers, as the command line sees to them.

use super::{PasswordError, Passwords};
use crate::collections::{Autogenerate, SUPERUSERS};
use crate::records::Record;
use crate::timestamp::Timestamp;
use crate::{FieldErrors, record_id};
use gate_store::{Row, SUPERUSERS as TABLE, Select, Store, StoreError, Transaction};

/// The superusers of a store, for those who have the data directory and so need no token.
#[derive(Clone, Debug)]
pub struct Superusers {
    store: Store,
    passwords: Passwords,
}

/// A superuser without their password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superuser {
    /// What every record has.
    pub id: String,
    /// Who they log in as.
    pub email: String,
    /// When they were made.
    pub created: String,
    /// When they were last changed.
    pub updated: String,
}

/// Why superusers are as they were.
#[derive(Debug, thiserror::Error)]
pub enum SuperuserError {
    /// The address or the password cannot be theirs.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// Nobody has this address.
    #[error("there is no superuser {email}")]
    NotFound {
        /// The address.
        email: String,
    },
    /// Nobody could administer the gateway any more.
    #[error("you can't delete the only existing superuser")]
    Last,
    /// There is one, and the first is to be made.
    #[error("there is a superuser already")]
    NotTheFirst,
    /// The password was not hashed.
    #[error(transparent)]
    Password(PasswordError),
    /// The store refused.
    #[error(transparent)]
    Store(StoreError),
}

impl Superusers {
    /// The superusers of a store.
    pub fn new(store: Store, passwords: Passwords) -> Self {
        Superusers { store, passwords }
    }

    /// All of them, in the order in which they were made.
    pub async fn list(&self) -> Result<Vec<Superuser>, SuperuserError> {
        let rows = self.store.select(&Select::all(&TABLE)).await.map_err(SuperuserError::Store)?;
        Ok(rows.iter().map(Superuser::of).collect())
    }

    /// How many there are.
    pub async fn count(&self) -> Result<u64, SuperuserError> {
        self.store.count(&TABLE).await.map_err(SuperuserError::Store)
    }

    /// Makes one.
    pub async fn create(&self, email: &str, password: &str) -> Result<Superuser, SuperuserError> {
        let row = self.new_row(email, password).await?;
        let mut transaction = self.begin().await?;
        insert(&mut transaction, &row).await?;
        commit(transaction).await?;
        Ok(Superuser::of(&row))
    }

    /// Makes the first one, if there is none.
    pub async fn create_first(&self, email: &str, password: &str) -> Result<Row, SuperuserError> {
        let row = self.new_row(email, password).await?;
        let mut transaction = self.begin().await?;
        if transaction.count(&TABLE).await.map_err(SuperuserError::Store)? > 0 {
            return Err(SuperuserError::NotTheFirst);
        }
        insert(&mut transaction, &row).await?;
        commit(transaction).await?;
        Ok(row)
    }

    /// Makes one, or gives the one with this address a new password.
    pub async fn upsert(&self, email: &str, password: &str) -> Result<Superuser, SuperuserError> {
        match self.update(email, password).await {
            Err(SuperuserError::NotFound { .. }) => self.create(email, password).await,
            outcome => outcome,
        }
    }

    /// Gives one a new password, which ends all of their tokens.
    pub async fn update(&self, email: &str, password: &str) -> Result<Superuser, SuperuserError> {
        let hash = self.hash(password).await?;
        let mut transaction = self.begin().await?;
        let mut row = find(&mut transaction, email).await?;
        let updated = Timestamp::now_after(row.text("updated"));
        row.set("password", hash);
        row.set("tokenKey", Autogenerate::TokenKey.make());
        row.set("updated", updated.to_string());
        transaction.update(&row, None).await.map_err(SuperuserError::Store)?;
        commit(transaction).await?;
        Ok(Superuser::of(&row))
    }

    /// Deletes one, unless it is the last.
    pub async fn delete(&self, email: &str) -> Result<(), SuperuserError> {
        let mut transaction = self.begin().await?;
        let row = find(&mut transaction, email).await?;
        if transaction.count(&TABLE).await.map_err(SuperuserError::Store)? == 1 {
            return Err(SuperuserError::Last);
        }
        transaction.delete(&TABLE, row.id()).await.map_err(SuperuserError::Store)?;
        commit(transaction).await
    }

    async fn begin(&self) -> Result<Transaction, SuperuserError> {
        self.store.begin().await.map_err(SuperuserError::Store)
    }

    async fn new_row(&self, email: &str, password: &str) -> Result<Row, SuperuserError> {
        let mut record = Record::new(&SUPERUSERS);
        record.set("email", email);
        let mut errors = FieldErrors::default();
        if let Some(error) = SUPERUSERS.check(record.values()).field("email") {
            errors.add("email", error.clone());
        }
        errors.collect("password", Passwords::check(password));
        if !errors.is_empty() {
            return Err(SuperuserError::Invalid(errors));
        }
        let now = Timestamp::now().to_string();
        Ok(Row::new(&TABLE)
            .with("id", record_id::new())
            .with("email", email)
            .with("verified", true)
            .with("password", self.hash(password).await?)
            .with("tokenKey", Autogenerate::TokenKey.make())
            .with("created", now.as_str())
            .with("updated", now))
    }

    async fn hash(&self, password: &str) -> Result<String, SuperuserError> {
        Passwords::check(password)
            .map_err(|error| SuperuserError::Invalid(FieldErrors::of("password", error)))?;
        self.passwords.hash(password).await.map_err(SuperuserError::Password)
    }
}

impl Superuser {
    fn of(row: &Row) -> Self {
        let text = |column| row.text(column).to_owned();
        Superuser { id: text("id"), email: text("email"), created: text("created"), updated: text("updated") }
    }
}

async fn find(transaction: &mut Transaction, email: &str) -> Result<Row, SuperuserError> {
    let found = transaction.find(&TABLE, "email", email).await.map_err(SuperuserError::Store)?;
    found.ok_or_else(|| SuperuserError::NotFound { email: email.to_owned() })
}

async fn insert(transaction: &mut Transaction, row: &Row) -> Result<(), SuperuserError> {
    transaction.insert(row).await.map_err(|error| match error {
        StoreError::NotUnique { field, .. } => {
            SuperuserError::Invalid(FieldErrors::of(field, crate::FieldError::not_unique()))
        }
        error => SuperuserError::Store(error),
    })
}

async fn commit(transaction: Transaction) -> Result<(), SuperuserError> {
    transaction.commit().await.map_err(SuperuserError::Store)
}
