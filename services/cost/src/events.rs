use septet_chassis::{Cx, Handle, HandleError};
use septet_proto_cost::v1::{ChargeSubmitted, CostEstimated};
use septet_proto_devops::v1::{ChangePushed, RepositoryFile};

use crate::{
    Cost,
    error::Error,
    estimator::{File, Subject},
    focus::{Format, Reader, Row, Validator},
    imports, store,
};

/// Rows of an event at most.
const MAX_ROWS: usize = 1_000;

impl Handle<ChangePushed> for Cost {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let Some(change) = &event.change else {
            return Err(HandleError::reject("COST-0006", "the event has no change"));
        };
        let subject = Subject {
            change_id: event.change_id.clone(),
            repository_id: change.repository_id.clone(),
            repository_name: change.repository_name.clone(),
            commit: change.commit.clone(),
        };
        let now = files(event.manifests);
        let parent = if event.manifests_unchanged { now.clone() } else { files(event.parent_manifests) };
        let estimate = self.estimator.price(now, parent).await?;
        let left_out = event.manifests_left_out;
        let mut estimate = self.estimator.judge(cx.tx().await?, subject, estimate, left_out).await?;
        estimate.time = Some(cx.now().into());
        if store::save_estimate(cx.tx().await?, &estimate).await? {
            cx.publish(&CostEstimated { change_id: event.change_id, estimate: Some(estimate) })?;
        }
        Ok(())
    }
}

impl Handle<ChargeSubmitted> for Cost {
    async fn handle(&self, cx: &mut Cx, event: ChargeSubmitted) -> Result<(), HandleError> {
        let reject = |error: Error| HandleError::reject("COST-0001", error.to_string());
        imports::check(&event.source, &event.identity_columns).map_err(reject)?;
        if event.rows.is_empty() || event.rows.len() > MAX_ROWS {
            return Err(HandleError::reject("COST-0001", format!("`rows` must be 1 to {MAX_ROWS}")));
        }
        let mut reader = Reader::new(Format::Json, Validator { identity_columns: event.identity_columns });
        for row in event.rows {
            reader.enter(&Row::new(row.columns));
        }
        let charges = reader.charges();
        if charges.is_empty() {
            let summary = reader.summary.message(1);
            let first = summary.problems.first().cloned().unwrap_or_default();
            let why = format!(
                "no row is a charge; row {}: `{}` is {}, and must be {}",
                first.row, first.column, first.found, first.rule
            );
            return Err(HandleError::reject("COST-0007", why));
        }
        let mut summary = std::mem::take(&mut reader.summary);
        self.keep(cx, &event.source, charges, &mut summary).await?;
        cx.publish(&imports::imported(&event.source, &summary))?;
        Ok(())
    }
}

fn files(files: Vec<RepositoryFile>) -> Vec<File> {
    files.into_iter().map(|file| (file.path, file.content)).collect()
}
