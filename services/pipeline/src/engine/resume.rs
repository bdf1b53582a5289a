use std::sync::Arc;

use septet_proto_pipeline::v1::{RunState, StepFinished};

use super::{
    execution::{CANCELLED, Execution},
    failure::Halt,
};
use crate::{
    definition::Pipeline,
    store::{self, Step},
};

/// Crashes during attempts of one step after which it is given up: it may be what ends the process.
const MAX_INTERRUPTIONS: i64 = 5;

impl Execution {
    /// Gets the run ready to go on; false if it has ended instead, or waits.
    pub(super) async fn prepare(&mut self) -> Result<bool, Halt> {
        if self.run.cancel_requested != 0 {
            self.end(RunState::Cancelled, CANCELLED).await?;
            return Ok(false);
        }
        if self.run.definition.is_empty() && !self.make_definition().await? {
            return Ok(false);
        }
        match Pipeline::parse(&self.run.definition) {
            Ok(pipeline) => self.pipeline = Arc::new(pipeline),
            // It was read before it was kept; a later version may read more strictly.
            Err(error) => {
                self.end(RunState::Failed, &format!("the definition cannot be read: {error}")).await?;
                return Ok(false);
            }
        }
        self.steps = store::steps(&mut self.service.units.read().await?, &self.run.id).await?;
        if self.steps.len() != self.pipeline.tasks.len() {
            self.end(RunState::Failed, "its steps are not those of its definition").await?;
            return Ok(false);
        }
        if self.run.state() == RunState::Queued {
            self.open().await?;
        } else {
            self.take_over().await?;
        }
        self.arrivals().await?;
        Ok(true)
    }

    /// What was under way when the last process let go begins again, as an attempt that does not count as a retry.
    async fn take_over(&mut self) -> Result<(), Halt> {
        if !self.steps.iter().any(Step::is_attempted) {
            return Ok(());
        }
        let mut cx = self.write().await?;
        let now = cx.now().micros();
        store::interrupt(cx.tx().await?, &self.run.id, now).await?;
        for step in self.steps.iter_mut().filter(|step| step.is_attempted()) {
            step.interrupted += 1;
            if step.interrupted > MAX_INTERRUPTIONS {
                step.state = i64::from(RunState::Failed as i32);
                step.reason = format!("its process ended {} times meanwhile", step.interrupted);
                step.finished_at = now;
            } else {
                step.reason = "begun again, since the process that did it ended".to_owned();
                step.due_at = now;
            }
            store::save(cx.tx().await?, &self.run.id, step).await?;
            if step.finished_at > 0 {
                cx.publish(&StepFinished {
                    run_id: self.run.id.clone(),
                    name: self.run.name.clone(),
                    step: Some(step.summary()),
                })?;
            }
        }
        cx.commit().await?;
        Ok(())
    }
}
