use septet_chassis::{Cx, Handle, HandleError, contract::Event};
use septet_proto_common::v1::{Severity, Verdict};
use septet_proto_devops::v1::DecideReleases;
use septet_proto_soc::v1::{Alert, AlertClosed, AlertRaised};

use super::micros;
use crate::{
    Devops,
    steps::{Reaction, one_line},
    store,
};

impl Handle<AlertRaised> for Devops {
    async fn handle(&self, cx: &mut Cx, event: AlertRaised) -> Result<(), HandleError> {
        self.alert::<AlertRaised>(cx, &event.alert_id, event.alert.unwrap_or_default(), false).await
    }
}

impl Handle<AlertClosed> for Devops {
    async fn handle(&self, cx: &mut Cx, event: AlertClosed) -> Result<(), HandleError> {
        self.alert::<AlertClosed>(cx, &event.alert_id, event.alert.unwrap_or_default(), true).await
    }
}

impl Devops {
    async fn alert<E: Event>(
        &self,
        cx: &mut Cx,
        alert_id: &str,
        alert: Alert,
        closed: bool,
    ) -> Result<(), HandleError> {
        let summary = if closed { format!("closed: {}", alert.title) } else { alert.title.clone() };
        if !alert.change_id.is_empty() {
            // One that is not critical is told, and stands in nobody's way.
            let outcome = match alert.level() {
                _ if closed => Verdict::Passed,
                Severity::Critical => Verdict::Failed,
                _ => Verdict::Unspecified,
            };
            // The time of a closed alert is still the one at which it was raised.
            let time = if closed { None } else { alert.time };
            let reaction = Reaction::of::<E>(cx, outcome, &summary, time);
            self.add_step(cx, &alert.change_id, reaction).await?;
        }
        if alert.level() != Severity::Critical {
            return Ok(());
        }
        let Some(repository_id) = repository_of(cx, &alert).await? else { return Ok(()) };
        let kept = store::Alert {
            alert_id,
            repository_id: &repository_id,
            change_id: &alert.change_id,
            title: &one_line(&alert.title),
            raised_at: micros(alert.time, cx.now()),
            closed,
        };
        store::keep_alert(cx.tx().await?, &kept).await?;
        cx.enqueue(&DecideReleases { repository_id, change_id: alert.change_id, before_seq: 0, decided: 0 })?;
        Ok(())
    }
}

/// The repository that an alert is about; `None` if it is about none that is known here.
async fn repository_of(cx: &mut Cx, alert: &Alert) -> Result<Option<String>, HandleError> {
    if !alert.repository_id.is_empty() {
        let found = store::repository(cx.tx().await?, &alert.repository_id).await?;
        return Ok(found.map(|repository| repository.id));
    }
    if alert.change_id.is_empty() {
        return Ok(None);
    }
    let change = store::by_id(cx.tx().await?, &alert.change_id).await?;
    Ok(change.map(|change| change.repository_id))
}
