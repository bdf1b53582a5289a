use std::sync::Arc;

use septet_chassis::contract::Timestamp;
use septet_proto_pipeline::v1::RunState;

use super::{
    execution::{Execution, UnderWay},
    failure::Halt,
};
use crate::{
    definition::{Action, Task},
    expression::ExpressionError,
    plan::{self, Next},
    store::{self, Step},
    tasks::{Awaited, Done, Order, Ticket, order},
};

impl Execution {
    /// Begins what can begin now: tasks whose turn has come, attempts after a pause, and ends of waits.
    pub(super) async fn begin_due(&mut self) -> Result<(), Halt> {
        // What ends here may let others begin or be left out in turn.
        while self.begin_planned().await? | self.begin_paused().await? {}
        Ok(())
    }

    /// Tasks that have not begun; true if one ended.
    async fn begin_planned(&mut self) -> Result<bool, Halt> {
        let mut has_ended = false;
        let states: Vec<RunState> = self.steps.iter().map(Step::state).collect();
        for next in plan::next(&self.pipeline, &states) {
            let place = match next {
                Next::LeaveOut(place, reason) => {
                    self.finish(place, RunState::Skipped, &reason).await?;
                    place
                }
                Next::Begin(place) => {
                    match self.is_wanted(place) {
                        Ok(true) if self.has_room() => self.attempt(place).await?,
                        Ok(true) => {}
                        Ok(false) => {
                            self.finish(place, RunState::Skipped, "its `when` does not hold").await?;
                        }
                        Err(error) => self.finish(place, RunState::Failed, &error.to_string()).await?,
                    }
                    place
                }
            };
            has_ended |= plan::has_ended(self.steps[place].state());
        }
        Ok(has_ended)
    }

    /// Attempts after a pause, and ends of waits; true if a step ended.
    async fn begin_paused(&mut self) -> Result<bool, Halt> {
        let mut has_ended = false;
        let now = Timestamp::now().micros();
        for place in 0..self.steps.len() {
            let step = &self.steps[place];
            if step.state() != RunState::Running || step.due_at == 0 || step.due_at > now {
                continue;
            }
            match &self.pipeline.tasks[place].action {
                Action::Wait(_) if step.awaits.is_empty() => self.succeed(place, Done::default()).await?,
                Action::Wait(_) => {
                    let reason = format!("no {} came in time", step.awaits);
                    self.finish(place, RunState::Failed, &reason).await?;
                }
                _ if self.has_room() => self.attempt(place).await?,
                _ => {}
            }
            has_ended |= plan::has_ended(self.steps[place].state());
        }
        Ok(has_ended)
    }

    fn has_room(&self) -> bool {
        self.attempts.len() < self.service.config.max_tasks
    }

    fn is_wanted(&self, place: usize) -> Result<bool, ExpressionError> {
        self.pipeline.tasks[place].when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(place)))
    }

    /// Writes down that an attempt begins, and then begins it.
    async fn attempt(&mut self, place: usize) -> Result<(), Halt> {
        let pipeline = Arc::clone(&self.pipeline);
        let task = &pipeline.tasks[place];
        let order = match order(&task.action, &self.scope(place), Timestamp::now()) {
            Ok(order) => order,
            Err(error) => return self.finish(place, RunState::Failed, &error.to_string()).await,
        };
        let mut cx = self.write().await?;
        let now = cx.now();
        let mut step = self.steps[place].clone();
        step.state = i64::from(RunState::Running as i32);
        step.reason = String::new();
        step.due_at = 0;
        if step.started_at == 0 {
            step.started_at = now.micros();
        }
        let is_wait = wait(&mut step, &order, task, now);
        if !is_wait {
            step.attempts += 1;
            store::begin_attempt(cx.tx().await?, &self.run.id, step.position, step.attempts, now.micros())
                .await?;
        }
        store::save(cx.tx().await?, &self.run.id, &step).await?;
        cx.commit().await?;
        self.service.moved();
        let attempt = u32::try_from(step.attempts).unwrap_or(u32::MAX);
        self.steps[place] = step;
        if !is_wait {
            let ticket = Ticket { run_id: self.run.id.clone(), step: task.name.clone(), attempt };
            self.spawn(place, order, ticket);
        }
        Ok(())
    }

    fn spawn(&mut self, place: usize, order: Order, ticket: Ticket) {
        let (service, pipeline) = (Arc::clone(&self.service), Arc::clone(&self.pipeline));
        let (order, emitted) = match order {
            Order::Publish(emitted) => (Order::Publish(emitted.clone()), Some(emitted)),
            other => (other, None),
        };
        let attempt =
            async move { service.tasks.perform(order, &ticket, pipeline.tasks[place].timeout).await };
        let id = self.attempts.spawn(attempt).id();
        self.places.insert(id, UnderWay { place, emitted });
    }
}

/// Turns a step into one that waits, if that is what its task does.
fn wait(step: &mut Step, order: &Order, task: &Task, now: Timestamp) -> bool {
    let Order::Wait(awaited) = order else { return false };
    match awaited {
        Awaited::Time(time) => {
            step.due_at = (*time).max(1);
            step.reason = format!("waits until {}", Timestamp::from_micros(*time));
        }
        Awaited::Event(event_type) => {
            step.due_at = now.after(task.timeout).micros();
            step.awaits.clone_from(event_type);
            step.reason = format!("waits for {event_type}");
        }
    }
    true
}
