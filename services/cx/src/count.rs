//! Counts what units did in the experiments that they take part in.

use septet_chassis::{StoreError, Tx, contract::Timestamp};
use septet_proto_cx::v1::{Experiment, ExperimentState, Metric};

use crate::{
    activity::{Activity, What},
    analysis::{Exposure, add_event, changes, kind, of_events},
    error::Error,
    store,
};

/// Takes an activity, once.
pub(crate) async fn take(tx: &mut Tx, activity: &Activity, now: Timestamp) -> Result<(), Error> {
    store::lock_unit(tx, &activity.unit_id, now).await?;
    match &activity.what {
        What::Exposure(variation) => expose(tx, activity, variation).await,
        What::Event { value, .. } => happen(tx, activity, *value).await,
    }
}

async fn expose(tx: &mut Tx, activity: &Activity, variation: &str) -> Result<(), Error> {
    let found = store::experiment(tx, &activity.name).await?;
    let Some(experiment) = found.map(|stored| stored.experiment) else {
        return Err(Error::UnknownExposure("experiment with the id that `name` gives".to_owned()));
    };
    let Some(index) =
        (0..).zip(&experiment.variations).find(|(_, of)| of.key == variation).map(|(index, _)| index)
    else {
        return Err(Error::UnknownExposure(format!("such `variation` in experiment {}", experiment.id)));
    };
    if !store::add_activity(tx, activity).await? || experiment.state() != ExperimentState::Running {
        return Ok(());
    }
    let before = store::exposure(tx, &activity.unit_id, &experiment.id).await?;
    let after = Exposure::after(before, index, activity.at);
    if before == Some(after) {
        return Ok(());
    }
    store::put_exposure(tx, &activity.unit_id, &experiment.id, &after).await?;
    let mut figures = Vec::new();
    for metric in &experiment.metrics {
        let from = store::figure(tx, &activity.unit_id, &experiment.id, &metric.name).await?;
        let to = if after.is_several {
            0
        } else {
            figure(tx, &activity.unit_id, &experiment, metric, &after).await?
        };
        figures.push((metric.name.clone(), from, to));
    }
    keep(tx, &activity.unit_id, &experiment, before.as_ref(), &after, &figures).await?;
    Ok(())
}

async fn happen(tx: &mut Tx, activity: &Activity, value: i64) -> Result<(), Error> {
    if !store::add_activity(tx, activity).await? {
        return Ok(());
    }
    for (experiment, exposure) in store::running_with(tx, &activity.unit_id).await? {
        if exposure.is_several || !window(&experiment, &exposure).contains(&activity.at) {
            continue;
        }
        let mut figures = Vec::new();
        for metric in experiment.metrics.iter().filter(|metric| metric.event == activity.name) {
            let from = store::figure(tx, &activity.unit_id, &experiment.id, &metric.name).await?;
            let to =
                add_event(kind(metric), from, value).ok_or_else(|| Error::Figure(metric.name.clone()))?;
            figures.push((metric.name.clone(), from, to));
        }
        keep(tx, &activity.unit_id, &experiment, Some(&exposure), &exposure, &figures).await?;
    }
    Ok(())
}

/// When events count.
fn window(experiment: &Experiment, exposure: &Exposure) -> std::ops::Range<i64> {
    let window = experiment.conversion_window.unwrap_or_default();
    let micros = window.seconds.saturating_mul(1_000_000).saturating_add(i64::from(window.nanos / 1_000));
    exposure.at..exposure.at.saturating_add(micros)
}

/// A unit's figure from all that it did.
async fn figure(
    tx: &mut Tx,
    unit_id: &str,
    experiment: &Experiment,
    metric: &Metric,
    exposure: &Exposure,
) -> Result<i64, Error> {
    let window = window(experiment, exposure);
    let (events, sum) = store::sum_of_events(tx, unit_id, &metric.event, &window).await?;
    of_events(kind(metric), events, sum).ok_or_else(|| Error::Figure(metric.name.clone()))
}

async fn keep(
    tx: &mut Tx,
    unit_id: &str,
    experiment: &Experiment,
    before: Option<&Exposure>,
    after: &Exposure,
    figures: &[(String, i64, i64)],
) -> Result<(), StoreError> {
    for (metric, from, to) in figures {
        if from != to {
            store::put_figure(tx, unit_id, &experiment.id, metric, *to).await?;
        }
    }
    for change in changes(before, after, figures) {
        store::add_delta(tx, &experiment.id, &change).await?;
    }
    Ok(())
}
