use std::{collections::BTreeMap, sync::Arc, time::Duration};

use septet_chassis::{
    Cx,
    contract::{Cause, Timestamp},
};
use septet_proto_pipeline::v1::{RunFinished, RunStarted, RunState};
use serde_json::{Value, json};
use tokio::{
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::failure::Halt;
use crate::{
    Pipelines,
    definition::Pipeline,
    expression::Scope,
    plan,
    scene::Scene,
    store::{self, Fence, Run, Step},
    tasks::{Done, Emitted, Failure},
};

/// A run in which nothing is to be done for longer is let go of.
const LINGER: Duration = Duration::from_secs(2);
/// How often a run that is under way hears what came from outside.
const LOOK: Duration = Duration::from_millis(500);
/// Why a run ends that somebody asked to end.
pub(super) const CANCELLED: &str = "cancelled on request";
/// Pause between two looks at what is due.
const SHORTEST: Duration = Duration::from_millis(20);

/// One run, executed here for as long as nobody else takes it.
pub(super) struct Execution {
    pub(super) service: Arc<Pipelines>,
    pub(super) run: Run,
    pub(super) fence: Fence,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) scene: Scene,
    pub(super) steps: Vec<Step>,
    pub(super) attempts: JoinSet<Result<Done, Failure>>,
    /// What each attempt is about.
    pub(super) places: BTreeMap<Id, UnderWay>,
    /// When the lease was renewed last.
    renewed: Instant,
}

/// An attempt that is under way.
pub(super) struct UnderWay {
    pub place: usize,
    /// Is published with the attempt's success.
    pub emitted: Option<Emitted>,
}

impl Execution {
    pub fn new(service: Arc<Pipelines>, run: Run) -> Self {
        let fence = Fence { run_id: run.id.clone(), number: run.fence };
        let scene = Scene {
            inputs: serde_json::from_str(&run.inputs).unwrap_or_default(),
            run: json!({
                "id": run.id, "name": run.name, "change_id": run.change_id, "repository_id": run.repository_id,
                "repository_name": run.repository_name, "commit": run.commit_hash,
            }),
            event: serde_json::from_str(&run.event).unwrap_or_default(),
        };
        Self {
            service,
            fence,
            scene,
            run,
            pipeline: Arc::default(),
            steps: Vec::new(),
            attempts: JoinSet::new(),
            places: BTreeMap::new(),
            renewed: Instant::now(),
        }
    }

    /// Goes on with the run until it ends, nothing is to be done for a while, or it must be let go of.
    pub async fn go(mut self, stop: CancellationToken) {
        let halted = tokio::select! {
            halted = self.work() => halted,
            () = stop.cancelled() => Err(Halt::Stopped),
        };
        // Ends what is under way, before another begins it again.
        self.attempts.shutdown().await;
        let id = &self.run.id;
        match halted {
            Ok(()) => {}
            Err(Halt::Stopped) => {
                if let Err(error) = self.release().await {
                    tracing::debug!(run = id, %error, "the lease of a run ends by itself");
                }
            }
            Err(error) => tracing::warn!(run = id, %error, "a run is left to whoever takes it next"),
        }
        self.service.moved();
    }

    async fn work(&mut self) -> Result<(), Halt> {
        if !self.prepare().await? {
            return Ok(());
        }
        loop {
            if let Some((state, reason)) = self.must_end() {
                return self.end(state, &reason).await;
            }
            self.begin_due().await?;
            let states: Vec<RunState> = self.steps.iter().map(Step::state).collect();
            if let Some((state, reason)) = plan::outcome(&self.pipeline, &states) {
                return self.end(state, &reason).await;
            }
            let next = self.next_due();
            if self.attempts.is_empty() && next > Timestamp::now().after(LINGER).micros() {
                if self.park(next).await? {
                    return Ok(());
                }
                self.hear().await?;
                continue;
            }
            // What is due already waits for room.
            let until_due = Timestamp::from_micros(next).since(Timestamp::now()).max(SHORTEST);
            let lease = self.service.config.lease();
            tokio::select! {
                Some(ended) = self.attempts.join_next_with_id() => self.record(ended).await?,
                () = tokio::time::sleep(until_due.min(lease / 3).min(LOOK)) => self.hear().await?,
            }
            if self.renewed.elapsed() >= lease / 3 {
                self.hear().await?;
            }
        }
    }

    /// Keeps the lease, and takes in what came from outside.
    async fn hear(&mut self) -> Result<(), Halt> {
        let until = Timestamp::now().after(self.service.config.lease()).micros();
        let heard = async {
            let mut tx = self.service.units.store().begin().await?;
            let word = store::renew(&mut tx, &self.fence, until).await?;
            tx.commit().await?;
            Ok::<_, septet_chassis::StoreError>(word)
        };
        match heard.await {
            Ok(word) => {
                let word = word?;
                self.renewed = Instant::now();
                self.run.cancel_requested = word.cancel_requested.into();
                if word.wakes != self.run.wakes {
                    self.run.wakes = word.wakes;
                    self.arrivals().await?;
                }
                Ok(())
            }
            Err(error) if error.is_transient() && self.renewed.elapsed() < self.service.config.lease() => {
                Ok(())
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the lease of a run ran out");
                Err(Halt::Expired)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Why the run must end although some of its tasks have not.
    fn must_end(&self) -> Option<(RunState, String)> {
        if self.run.cancel_requested != 0 {
            return Some((RunState::Cancelled, CANCELLED.to_owned()));
        }
        let is_late = self.run.deadline_at > 0 && Timestamp::now().micros() >= self.run.deadline_at;
        is_late.then(|| (RunState::Failed, format!("no end within {}s", self.pipeline.timeout.as_secs())))
    }

    /// When the next step is due that has no attempt under way; the run's own deadline where none is.
    fn next_due(&self) -> i64 {
        let due = self.steps.iter().filter(|step| step.state() == RunState::Running && step.due_at > 0);
        due.map(|step| step.due_at).min().unwrap_or(i64::MAX).min(self.run.deadline_at)
    }

    pub(super) async fn park(&self, due_at: i64) -> Result<bool, Halt> {
        let mut tx = self.service.units.store().begin().await?;
        let parked = store::park(&mut tx, &self.fence, self.run.wakes, due_at).await?;
        tx.commit().await?;
        Ok(parked)
    }

    pub(super) async fn release(&self) -> Result<(), Halt> {
        let mut tx = self.service.units.store().begin().await?;
        store::release(&mut tx, &self.fence).await?;
        Ok(tx.commit().await?)
    }

    /// A unit of work in which nothing is written if somebody else has taken the run.
    pub(super) async fn write(&self) -> Result<Cx, Halt> {
        let mut cx = self.service.units.begin(self.cause());
        store::fenced(cx.tx().await?, &self.fence).await??;
        Ok(cx)
    }

    fn cause(&self) -> Cause {
        Cause {
            id: self.run.causation_id.clone(),
            correlation_id: Some(self.run.correlation_id.clone()),
            traceparent: self.run.traceparent.clone(),
        }
    }

    /// Marks that the first step is about to begin.
    pub(super) async fn open(&mut self) -> Result<(), Halt> {
        let mut cx = self.write().await?;
        let now = cx.now();
        self.run.state = i64::from(RunState::Running as i32);
        self.run.started_at = now.micros();
        self.run.deadline_at = now.after(self.pipeline.timeout).micros();
        store::begin(cx.tx().await?, &self.run.id, self.run.started_at, self.run.deadline_at).await?;
        cx.publish(&RunStarted { run_id: self.run.id.clone(), run: Some(self.run.message()) })?;
        cx.commit().await?;
        self.service.moved();
        Ok(())
    }

    /// Ends the run, and every step that has not ended.
    pub(super) async fn end(&mut self, state: RunState, reason: &str) -> Result<(), Halt> {
        self.attempts.shutdown().await;
        let mut cx = self.write().await?;
        let now = cx.now().micros();
        store::waive(cx.tx().await?, &self.run.id, RunState::Cancelled, reason, now).await?;
        store::end(cx.tx().await?, &self.run.id, state, reason, now).await?;
        self.run.state = i64::from(state as i32);
        self.run.reason = reason.to_owned();
        self.run.finished_at = now;
        cx.publish(&RunFinished { run_id: self.run.id.clone(), run: Some(self.run.message()) })?;
        cx.commit().await?;
        Ok(())
    }

    pub(super) fn scope(&self, place: usize) -> Scope {
        self.scene.of(&self.pipeline, place, |above| {
            let step = &self.steps[above];
            (step.state(), step.reason.as_str(), step.outputs())
        })
    }

    pub(super) fn arrived(step: &Step) -> Option<Value> {
        (!step.arrived.is_empty()).then(|| serde_json::from_str(&step.arrived).unwrap_or_default())
    }
}
