//! A journey for whoever asks.

use septet_chassis::{StoreError, Tx, contract::Timestamp};
use septet_proto_common::v1::Verdict;
use septet_proto_devops::v1::{GetJourneyResponse, JourneyStep};

use crate::{Devops, compose, error::Error, store};

/// Steps of a journey that are given at most, first ones first.
const STEPS: i64 = 1_000;

impl Devops {
    pub(crate) async fn journey(&self, change_id: &str) -> Result<GetJourneyResponse, Error> {
        let found = read(&mut self.units.read().await?, change_id).await?;
        found.ok_or_else(|| Error::UnknownChange(change_id.to_owned()))
    }
}

/// The journey of a change; `None` if there is no such change.
pub(crate) async fn read(tx: &mut Tx, change_id: &str) -> Result<Option<GetJourneyResponse>, StoreError> {
    let Some(change) = store::by_id(tx, change_id).await? else { return Ok(None) };
    let steps = store::steps(tx, change_id, STEPS).await?;
    Ok(Some(GetJourneyResponse {
        change: Some(compose::from_row(change)),
        steps: steps.into_iter().map(step).collect(),
    }))
}

fn step(row: store::Step) -> JourneyStep {
    let outcome = i32::try_from(row.outcome).unwrap_or_default();
    JourneyStep {
        service: row.service,
        event_type: row.event_type,
        event_id: row.event_id,
        outcome: Verdict::try_from(outcome).unwrap_or_default().into(),
        summary: row.summary,
        time: Some(Timestamp::from_micros(row.published_at).into()),
        correlation_id: row.correlation_id,
        trace_id: row.trace_id,
    }
}
