//! Adds new figures up and judges guardrails, a short while after something was counted.
//!
//! The figures that wait to be added are the reason to judge, and they are in the database: a process that ends between the
//! two leaves them to the next one.

use std::{collections::BTreeMap, sync::Arc};

use septet_chassis::{
    CxError, StoreError,
    contract::{Cause, Timestamp},
};
use septet_proto_cx::v1::{BreachedGuardrail, Experiment, GuardrailBreached};
use tokio_util::sync::CancellationToken;

use crate::{
    Experience,
    analysis::{Figures, figures_of, guarded},
    store,
};

const LEASE: &str = "cx-judge";
/// Figures that are added up in one transaction.
const SOME: u32 = 10_000;

/// The background task.
pub(crate) async fn run(experience: Arc<Experience>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut rounds = tokio::time::interval(experience.settings.judge_every());
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let judging = async {
        loop {
            rounds.tick().await;
            if let Err(error) = experience.round().await {
                tracing::warn!(%error, "guardrails wait for the database");
            }
        }
    };
    tokio::select! {
        () = judging => {}
        () = stop.cancelled() => {}
    }
    if let Err(error) = experience.leases.release(LEASE).await {
        tracing::debug!(%error, "the lease of the guardrails runs out by itself");
    }
    Ok(())
}

impl Experience {
    async fn round(&self) -> Result<(), CxError> {
        // Two replicas that judge at the same time do no harm, but twice the work.
        if !self.leases.hold(LEASE, Timestamp::now().micros()).await? {
            return Ok(());
        }
        let waiting = store::experiments_with_deltas(&mut self.units.read().await?).await?;
        for id in waiting {
            self.judge(&id).await?;
        }
        Ok(())
    }

    async fn judge(&self, id: &str) -> Result<(), CxError> {
        let mut cx = self.units.begin(Cause::default());
        let now = cx.now();
        let tx = cx.tx().await?;
        let Some(experiment) = store::lock_running(tx, id, now).await? else {
            // Its result is final: what came since counts no more.
            store::forget_deltas(tx, id).await?;
            return cx.commit().await;
        };
        store::fold(tx, id, SOME).await?;
        let figures = store::figures(tx, id).await?;
        let earlier = store::breaches(tx, id).await?;
        let now_breached = breaches(&experiment, &figures, now);
        for gone in earlier.iter().filter(|key| !now_breached.contains_key(*key)) {
            store::forget_breach(tx, id, gone).await?;
        }
        let mut new = Vec::new();
        for (key, breach) in now_breached {
            if !earlier.contains(&key) {
                store::add_breach(tx, &breach, now).await?;
                new.push(breach);
            }
        }
        for breach in new {
            cx.publish(&GuardrailBreached { flag_key: breach.flag_key.clone(), guardrail: Some(breach) })?;
        }
        cx.commit().await
    }

    /// Adds up all that waits of an experiment, which is locked.
    pub(crate) async fn fold_all(tx: &mut septet_chassis::Tx, id: &str) -> Result<(), StoreError> {
        while store::fold(tx, id, SOME).await? > 0 {}
        Ok(())
    }
}

/// Guardrails that are breached on these figures, by metric and variation.
fn breaches(
    experiment: &Experiment,
    figures: &Figures,
    now: Timestamp,
) -> BTreeMap<(String, String), BreachedGuardrail> {
    let mut breached = BTreeMap::new();
    for metric in experiment.metrics.iter().filter(|metric| metric.guardrail.is_some()) {
        let all = figures_of(experiment, &metric.name, figures);
        for (variation, moments) in experiment.variations.iter().zip(&all).skip(1) {
            let Some(judgement) = guarded(experiment, metric, &all[0], moments) else { continue };
            if !judgement.is_breached() {
                continue;
            }
            let reason = format!(
                "the mean of `{}` in `{}` is {}, which is worse than the {} that are allowed ({} in `{}` with {} of \
                 worsening) by {} to {} ({} interval; {} and {} units)",
                metric.name,
                variation.key,
                figure(moments.mean()),
                figure(judgement.bound),
                figure(all[0].mean()),
                experiment.variations[0].key,
                percent(metric.guardrail.as_ref().map_or(0.0, |guardrail| guardrail.allowed_worsening)),
                figure(judgement.excess.low),
                figure(judgement.excess.high),
                percent(experiment.confidence),
                moments.units,
                all[0].units,
            );
            breached.insert(
                (metric.name.clone(), variation.key.clone()),
                BreachedGuardrail {
                    flag_key: experiment.flag_key.clone(),
                    experiment_id: experiment.id.clone(),
                    metric: metric.name.clone(),
                    variation: variation.key.clone(),
                    reason,
                    time: Some(now.into()),
                },
            );
        }
    }
    breached
}

fn percent(share: f64) -> String {
    format!("{} %", figure(share * 100.0))
}

/// Four digits after the point at most.
fn figure(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
