//! The settings in force.

use super::check::raise_to_zero;
use super::merge::merge;
use super::model::Settings;
use crate::FieldErrors;
use crate::timestamp::Timestamp;
use arc_swap::ArcSwap;
use gate_store::{PARAMS, Row, Store, StoreError};
use serde_json::{Map, Value};
use std::convert::Infallible;
use std::sync::Arc;

/// The settings in force, and where they are kept. Cheap to clone; all clones are the same settings.
///
/// Kept as PocketBase keeps them. What of a stored document is unknown here stays in it when something else is saved.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    store: Store,
    current: Arc<ArcSwap<Settings>>,
}

/// Why settings were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value is of another type than the setting. Which one is not told: the parser quotes the value, and what is in
    /// the wrong place may be a secret.
    #[error("a setting has the wrong type")]
    Type,
    /// Values cannot be used.
    #[error("settings are invalid")]
    Invalid(FieldErrors),
    /// The store did not take them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LiveSettings {
    /// Reads the settings of a store; the defaults when it has none, or as long as its database is away.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let settings = LiveSettings { store, current: Arc::default() };
        match settings.reload().await {
            Ok(_) => {}
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(%error, "the settings cannot be read; the defaults are in force until they can");
            }
            Err(error) => return Err(error),
        }
        Ok(settings)
    }

    /// The settings as last read or saved. Waits for nobody: workers ask as well.
    pub fn current(&self) -> Arc<Settings> {
        self.current.load_full()
    }

    /// Reads them again: another process may have saved others.
    pub async fn reload(&self) -> Result<Arc<Settings>, StoreError> {
        let document = document_of(self.store.find(&PARAMS, ID, SETTINGS).await?.as_ref());
        let settings = Arc::new(settings_of(document));
        self.current.store(Arc::clone(&settings));
        Ok(settings)
    }

    /// Reads them again after every change of the store, whoever made it. Never ends; may be dropped at any time.
    pub async fn follow(self) -> Result<Infallible, StoreError> {
        let mut changes = self.store.changes().await?;
        loop {
            changes.changed().await;
            if let Err(error) = self.reload().await {
                tracing::warn!(%error, "the settings cannot be read; those in force stay");
            }
        }
    }

    /// Merges a part of the settings into them (arrays are replaced), checks the result and saves it.
    pub async fn update(&self, part: Map<String, Value>) -> Result<Arc<Settings>, SettingsError> {
        let mut transaction = self.store.begin().await?;
        let row = transaction.find(&PARAMS, ID, SETTINGS).await?;
        let mut document = document_of(row.as_ref());
        let settings = settings_of(document.clone()).with(part)?;
        merge(&mut document, object(&settings));
        let now = Timestamp::now().to_string();
        let saved =
            row.clone().unwrap_or_else(|| Row::new(&PARAMS).with(ID, SETTINGS).with("created", now.as_str()));
        let saved = saved.with("value", Value::Object(document).to_string()).with("updated", now);
        match row {
            Some(_) => transaction.update(&saved, None).await?,
            None => transaction.insert(&saved).await?,
        }
        transaction.commit().await?;
        let settings = Arc::new(settings);
        self.current.store(Arc::clone(&settings));
        Ok(settings)
    }
}

impl Settings {
    fn with(&self, part: Map<String, Value>) -> Result<Self, SettingsError> {
        let mut document = object(self);
        merge(&mut document, part);
        let mut errors = raise_to_zero(&mut document);
        let changed: Settings =
            serde_json::from_value(Value::Object(document)).map_err(|_| SettingsError::Type)?;
        errors.extend(changed.check());
        if errors.is_empty() { Ok(changed) } else { Err(SettingsError::Invalid(errors)) }
    }
}

const ID: &str = "id";
/// PocketBase's id of the row.
const SETTINGS: &str = "settings";

fn object(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(document)) => document,
        _ => Map::new(),
    }
}

fn document_of(row: Option<&Row>) -> Map<String, Value> {
    row.and_then(|row| row.json("value")).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// A document that cannot be read (a PocketBase that encrypts its settings wrote it) stands for the defaults.
fn settings_of(document: Map<String, Value>) -> Settings {
    serde_json::from_value(Value::Object(document)).unwrap_or_else(|_| {
        tracing::warn!("the stored settings cannot be read; the defaults are in force");
        Settings::default()
    })
}
