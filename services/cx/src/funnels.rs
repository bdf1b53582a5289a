//! Asks for funnels over what units did.

use std::collections::BTreeMap;

use septet_chassis::contract::Timestamp;
use septet_proto_cx::v1::{self, FunnelStepResult, QueryFunnelRequest, QueryFunnelResponse};
use serde_json::Value;

use crate::{
    Experience,
    activity::named,
    error::Error,
    flag::condition::{Condition, SavedGroups},
    funnel::{Funnel, Walk},
    json,
    store::{self, Happened, Place, Sought},
};

const MAX_STEPS: usize = 20;
/// Seconds of 90 days, and of one.
const LONGEST: i64 = 90 * 86_400;
const DAY: i64 = 86_400;
const PAGE: u32 = 10_000;
/// Bytes of a condition as JSON.
const MAX_CONDITION: usize = 16 << 10;

struct Step {
    event: String,
    /// `None` for any event of the name.
    condition: Option<Condition>,
}

/// A unit's way, and what it was found by.
struct Unit {
    id: String,
    variation: i64,
    walk: Walk,
}

impl Experience {
    pub(crate) async fn funnel(&self, request: QueryFunnelRequest) -> Result<QueryFunnelResponse, Error> {
        let window = window(request.window.as_ref())?;
        let time = |field, time: Option<prost_types::Timestamp>| match time {
            Some(time) if !(0..1_000_000_000).contains(&time.nanos) => {
                Err(Error::invalid(field, "has nanoseconds beyond a second"))
            }
            time => Ok(time.map(Timestamp::from)),
        };
        let start = time("start_time", request.start_time)?
            .unwrap_or_else(|| Timestamp::now().before(self.settings.retention()));
        let end = time("end_time", request.end_time)?.unwrap_or_else(Timestamp::now);
        let steps = steps(request.steps)?;
        let mut tx = self.units.read().await?;
        let groups = match request.experiment_id.as_str() {
            "" => vec![(-1, String::new())],
            id => {
                let stored = store::experiment(&mut tx, id).await?;
                let stored =
                    stored.ok_or_else(|| Error::NotFound { what: "experiment", id: id.to_owned() })?;
                (0..).zip(stored.experiment.variations.into_iter().map(|variation| variation.key)).collect()
            }
        };
        let mut funnels: BTreeMap<i64, Funnel> =
            groups.iter().map(|(index, _)| (*index, Funnel::new(steps.len()))).collect();
        let sought = Sought {
            names: steps.iter().map(|step| step.event.clone()).collect(),
            time: start.micros()..end.micros(),
            experiment_id: request.experiment_id,
        };
        let (mut place, mut events, mut unit) = (Place::default(), 0_u64, None::<Unit>);
        loop {
            let page = store::happened(&mut tx, &sought, &place, PAGE).await?;
            let Some(last) = page.last() else { break };
            place = Place { unit_id: last.unit_id.clone(), at: last.occurred_at, id: last.id.clone() };
            events += page.len() as u64;
            if events > self.settings.funnel_events {
                return Err(Error::Funnel(self.settings.funnel_events));
            }
            for event in page {
                if unit.as_ref().is_none_or(|unit| unit.id != event.unit_id) {
                    end_of(&mut funnels, unit.take());
                }
                let unit = unit.get_or_insert_with(|| Unit {
                    id: event.unit_id.clone(),
                    variation: event.variation,
                    walk: Walk::new(steps.len(), window),
                });
                happen(unit, &event, &steps);
            }
        }
        end_of(&mut funnels, unit);
        let funnels = groups.into_iter().filter_map(|(index, variation)| {
            Some(v1::Funnel { variation, steps: results(&steps, funnels.remove(&index)?) })
        });
        Ok(QueryFunnelResponse { funnels: funnels.collect(), events })
    }
}

fn end_of(funnels: &mut BTreeMap<i64, Funnel>, unit: Option<Unit>) {
    if let Some(unit) = unit
        && let Some(funnel) = funnels.get_mut(&unit.variation)
    {
        funnel.add(&unit.walk);
    }
}

fn happen(unit: &mut Unit, event: &Happened, steps: &[Step]) {
    let properties: Value =
        event.properties.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let none = SavedGroups::new();
    unit.walk.event(event.occurred_at, |index| {
        let step = &steps[index];
        step.event == event.name
            && step.condition.as_ref().is_none_or(|condition| condition.is_met(&properties, &none))
    });
}

fn window(window: Option<&prost_types::Duration>) -> Result<i64, Error> {
    let window = window.copied().unwrap_or(prost_types::Duration { seconds: DAY, nanos: 0 });
    let is_within = (0..LONGEST).contains(&window.seconds)
        || window == prost_types::Duration { seconds: LONGEST, nanos: 0 };
    if !is_within || !(0..1_000_000_000).contains(&window.nanos) {
        return Err(Error::invalid("window", "must be from 0 to 90 days"));
    }
    Ok(window.seconds * 1_000_000 + i64::from(window.nanos / 1_000))
}

fn steps(steps: Vec<v1::FunnelStep>) -> Result<Vec<Step>, Error> {
    if steps.is_empty() || steps.len() > MAX_STEPS {
        return Err(Error::invalid("steps", "must be from 1 to 20"));
    }
    let step = |step: v1::FunnelStep| {
        named("steps.event", &step.event, 128)?;
        let condition = match step.condition {
            None => None,
            Some(condition) => {
                let written = json::bounded("steps.condition", condition, MAX_CONDITION)?;
                let condition = Condition::new(&Value::Object(written));
                if let Some(problem) = condition.problems().first() {
                    return Err(Error::invalid("steps.condition", format!("would match nothing: {problem}")));
                }
                Some(condition)
            }
        };
        Ok(Step { event: step.event, condition })
    };
    steps.into_iter().map(step).collect()
}

fn results(steps: &[Step], funnel: Funnel) -> Vec<FunnelStepResult> {
    let result = |(step, of): (&Step, crate::funnel::Step)| FunnelStepResult {
        event: step.event.clone(),
        units: of.units,
        conversion: of.conversion,
        step_conversion: of.step_conversion,
        median_time: of.median_micros.map(|micros| prost_types::Duration {
            seconds: micros / 1_000_000,
            // Below a second: fits by construction.
            nanos: (micros % 1_000_000 * 1_000) as i32,
        }),
    };
    steps.iter().zip(funnel.steps()).map(result).collect()
}
