use std::collections::{HashMap, HashSet};

use septet_proto_cx::v1::{
    Assignment, CheckGuardrailsRequest, CheckGuardrailsResponse, EvaluateRequest, EvaluateResponse,
    Evaluation, StickyAssignments, ValueSource,
};

use super::fields;
use crate::{
    Experience,
    error::Error,
    flag::{Assigned, Context, Evaluated, Evaluator, Source, Sticky, StickyDoc, value::to_text},
    json, store,
};

/// Bytes of attributes as JSON.
const MAX_ATTRIBUTES: usize = 64 << 10;
const MAX_KEYS: usize = 1_000;
const MAX_STICKY: usize = 100;
const MAX_ASSIGNMENTS: usize = 1_000;
const MAX_URL: usize = 8 << 10;
const MAX_GUARDED: usize = 100;

impl Experience {
    pub(super) async fn evaluated(&self, mut request: EvaluateRequest) -> Result<EvaluateResponse, Error> {
        let keys = std::mem::take(&mut request.feature_keys);
        if keys.len() > MAX_KEYS {
            return Err(Error::invalid("feature_keys", format!("has more than {MAX_KEYS}")));
        }
        let context = context(request)?;
        let payload = self.catalog.payload(&mut self.units.read().await?).await?;
        let mut evaluator = Evaluator::new(&payload, &context);
        let mut evaluate = |key: &String| message(key, &evaluator.feature(key));
        let evaluations = if keys.is_empty() {
            payload.features.keys().map(&mut evaluate).collect()
        } else {
            keys.iter().map(&mut evaluate).collect()
        };
        let changed = match (evaluator.sticky(), &context.sticky) {
            (Some(now), Some(before)) => now.changes_since(before),
            _ => Vec::new(),
        };
        let sticky = changed.into_iter().map(|doc| StickyAssignments {
            attribute_name: doc.attribute_name,
            attribute_value: doc.attribute_value,
            assignments: doc.assignments.into_iter().collect(),
        });
        Ok(EvaluateResponse { evaluations, sticky: sticky.collect() })
    }

    pub(super) async fn check(
        &self,
        request: CheckGuardrailsRequest,
    ) -> Result<CheckGuardrailsResponse, Error> {
        let keys = request.flag_keys;
        if keys.len() > MAX_GUARDED {
            return Err(Error::invalid("flag_keys", format!("has more than {MAX_GUARDED}")));
        }
        for key in &keys {
            fields::key("flag_keys", key)?;
        }
        if keys.is_empty() {
            return Ok(CheckGuardrailsResponse::default());
        }
        let mut tx = self.units.read().await?;
        let known: HashSet<String> = store::known_features(&mut tx, &keys).await?.into_iter().collect();
        let breached = store::breached(&mut tx, &keys).await?;
        let unknown_flag_keys = keys.into_iter().filter(|key| !known.contains(key)).collect();
        Ok(CheckGuardrailsResponse { breached, unknown_flag_keys })
    }
}

fn context(request: EvaluateRequest) -> Result<Context, Error> {
    let attributes = json::bounded("attributes", request.attributes.unwrap_or_default(), MAX_ATTRIBUTES)?;
    if request.url.len() > MAX_URL {
        return Err(Error::invalid("url", format!("is longer than {MAX_URL} bytes")));
    }
    if request.forced_variations.len() > MAX_KEYS {
        return Err(Error::invalid("forced_variations", format!("has more than {MAX_KEYS}")));
    }
    let is_long = |of: &StickyAssignments| of.assignments.len() > MAX_ASSIGNMENTS;
    if request.sticky.len() > MAX_STICKY || request.sticky.iter().any(is_long) {
        return Err(Error::invalid(
            "sticky",
            "has more than 100 units, or a unit with more than 1000 assignments",
        ));
    }
    let docs = request.sticky.into_iter().map(|of| StickyDoc {
        attribute_name: of.attribute_name,
        attribute_value: of.attribute_value,
        assignments: of.assignments.into_iter().collect(),
    });
    let sticky = request.sticky_bucketing.then(|| Sticky::new(docs, &attributes));
    let forced: HashMap<String, i64> =
        request.forced_variations.into_iter().map(|(key, index)| (key, i64::from(index))).collect();
    Ok(Context { forced_variations: forced, url: request.url, sticky, ..Context::new(attributes) })
}

fn message(key: &str, evaluated: &Evaluated) -> Evaluation {
    let source = match evaluated.source {
        Source::UnknownFeature => ValueSource::UnknownFeature,
        Source::DefaultValue => ValueSource::DefaultValue,
        Source::Force => ValueSource::Force,
        Source::Experiment => ValueSource::Experiment,
        Source::Prerequisite => ValueSource::Prerequisite,
        Source::CyclicPrerequisite => ValueSource::CyclicPrerequisite,
    };
    Evaluation {
        feature_key: key.to_owned(),
        value: Some(json::to_wire(&evaluated.value)),
        on: evaluated.is_on(),
        source: source.into(),
        rule_id: evaluated.rule_id.clone(),
        assignment: evaluated.experiment.as_ref().map(|(id, assigned)| assignment(id, assigned)),
    }
}

fn assignment(id: &str, assigned: &Assigned) -> Assignment {
    Assignment {
        experiment_id: id.to_owned(),
        variation_index: u32::try_from(assigned.index).unwrap_or(u32::MAX),
        variation: assigned.key.clone(),
        hash_used: assigned.hash_used,
        hash_attribute: assigned.hash_attribute.clone(),
        hash_value: to_text(&assigned.hash_value),
        bucket: assigned.bucket,
        sticky_bucket_used: assigned.sticky_bucket_used,
    }
}
