//! Who somebody is: by password, or by the token they got for it.

use super::token_secrets::TokenSecrets;
use super::{
    Claims, InvalidToken, LoginThrottle, PasswordError, Passwords, SigningKey, Throttled, TokenKind,
    UnverifiedToken,
};
use crate::collections::{AuthOptions, Collection};
use crate::records::{AuthRecord, Record};
use crate::{FieldError, FieldErrors};
use gate_store::{Row, Store, StoreError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::OnceCell;

/// Authenticates people by password or token, and gives out tokens (contract §1.5, §1.6). Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authenticator {
    store: Store,
    /// Read when they are first needed and the store is there.
    secrets: Arc<OnceCell<TokenSecrets>>,
    passwords: Passwords,
    throttle: Arc<LoginThrottle>,
}

/// Somebody with a valid token.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Their record.
    pub record: AuthRecord,
    /// What the token says.
    pub claims: Claims,
    /// The record as it is stored, with what no rule may read.
    pub(super) row: Row,
}

/// Somebody who just got a token.
#[derive(Clone, Debug)]
pub struct Login {
    /// Their record.
    pub record: Record,
    /// The token.
    pub token: String,
}

/// What somebody says to log in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who they say they are.
    pub identity: String,
    /// What they say to prove it.
    pub password: String,
    /// The field their identity is the value of; empty = any that can be.
    pub identity_field: String,
}

/// Why nobody got a token.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Something is missing or too long.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// Nobody has this identity and this password.
    #[error("wrong identity or password")]
    Failed,
    /// They failed too often.
    #[error(transparent)]
    Throttled(Throttled),
    /// Too many others want to log in at this moment.
    #[error("too many logins at this moment")]
    Busy,
    /// The collection does not let them log in.
    #[error("the auth rule of the collection is not satisfied")]
    NotAllowed,
    /// The token is none, or none of somebody.
    #[error(transparent)]
    NoToken(InvalidToken),
    /// The token is of a record of another collection.
    #[error("the token is of a record of {0}")]
    OtherCollection(String),
    /// There is no record with this id.
    #[error("there is no such record")]
    NotFound,
    /// The store cannot be read.
    #[error(transparent)]
    Store(StoreError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Authenticator {
    /// An authenticator over a store; makes the secrets that tokens are signed with at the first start. While the store
    /// is away nobody is authenticated, and a gateway can start all the same.
    pub async fn open(store: Store, passwords: Passwords) -> Result<Self, StoreError> {
        let authenticator =
            Authenticator { store, secrets: Arc::default(), passwords, throttle: Arc::default() };
        match authenticator.secrets().await.map(drop) {
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(authenticator),
            Err(error) => Err(error),
        }
    }

    /// Who has this token; `None` for one that is expired, revoked, of another kind, or no token at all.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Authenticated>, StoreError> {
        let Ok(unverified) = UnverifiedToken::parse(token, SystemTime::now()) else { return Ok(None) };
        let Some((collection, row)) = self.row_of(unverified.claims()).await? else { return Ok(None) };
        let key = key(self.secrets().await?, collection, &row);
        let verified = key.and_then(|key| unverified.verify(&key));
        Ok(verified.ok().filter(|claims| claims.kind == TokenKind::Auth).map(|claims| Authenticated {
            record: AuthRecord::local(&Record::from_row(collection, &row)),
            claims,
            row,
        }))
    }

    /// Gives a token for a password. `address` is where the attempt comes from.
    pub async fn auth_with_password(
        &self,
        collection: &'static Collection,
        credentials: &Credentials,
        address: IpAddr,
    ) -> Result<Login, LoginError> {
        credentials.check()?;
        let identity = &credentials.identity;
        // Superusers and users may share an address and not a fate.
        let throttled = format!("{}/{identity}", collection.name);
        let attempt =
            self.throttle.admit(address, &throttled, Instant::now()).map_err(LoginError::Throttled)?;
        let passwords = self.passwords.asked_from(address);
        let verified = self.verify_password(collection, identity, &credentials.password, &passwords).await;
        if !matches!(verified, Err(LoginError::Failed)) {
            attempt.take_back();
        }
        let row = verified?;
        self.login(collection, &row).await
    }

    /// Gives a new token for one that is valid and may be refreshed, and the same one for one that may not.
    pub async fn auth_refresh(
        &self,
        collection: &'static Collection,
        token: &str,
    ) -> Result<Login, LoginError> {
        let authenticated = self.authenticate(token).await.map_err(LoginError::Store)?;
        let Authenticated { record, claims, row } = authenticated.ok_or(LoginError::NoToken(InvalidToken))?;
        if record.collection_id() != collection.id {
            return Err(LoginError::OtherCollection(record.collection_name().to_owned()));
        }
        let login = self.login(collection, &row).await?;
        Ok(if claims.refreshable == Some(true) { login } else { Login { token: token.to_owned(), ..login } })
    }

    /// Gives a token of somebody else, which cannot be refreshed. `seconds` is how long it is valid; 0 = as long as
    /// any other of the collection. That the caller is a superuser is for the caller to see to.
    pub async fn impersonate(
        &self,
        collection: &'static Collection,
        id: &str,
        seconds: i64,
    ) -> Result<Login, LoginError> {
        let seconds = u64::try_from(seconds).map_err(|_| {
            LoginError::Invalid(FieldErrors::of("duration", FieldError::min_greater_equal_than(0)))
        })?;
        let row = self.find(collection, "id", id).await?.ok_or(LoginError::NotFound)?;
        let seconds = if seconds == 0 { token_seconds(collection) } else { seconds };
        self.issue(collection, &row, seconds, false).await
    }

    /// Gives a token that fetches protected files for three minutes, for a valid token of any other kind.
    pub async fn file_token(&self, token: &str) -> Result<String, LoginError> {
        let authenticated = self.authenticate(token).await.map_err(LoginError::Store)?;
        let Authenticated { claims, row, .. } = authenticated.ok_or(LoginError::NoToken(InvalidToken))?;
        let collection = Collection::find(&claims.collection_id).ok_or(LoginError::NoToken(InvalidToken))?;
        let exp = expiry(FILE_TOKEN_SECONDS);
        let claims = Claims { exp, refreshable: None, kind: TokenKind::File, ..claims };
        self.sign(collection, &row, &claims).await
    }

    /// Where the records are.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// What hashes and verifies passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// What holds back those who guess.
    pub fn throttle(&self) -> &LoginThrottle {
        &self.throttle
    }

    /// Gives somebody a token whom the collection lets log in.
    pub(super) async fn login(
        &self,
        collection: &'static Collection,
        row: &Row,
    ) -> Result<Login, LoginError> {
        // The rules of the collections are part of the program: everyone may log in, or nobody.
        let rule = collection.auth_options().and_then(|options| options.auth_rule);
        if rule != Some("") {
            return Err(LoginError::NotAllowed);
        }
        self.issue(collection, row, token_seconds(collection), true).await
    }

    async fn issue(
        &self,
        collection: &'static Collection,
        row: &Row,
        seconds: u64,
        refreshable: bool,
    ) -> Result<Login, LoginError> {
        let claims = Claims {
            collection_id: collection.id.clone(),
            exp: expiry(seconds),
            id: row.id().to_owned(),
            refreshable: Some(refreshable),
            kind: TokenKind::Auth,
        };
        let token = self.sign(collection, row, &claims).await?;
        Ok(Login { token, record: Record::from_row(collection, row) })
    }

    async fn sign(&self, collection: &Collection, row: &Row, claims: &Claims) -> Result<String, LoginError> {
        let secrets = self.secrets().await.map_err(LoginError::Store)?;
        key(secrets, collection, row).map(|key| claims.sign(&key)).map_err(LoginError::NoToken)
    }

    async fn verify_password(
        &self,
        collection: &'static Collection,
        identity: &str,
        password: &str,
        passwords: &Passwords,
    ) -> Result<Row, LoginError> {
        let row = self.find(collection, "email", identity).await?;
        let hash = row.as_ref().map(|row| row.text("password"));
        let is_right = passwords.verify(password, hash).await.map_err(|error| match error {
            PasswordError::Busy => LoginError::Busy,
            error @ (PasswordError::TooLong | PasswordError::Failed(_)) => {
                LoginError::Other(error.to_string())
            }
        })?;
        row.filter(|_| is_right).ok_or(LoginError::Failed)
    }

    async fn find(
        &self,
        collection: &'static Collection,
        column: &'static str,
        value: &str,
    ) -> Result<Option<Row>, LoginError> {
        self.store.find(collection.table(), column, value).await.map_err(LoginError::Store)
    }

    async fn row_of(&self, claims: &Claims) -> Result<Option<(&'static Collection, Row)>, StoreError> {
        // By its id: a name is no id, though it finds the collection too.
        let is_its = |found: &&Collection| found.is_auth() && found.id == claims.collection_id;
        let Some(collection) = Collection::find(&claims.collection_id).filter(is_its) else {
            return Ok(None);
        };
        let row = self.store.find(collection.table(), "id", claims.id.as_str()).await?;
        Ok(row.map(|row| (collection, row)))
    }

    async fn secrets(&self) -> Result<&TokenSecrets, StoreError> {
        self.secrets.get_or_try_init(|| TokenSecrets::open(&self.store)).await
    }
}

fn key(secrets: &TokenSecrets, collection: &Collection, row: &Row) -> Result<SigningKey, InvalidToken> {
    SigningKey::new(row.text("tokenKey"), secrets.secret(collection))
}

impl Credentials {
    fn check(&self) -> Result<(), LoginError> {
        let mut errors = FieldErrors::default();
        for (field, value) in [("identity", &self.identity), ("password", &self.password)] {
            errors.collect(field, check_length(value));
        }
        if !self.identity_field.is_empty() && !IDENTITY_FIELDS.contains(&self.identity_field.as_str()) {
            errors.add("identityField", FieldError::new("validation_in_invalid", "must be a valid value"));
        }
        if errors.is_empty() { Ok(()) } else { Err(LoginError::Invalid(errors)) }
    }
}

fn check_length(value: &str) -> Result<(), FieldError> {
    match value.chars().count() {
        0 => Err(FieldError::required()),
        length if length > CREDENTIAL_CHARACTERS_MAX => Err(FieldError::length(1, CREDENTIAL_CHARACTERS_MAX)),
        _ => Ok(()),
    }
}

fn token_seconds(collection: &Collection) -> u64 {
    collection.auth_options().map_or(0, |AuthOptions { token_seconds, .. }| *token_seconds)
}

/// Seconds since 1970 at which a token ends that is valid for so long from now.
fn expiry(seconds: u64) -> i64 {
    super::tokens::unix_seconds(SystemTime::now()).saturating_add_unsigned(seconds)
}

/// By what somebody can be found who logs in (contract §1.5).
pub const IDENTITY_FIELDS: &[&str] = &["email"];
/// PocketBase's.
const CREDENTIAL_CHARACTERS_MAX: usize = 255;
/// PocketBase's (contract §1.6).
const FILE_TOKEN_SECONDS: u64 = 180;
