//! The service under test. What it does about an event or job is what the test has written down for it; each attempt
//! first writes an effect and publishes, so that whatever should be undone shows.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use septet_messaging::{Cx, Handle, HandleError, Work};
use septet_proto_devops::v1::{ChangePushed, ImportCommits};
use septet_proto_review::v1::{DiffSubmitted, Review, ReviewCompleted};
use septet_store::{StoreError, on_engine};
use tokio::sync::Semaphore;

/// What to do at an attempt, after the effects.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Retry,
    /// Another service does not answer.
    Away,
    Reject,
    Panic,
    Hang,
    /// Until [`Reviewer::gate`] lets it go on.
    Wait,
    PublishTooMuch,
    EnqueueAgain,
    /// It goes well until the database refuses the commit.
    CommitFails,
}

/// The service.
pub struct Reviewer {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    attempts: Mutex<Vec<String>>,
    /// Attempts that have begun to wait, and the permits that let them go on.
    pub waiting: Semaphore,
    pub gate: Semaphore,
}

impl Default for Reviewer {
    fn default() -> Self {
        Self {
            acts: Mutex::default(),
            attempts: Mutex::default(),
            waiting: Semaphore::new(0),
            gate: Semaphore::new(0),
        }
    }
}

impl Reviewer {
    /// What the next attempts at this change or repository do; after them they succeed.
    pub fn script(&self, name: &str, acts: impl IntoIterator<Item = Act>) {
        let mut all = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), acts.into_iter().collect());
    }

    /// Names of all attempts so far.
    pub fn attempts(&self) -> Vec<String> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn attempt(&self, cx: &mut Cx, name: &str) -> Result<(), HandleError> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        effect(cx, name).await?;
        cx.publish(&completed(name))?;
        let act = {
            let mut acts = self.acts.lock().unwrap_or_else(PoisonError::into_inner);
            acts.get_mut(name).and_then(VecDeque::pop_front)
        };
        match act {
            None => Ok(()),
            Some(Act::Retry) => Err(HandleError::Retry("not now".into())),
            Some(Act::Away) => Err(HandleError::outage("nobody answers")),
            Some(Act::Reject) => Err(HandleError::reject("TEST-0001", "never")),
            Some(Act::Panic) => panic!("a handler's bug"),
            Some(Act::Hang) => std::future::pending().await,
            Some(Act::Wait) => {
                self.waiting.add_permits(1);
                self.gate.acquire().await?.forget();
                Ok(())
            }
            Some(Act::PublishTooMuch) => {
                let review = Review { reason: "x".repeat(2 << 20), ..Review::default() };
                cx.publish(&ReviewCompleted { review: Some(review), ..completed(name) })?;
                Ok(())
            }
            Some(Act::EnqueueAgain) => {
                cx.enqueue(&ImportCommits { repository_id: format!("{name}-next") })?;
                Ok(())
            }
            Some(Act::CommitFails) => refuse(cx).await,
        }
    }
}

impl Handle<ChangePushed> for Reviewer {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let name = event.change.map_or(event.change_id, |change| change.commit);
        self.attempt(cx, &name).await
    }
}

impl Handle<DiffSubmitted> for Reviewer {
    const REPLAYABLE: bool = false;

    async fn handle(&self, cx: &mut Cx, event: DiffSubmitted) -> Result<(), HandleError> {
        self.attempt(cx, &event.commit).await
    }
}

impl Work<ImportCommits> for Reviewer {
    async fn work(&self, cx: &mut Cx, job: ImportCommits) -> Result<(), HandleError> {
        self.attempt(cx, &job.repository_id).await
    }
}

/// Writes an effect that shows if it is repeated or should have been undone.
pub async fn effect(cx: &mut Cx, name: &str) -> Result<(), HandleError> {
    on_engine!(cx.tx().await?, conn => sqlx::query("INSERT INTO effect (name) VALUES ($1)")
        .bind(name).execute(conn).await.map(drop))
    .map_err(StoreError::from)?;
    Ok(())
}

/// Writes what the database looks at when it is to commit, and then refuses.
pub async fn refuse(cx: &mut Cx) -> Result<(), HandleError> {
    on_engine!(cx.tx().await?, conn => sqlx::query("INSERT INTO refused (missing) VALUES (1)")
        .execute(conn).await.map(drop))
    .map_err(StoreError::from)?;
    Ok(())
}

/// The event that an attempt publishes.
pub fn completed(name: &str) -> ReviewCompleted {
    ReviewCompleted { change_id: name.to_owned(), ..ReviewCompleted::default() }
}
