use septet_proto_pipeline::v1::{EventEmitted, RunState, StepFinished};
use serde_json::Value;
use tokio::task::{Id, JoinError};

use super::{
    execution::{Execution, UnderWay},
    failure::Halt,
};
use crate::{
    scene,
    store::{self, Ended},
    tasks::{Done, Emitted, Failure, MAX_RESULT},
    value,
};

impl Execution {
    /// Writes down how an attempt ended.
    pub(super) async fn record(
        &mut self,
        ended: Result<(Id, Result<Done, Failure>), JoinError>,
    ) -> Result<(), Halt> {
        let (id, ended) = match ended {
            Ok(ended) => ended,
            // A panic, of which the log has the place.
            Err(error) => (error.id(), Err(Failure::lasting("it ended unexpectedly; the log says more"))),
        };
        let Some(UnderWay { place, emitted }) = self.places.remove(&id) else { return Ok(()) };
        match ended {
            Ok(done) => match self.outputs(place, done.result.clone()) {
                Ok(outputs) => self.succeed_with(place, outputs, &done.log, emitted).await,
                Err(reason) => self.fail(place, Failure { log: done.log, ..Failure::lasting(reason) }).await,
            },
            Err(failure) => self.fail(place, failure).await,
        }
    }

    /// Ends a step that had no attempt, such as a wait.
    pub(super) async fn succeed(&mut self, place: usize, done: Done) -> Result<(), Halt> {
        match self.outputs(place, done.result) {
            Ok(outputs) => self.succeed_with(place, outputs, "", None).await,
            Err(reason) => self.finish(place, RunState::Failed, &reason).await,
        }
    }

    fn outputs(&self, place: usize, result: Value) -> Result<String, String> {
        let outputs = scene::outputs(&self.pipeline.tasks[place], self.scope(place), result)
            .map_err(|error| format!("outputs: {error}"))?
            .to_string();
        if outputs.len() > MAX_RESULT {
            return Err(format!("its outputs are larger than {MAX_RESULT} bytes"));
        }
        Ok(outputs)
    }

    async fn succeed_with(
        &mut self,
        place: usize,
        outputs: String,
        log: &str,
        emitted: Option<Emitted>,
    ) -> Result<(), Halt> {
        let mut cx = self.write().await?;
        let now = cx.now().micros();
        let mut step = self.steps[place].clone();
        if step.awaits.is_empty() && step.due_at == 0 {
            let ended = Ended { state: RunState::Succeeded, reason: "", log, now };
            store::end_attempt(cx.tx().await?, &self.run.id, step.position, step.attempts, &ended).await?;
        }
        step.state = i64::from(RunState::Succeeded as i32);
        step.reason = String::new();
        step.outputs = outputs;
        (step.due_at, step.finished_at) = (0, now);
        step.awaits = String::new();
        store::save(cx.tx().await?, &self.run.id, &step).await?;
        if let Some(emitted) = emitted {
            let key = if emitted.key.is_empty() { self.run.id.clone() } else { emitted.key };
            cx.publish(&EventEmitted {
                key,
                name: emitted.event,
                data: Some(value::to_struct(&emitted.data)),
                run_id: self.run.id.clone(),
                pipeline: self.run.name.clone(),
                step: step.name.clone(),
            })?;
        }
        cx.publish(&self.finished(&step))?;
        cx.commit().await?;
        self.steps[place] = step;
        self.service.moved();
        Ok(())
    }

    /// An attempt failed: the step is tried again after a pause, or has failed.
    async fn fail(&mut self, place: usize, failure: Failure) -> Result<(), Halt> {
        let retry = &self.pipeline.tasks[place].retry;
        let mut cx = self.write().await?;
        let now = cx.now();
        let mut step = self.steps[place].clone();
        let ended =
            Ended { state: RunState::Failed, reason: &failure.reason, log: &failure.log, now: now.micros() };
        store::end_attempt(cx.tx().await?, &self.run.id, step.position, step.attempts, &ended).await?;
        let counted = u32::try_from(step.attempts - step.interrupted).unwrap_or(u32::MAX);
        if failure.may_pass && counted < retry.attempts {
            step.due_at = now.after(retry.pause(counted)).micros().max(1);
            step.reason = format!("attempt {counted} of {}: {}", retry.attempts, failure.reason);
        } else {
            step.state = i64::from(RunState::Failed as i32);
            step.reason = failure.reason;
            step.finished_at = now.micros();
            cx.publish(&self.finished(&step))?;
        }
        store::save(cx.tx().await?, &self.run.id, &step).await?;
        cx.commit().await?;
        self.steps[place] = step;
        self.service.moved();
        Ok(())
    }

    /// Ends a step without an attempt's end.
    pub(super) async fn finish(&mut self, place: usize, state: RunState, reason: &str) -> Result<(), Halt> {
        let mut cx = self.write().await?;
        let now = cx.now().micros();
        let mut step = self.steps[place].clone();
        step.state = i64::from(state as i32);
        step.reason = reason.to_owned();
        (step.due_at, step.finished_at) = (0, now);
        step.awaits = String::new();
        store::save(cx.tx().await?, &self.run.id, &step).await?;
        cx.publish(&self.finished(&step))?;
        cx.commit().await?;
        self.steps[place] = step;
        self.service.moved();
        Ok(())
    }

    fn finished(&self, step: &store::Step) -> StepFinished {
        StepFinished { run_id: self.run.id.clone(), name: self.run.name.clone(), step: Some(step.summary()) }
    }
}
