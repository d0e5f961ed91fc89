//! A proxy as it would be, before it is saved.

use super::error::RecordError;
use super::service::Records;
use crate::template::TemplateSources;
use crate::{FieldErrors, ProxyRecord};
use gate_snapshot::Proxy;
use gate_telemetry::metrics::ProxyMetrics;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Records {
    /// The proxy that a record of these fields would be: what nobody mentions is as in a new one (contract D-2), and
    /// whatever a save would refuse is refused. Nothing is stored. That no other has its path is for whoever asks to see.
    ///
    /// # Errors
    /// [`RecordError::NotCreated`] with the errors of the fields; the store cannot be read.
    pub async fn preview(&self, mut fields: Map<String, Value>) -> Result<Proxy, RecordError> {
        let id = fields.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        // What else a record has that was read and is sent back.
        for name in ["collectionId", "collectionName", "created", "updated", "expand"] {
            fields.remove(name);
        }
        let mut record = ProxyRecord::default();
        let checked = record.merge(fields).and_then(|()| record.check());
        let checked = checked.map_err(RecordError::NotCreated)?;
        checked
            .check_address(self.parts.upstream_addresses)
            .map_err(|error| RecordError::NotCreated(FieldErrors::of("upstream", error)))?;
        let secrets = self.parts.secrets.resolved().await?;
        let sources = TemplateSources { environment: &self.parts.environment, secrets: &secrets };
        let (proxy, _unresolved) = checked.compile(id.into(), sources, Arc::new(ProxyMetrics::new(1)), None);
        Ok(proxy)
    }
}
