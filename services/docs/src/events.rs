use septet_chassis::{Cx, Handle, HandleError};
use septet_proto_devops::v1::{Change, ChangePushed};
use septet_proto_docs::v1::CheckChange;

use crate::{
    Docs,
    check::Subject,
    source::{Dialect, is_foreign},
};

impl Handle<ChangePushed> for Docs {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let Some(change) = &event.change else {
            return Err(HandleError::reject("DOCS-0006", "the event has no change"));
        };
        let subject = Subject {
            change_id: event.change_id.clone(),
            repository_id: change.repository_id.clone(),
            repository_name: change.repository_name.clone(),
            commit: change.commit.clone(),
        };
        if !may_touch_api(change) {
            self.nothing_to_check(cx, subject).await.map_err(crate::error::Error::into_handle)?;
            return Ok(());
        }
        // Reading takes longer than an event may: it is a job.
        cx.enqueue(&CheckChange {
            change_id: subject.change_id,
            repository_id: subject.repository_id,
            repository_name: subject.repository_name,
            commit: subject.commit,
            has_parent: !change.parents.is_empty(),
        })?;
        Ok(())
    }
}

/// True if a change touches a file that is read, or more files than the event names.
fn may_touch_api(change: &Change) -> bool {
    let is_read = |path: &str| !is_foreign(path) && Dialect::of(path).is_some();
    change.files_total as usize > change.files.len()
        || change.files.iter().any(|file| is_read(&file.path) || is_read(&file.previous_path))
}
