//! Reading and writing secrets (contract §3.3, D-23).

use super::blob::{self, Owner};
use super::resolved::{ResolvedSecrets, Unresolvable};
use super::{BlobError, Keyring, MasterKeyError, MasterKeys, SecretValue};
use crate::timestamp::Timestamp;
use crate::{FieldError, FieldErrors, record_id};
use gate_store::{Row, SECRETS, Select, Store, StoreError, Transaction};
use std::sync::Arc;

/// The secrets of a gateway. Cheap to clone.
///
/// A secret has a key, which templates name, and an environment: the one of this gateway is looked in first, then
/// `global`.
#[derive(Clone, Debug)]
pub struct Secrets {
    store: Store,
    /// `None`: the operator gave no master key, and none may be made.
    keyring: Option<Arc<Keyring>>,
    /// The environment of this gateway.
    default_env: Arc<str>,
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What every record has.
    pub id: String,
    /// What templates name it by.
    pub key: String,
    /// The environment it is for.
    pub env: String,
    /// What people say about it.
    pub description: String,
    /// The beginning of a value, or three asterisks for a short one and for one that cannot be read.
    pub masked_value: String,
    /// Why the value cannot be read, if it cannot.
    pub unreadable: Option<BlobError>,
    /// When it was made.
    pub created: String,
    /// When it was last changed.
    pub updated: String,
}

/// A secret to be.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// What templates name it by: letters, digits and `_`, at most 256 of them.
    pub key: String,
    /// Its value, at most 4096 bytes.
    pub value: SecretValue,
    /// The environment it is for; `None` = the gateway's own.
    pub env: Option<String>,
    /// What people say about it.
    pub description: String,
}

/// What of a secret changes; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct SecretChange {
    /// The new value.
    pub value: Option<SecretValue>,
    /// The new description.
    pub description: Option<String>,
}

/// Which secret is meant.
#[derive(Clone, Copy, Debug)]
pub enum SecretName<'a> {
    /// The one with this id.
    Id(&'a str),
    /// The one with this key in an environment; `None` = the gateway's own.
    Key {
        /// The key.
        key: &'a str,
        /// The environment.
        env: Option<&'a str>,
    },
}

/// Why a secret is neither read nor written.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no master key.
    #[error("there is no master key")]
    Disabled,
    /// There is no such secret.
    #[error("there is no such secret")]
    NotFound,
    /// What was to be written cannot be.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The value cannot be read.
    #[error("the secret {key} {cause}")]
    Unreadable {
        /// Its key.
        key: String,
        /// Why.
        cause: BlobError,
    },
    /// A master key cannot be read or written.
    #[error(transparent)]
    MasterKey(MasterKeyError),
    /// The store refused.
    #[error(transparent)]
    Store(StoreError),
}

impl Secrets {
    /// The secrets in a store. `default_env` is the environment of this gateway; empty = `global`.
    pub fn new(store: Store, keyring: Option<Keyring>, default_env: &str) -> Self {
        let default_env = if default_env.is_empty() { GLOBAL } else { default_env };
        Secrets { store, keyring: keyring.map(Arc::new), default_env: default_env.into() }
    }

    /// Whether there is a master key.
    pub fn is_enabled(&self) -> bool {
        self.keyring.is_some()
    }

    /// Every secret, by key and environment.
    pub async fn list(&self) -> Result<Vec<Secret>, SecretError> {
        let keyring = self.keyring()?;
        let rows = self.stored().await.map_err(SecretError::Store)?;
        Ok(rows.iter().map(|row| Secret::of(row, keyring)).collect())
    }

    /// One secret.
    pub async fn view(&self, name: SecretName<'_>) -> Result<Secret, SecretError> {
        let keyring = self.keyring()?;
        Ok(Secret::of(&self.find(name).await?, keyring))
    }

    /// The value of one secret, in the clear.
    pub async fn reveal(&self, name: SecretName<'_>) -> Result<SecretValue, SecretError> {
        let keyring = self.keyring()?;
        let row = self.find(name).await?;
        let key = || row.text("key").to_owned();
        open(keyring, &row).map_err(|cause| SecretError::Unreadable { key: key(), cause })
    }

    /// Makes a secret.
    ///
    /// # Errors
    /// Among others when there is one with its key in its environment: it is not overwritten.
    pub async fn create(&self, new: NewSecret) -> Result<Secret, SecretError> {
        let keyring = self.keyring()?;
        let env = new.env.unwrap_or_else(|| self.default_env.to_string());
        check_new(&new.key, &env, &new.value, &new.description)?;
        let mut transaction = self.store.begin().await.map_err(SecretError::Store)?;
        let now = Timestamp::now().to_string();
        let mut row = Row::new(&SECRETS)
            .with("id", record_id::new())
            .with("key", new.key)
            .with("env", env)
            .with("description", new.description)
            .with("created", now.as_str())
            .with("updated", now);
        seal(keyring, &mut row, &new.value)?;
        transaction.insert(&row).await.map_err(written)?;
        transaction.commit().await.map_err(written)?;
        Ok(Secret::of(&row, keyring))
    }

    /// Changes a secret.
    pub async fn update(&self, name: SecretName<'_>, change: SecretChange) -> Result<Secret, SecretError> {
        let keyring = self.keyring()?;
        check_change(&change)?;
        let mut transaction = self.store.begin().await.map_err(SecretError::Store)?;
        let mut row = self.find_in(&mut transaction, name).await?;
        if let Some(value) = &change.value {
            seal(keyring, &mut row, value)?;
        }
        if let Some(description) = change.description {
            row.set("description", description);
        }
        let updated = Timestamp::now_after(row.text("updated"));
        row.set("updated", updated.to_string());
        transaction.update(&row, None).await.map_err(written)?;
        transaction.commit().await.map_err(written)?;
        Ok(Secret::of(&row, keyring))
    }

    /// Deletes a secret.
    pub async fn delete(&self, name: SecretName<'_>) -> Result<(), SecretError> {
        self.keyring()?;
        let mut transaction = self.store.begin().await.map_err(SecretError::Store)?;
        let row = self.find_in(&mut transaction, name).await?;
        transaction.delete(&SECRETS, row.id()).await.map_err(SecretError::Store)?;
        transaction.commit().await.map_err(SecretError::Store)
    }

    /// Encrypts every secret with the newest master key, after making one where the keys are in a file; returns how
    /// many were not encrypted with it before. See [`Keyring`].
    ///
    /// # Errors
    /// When one of them cannot be read, or somebody else does the same at this moment, nothing is changed, and no key is
    /// lost.
    pub async fn rotate(&self) -> Result<usize, SecretError> {
        let keyring = self.keyring()?;
        // Before the transaction: a gateway that writes after it finds the new key in the file.
        let rotation = keyring.begin_rotation().map_err(SecretError::MasterKey)?;
        let keys = &rotation.keys;
        let mut transaction = self.store.begin().await.map_err(SecretError::Store)?;
        let rows = transaction.select(&Select::all(&SECRETS)).await.map_err(SecretError::Store)?;
        let mut rotated = 0;
        for mut row in rows {
            if blob::is_sealed_with(keys.current(), row.text("value")) {
                continue;
            }
            let unreadable = |cause| SecretError::Unreadable { key: row.text("key").to_owned(), cause };
            let value = blob::open(keys, owner(&row), row.text("value")).map_err(unreadable)?;
            seal_with(keys, &mut row, &value)?;
            transaction.update(&row, None).await.map_err(SecretError::Store)?;
            rotated += 1;
        }
        transaction.commit().await.map_err(SecretError::Store)?;
        keyring.end_rotation(&rotation).map_err(SecretError::MasterKey)?;
        Ok(rotated)
    }

    /// The value of every name a template may use, as they are now.
    pub async fn resolved(&self) -> Result<ResolvedSecrets, StoreError> {
        Ok(self.resolve(&self.stored().await?))
    }

    /// The names a template may use in a gateway of this environment (empty = `global`), each as if it could be read: for whoever has
    /// no master key and only asks which there are.
    pub async fn names(store: &Store, default_env: &str) -> Result<ResolvedSecrets, StoreError> {
        let mut names = ResolvedSecrets::default();
        for row in store.select(&Select::all(&SECRETS)).await? {
            if [GLOBAL, default_env].contains(&row.text("env")) {
                names.insert(row.text("key"), Ok(SecretValue::new("")));
            }
        }
        Ok(names)
    }

    /// The value of every name a template may use, from these rows.
    pub(crate) fn resolve(&self, rows: &[Row]) -> ResolvedSecrets {
        let mut resolved = ResolvedSecrets::default();
        // The gateway's own environment is last and takes the place of `global`.
        for env in [GLOBAL, &self.default_env] {
            for row in rows.iter().filter(|row| row.text("env") == env) {
                resolved.insert(row.text("key"), self.value_for_template(row));
            }
        }
        resolved
    }

    fn value_for_template(&self, row: &Row) -> Result<SecretValue, Unresolvable> {
        let keyring = self.keyring.as_ref().ok_or(Unresolvable::Disabled)?;
        let value = open(keyring, row).map_err(Unresolvable::Unreadable)?;
        if value.expose().chars().any(char::is_control) {
            return Err(Unresolvable::ControlCharacter);
        }
        Ok(value)
    }

    fn keyring(&self) -> Result<&Keyring, SecretError> {
        self.keyring.as_deref().ok_or(SecretError::Disabled)
    }

    /// The secrets as they are stored, encrypted, in the order of their names.
    pub(crate) async fn stored(&self) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.store.select(&Select::all(&SECRETS)).await?;
        rows.sort_by(|a, b| (a.text("key"), a.text("env")).cmp(&(b.text("key"), b.text("env"))));
        Ok(rows)
    }

    async fn find(&self, name: SecretName<'_>) -> Result<Row, SecretError> {
        let rows = self.store.select(&Select::all(&SECRETS)).await.map_err(SecretError::Store)?;
        self.pick(rows, name)
    }

    async fn find_in(&self, transaction: &mut Transaction, name: SecretName<'_>) -> Result<Row, SecretError> {
        let rows = transaction.select(&Select::all(&SECRETS)).await.map_err(SecretError::Store)?;
        self.pick(rows, name)
    }

    fn pick(&self, rows: Vec<Row>, name: SecretName<'_>) -> Result<Row, SecretError> {
        let is_meant = |row: &Row| match name {
            SecretName::Id(id) => row.id() == id,
            SecretName::Key { key, env } => {
                row.text("key") == key && row.text("env") == env.unwrap_or(&self.default_env)
            }
        };
        rows.into_iter().find(is_meant).ok_or(SecretError::NotFound)
    }
}

/// For whoever writes the rows in a transaction of their own: the records of `_secrets`.
impl Secrets {
    /// The environment of a secret for which nobody names one.
    pub(crate) fn default_env(&self) -> &str {
        &self.default_env
    }

    /// The value of every name a template may use, those among them that the transaction made.
    pub(crate) async fn resolved_in(
        &self,
        transaction: &mut Transaction,
    ) -> Result<ResolvedSecrets, StoreError> {
        Ok(self.resolve(&transaction.select(&Select::all(&SECRETS)).await?))
    }

    /// Makes sure of a secret and encrypts its value.
    pub(crate) fn seal(&self, new: &NewSecret) -> Result<String, SecretError> {
        let keyring = self.keyring()?;
        let env = new.env.as_deref().unwrap_or(&self.default_env);
        check_new(&new.key, env, &new.value, &new.description)?;
        let mut row = Row::new(&SECRETS).with("key", new.key.as_str()).with("env", env);
        seal(keyring, &mut row, &new.value)?;
        Ok(row.text("value").to_owned())
    }

    /// Makes sure of what is to be changed.
    pub(crate) fn check_change(&self, change: &SecretChange) -> Result<(), SecretError> {
        self.keyring()?;
        check_change(change)
    }

    /// What may be shown of the value in a row.
    pub(crate) fn masked(&self, row: &Row) -> Result<String, SecretError> {
        Ok(Secret::of(row, self.keyring()?).masked_value)
    }
}

impl Secret {
    fn of(row: &Row, keyring: &Keyring) -> Self {
        let text = |column| row.text(column).to_owned();
        let value = open(keyring, row);
        Secret {
            id: text("id"),
            key: text("key"),
            env: text("env"),
            description: text("description"),
            masked_value: value.as_ref().map_or_else(|_| "***".to_owned(), SecretValue::masked),
            unreadable: value.err(),
            created: text("created"),
            updated: text("updated"),
        }
    }
}

/// Encrypts with the newest key there is: another process may have made one.
///
/// Invariant: called inside the transaction that writes the row, because whoever changes the key puts it into the file
/// before its own.
fn seal(keyring: &Keyring, row: &mut Row, value: &SecretValue) -> Result<(), SecretError> {
    let keys = keyring.reread().map_err(SecretError::MasterKey)?;
    seal_with(&keys, row, value)
}

fn seal_with(keys: &MasterKeys, row: &mut Row, value: &SecretValue) -> Result<(), SecretError> {
    let sealed = blob::seal(keys.current(), owner(row), value);
    let key = || row.text("key").to_owned();
    let sealed = sealed.map_err(|cause| SecretError::Unreadable { key: key(), cause })?;
    row.set("value", sealed);
    Ok(())
}

fn open(keyring: &Keyring, row: &Row) -> Result<SecretValue, BlobError> {
    let open = |keys: &MasterKeys| blob::open(keys, owner(row), row.text("value"));
    match open(&keyring.keys()) {
        Err(BlobError::UnknownKey) => keyring.reread().map_or(Err(BlobError::UnknownKey), |keys| open(&keys)),
        outcome => outcome,
    }
}

fn owner(row: &Row) -> Owner<'_> {
    Owner { key: row.text("key"), env: row.text("env") }
}

fn written(error: StoreError) -> SecretError {
    match error {
        StoreError::NotUnique { .. } => {
            SecretError::Invalid(FieldErrors::of("key", FieldError::not_unique()))
        }
        StoreError::NotFound { .. } => SecretError::NotFound,
        error => SecretError::Store(error),
    }
}

fn check_new(key: &str, env: &str, value: &SecretValue, description: &str) -> Result<(), SecretError> {
    let mut errors = FieldErrors::default();
    errors.collect("key", check_key(key));
    errors.collect("env", check_env(env));
    errors.collect("value", check_value(value));
    errors.collect("description", check_description(description));
    if errors.is_empty() { Ok(()) } else { Err(SecretError::Invalid(errors)) }
}

fn check_change(change: &SecretChange) -> Result<(), SecretError> {
    let mut errors = FieldErrors::default();
    if let Some(value) = &change.value {
        errors.collect("value", check_value(value));
    }
    if let Some(description) = &change.description {
        errors.collect("description", check_description(description));
    }
    if errors.is_empty() { Ok(()) } else { Err(SecretError::Invalid(errors)) }
}

/// What a template can name.
fn check_key(key: &str) -> Result<(), FieldError> {
    let is_first = |character: char| character.is_ascii_alphabetic() || character == '_';
    if key.is_empty() {
        Err(FieldError::required())
    } else if key.len() > KEY_BYTES_MAX {
        Err(FieldError::text_max(KEY_BYTES_MAX))
    } else if !key.starts_with(is_first) || !key.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        Err(FieldError::format("must consist of letters, digits and _, and not begin with a digit"))
    } else {
        Ok(())
    }
}

fn check_env(env: &str) -> Result<(), FieldError> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    if env.is_empty() {
        Err(FieldError::required())
    } else if env.len() > ENV_BYTES_MAX {
        Err(FieldError::text_max(ENV_BYTES_MAX))
    } else if !env.chars().all(is_allowed) {
        Err(FieldError::format("must consist of letters, digits, _, - and ."))
    } else {
        Ok(())
    }
}

/// A value leaves in a header: what cannot stand there is better refused now than when a request needs it.
fn check_value(value: &SecretValue) -> Result<(), FieldError> {
    let value = value.expose();
    if value.is_empty() {
        Err(FieldError::required())
    } else if value.len() > VALUE_BYTES_MAX {
        Err(FieldError::text_max(VALUE_BYTES_MAX))
    } else if value.chars().any(char::is_control) {
        Err(FieldError::format("must not contain line breaks or other control characters"))
    } else {
        Ok(())
    }
}

fn check_description(description: &str) -> Result<(), FieldError> {
    if description.chars().count() > DESCRIPTION_CHARACTERS_MAX {
        return Err(FieldError::text_max(DESCRIPTION_CHARACTERS_MAX));
    }
    if description.contains('\0') { Err(FieldError::invalid_format()) } else { Ok(()) }
}

/// The environment every other one falls back to.
const GLOBAL: &str = "global";
/// The fork's limits (contract §3.3).
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 4096;
/// The name of a stage of deployment.
const ENV_BYTES_MAX: usize = 64;
/// As long as a proxy's.
const DESCRIPTION_CHARACTERS_MAX: usize = 500;
