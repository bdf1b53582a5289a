use bytes::Bytes;
use septet_chassis::{Cx, Handle, HandleError};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_review::v1::DiffSubmitted;

use crate::{
    Review,
    diffs::{self, Fetched},
    error::Error,
    reviewer::Outcome,
    store::{self, Subject},
};

/// Longest name or commit that a producer may send, in bytes.
const MAX_NAME: usize = 256;
/// Largest diff that a producer may send, in bytes.
const MAX_DIFF: usize = 896 << 10;

impl Handle<ChangePushed> for Review {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let Some(change) = &event.change else {
            return Err(HandleError::reject("REVIEW-0005", "the event has no change"));
        };
        let outcome = match diffs::of(&event, &self.devops, self.reviewer.max_diff_bytes()).await? {
            Fetched::Whole(diff) => match self.reviewer.review(diff, &change.commit).await {
                Ok(outcome) => outcome,
                Err(Error::Diff(error)) => self.reviewer.unreadable(&error.to_string()),
                Err(error) => return Err(error.into()),
            },
            Fetched::Unreadable(why) => self.reviewer.unreadable(&why),
        };
        let outcome = outcome.with_left_out(event.diff.as_ref().map_or(0, |diff| diff.left_out));
        let subject = Subject {
            change_id: event.change_id.clone(),
            repository_id: change.repository_id.clone(),
            repository_name: change.repository_name.clone(),
            commit: change.commit.clone(),
        };
        self.complete(cx, subject, &outcome).await?;
        Ok(())
    }
}

impl Handle<DiffSubmitted> for Review {
    async fn handle(&self, cx: &mut Cx, event: DiffSubmitted) -> Result<(), HandleError> {
        for (field, text) in [("repository", &event.repository), ("commit", &event.commit)] {
            if text.len() > MAX_NAME {
                return Err(HandleError::reject(
                    "REVIEW-0001",
                    format!("`{field}` is longer than {MAX_NAME} bytes"),
                ));
            }
        }
        if event.repository.is_empty() {
            return Err(HandleError::reject("REVIEW-0001", "`repository` is empty"));
        }
        if event.diff.len() > MAX_DIFF {
            return Err(HandleError::reject(
                "REVIEW-0001",
                format!("`diff` is longer than {MAX_DIFF} bytes"),
            ));
        }
        let outcome = match self.reviewer.review(Bytes::from(event.diff), &event.commit).await {
            Ok(outcome) => outcome,
            Err(Error::Diff(error)) => return Err(HandleError::reject("REVIEW-0002", error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let subject = Subject {
            change_id: String::new(),
            repository_id: String::new(),
            repository_name: event.repository,
            commit: event.commit,
        };
        self.complete(cx, subject, &outcome).await?;
        Ok(())
    }
}

impl Review {
    /// Keeps a review and publishes it.
    pub(crate) async fn complete(
        &self,
        cx: &mut Cx,
        subject: Subject,
        outcome: &Outcome,
    ) -> Result<store::Stored, Error> {
        let stored = store::Stored::new(subject, outcome, cx.now());
        store::save(cx.tx().await?, &stored).await?;
        cx.publish(&stored.completed())?;
        Ok(stored)
    }
}
