use septet_chassis::{Cx, HandleError, Work};
use septet_proto_docs::v1::CheckChange;

use crate::{Docs, check::Subject, error::Error, store};

impl Work<CheckChange> for Docs {
    async fn work(&self, cx: &mut Cx, job: CheckChange) -> Result<(), HandleError> {
        let subject = Subject {
            change_id: job.change_id,
            repository_id: job.repository_id,
            repository_name: job.repository_name,
            commit: job.commit,
        };
        let mut tx = self.units.read().await?;
        let done = store::is_checked(&mut tx, &subject.change_id).await?;
        drop(tx);
        if done {
            return Ok(());
        }
        match self.examine(&subject, job.has_parent).await {
            Ok(examined) => self.conclude(cx, subject, examined).await,
            // Waiting brings back no commit: the gate stays shut.
            Err(Error::Gone(why)) => self.unreadable(cx, subject, &why).await,
            Err(error) => Err(error),
        }
        .map_err(Error::into_handle)
    }
}
