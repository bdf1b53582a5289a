//! The flags as they are now, read once for each change of them.

use std::sync::{Arc, PoisonError, RwLock};

use septet_chassis::{StoreError, Tx};
use serde_json::Value;

use crate::{
    flag::{Payload, feature::Feature},
    store,
};

/// What was read last. Cloning is not needed: it is shared by reference.
#[derive(Default)]
pub(crate) struct Catalog(RwLock<Option<(i64, Arc<Payload>)>>);

impl Catalog {
    /// The flags that this transaction sees.
    pub async fn payload(&self, tx: &mut Tx) -> Result<Arc<Payload>, StoreError> {
        let version = store::catalog_version(tx).await?;
        let read = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((known, payload)) = read
            && known == version
        {
            return Ok(payload);
        }
        let payload = Arc::new(load(tx).await?);
        let mut last = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A call that began earlier must not bring an older state back.
        if last.as_ref().is_none_or(|(known, _)| *known < version) {
            *last = Some((version, Arc::clone(&payload)));
        }
        Ok(payload)
    }
}

async fn load(tx: &mut Tx) -> Result<Payload, StoreError> {
    let mut payload = Payload::default();
    for (key, definition) in store::definitions(tx).await? {
        let definition: Value = parse("feature.definition", &definition)?;
        // It was read when it was put.
        let feature = Feature::new(&definition).map_err(|problem| damaged("feature.definition", &problem))?;
        payload.features.insert(key, feature);
    }
    for (id, members) in store::saved_groups(tx).await? {
        payload.saved_groups.insert(id, parse("saved_group.members", &members)?);
    }
    Ok(payload)
}

fn parse<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(column, &error.to_string()))
}

fn damaged(column: &str, problem: &str) -> StoreError {
    StoreError::Statement(format!("the column {column} has what was never written: {problem}"))
}
