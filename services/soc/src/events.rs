use septet_chassis::{Cx, CxError, Handle, HandleError};
use septet_proto_devops::v1::ChangePushed;
use septet_proto_soc::v1::{Alert, AlertRaised, ChangeAssessed, SignalSubmitted};

use crate::{
    Soc,
    alert::{self, Occasion},
    ingest,
    signal::{self, Facts, Signal, SuiteEvent},
    store,
};

impl Handle<ChangePushed> for Soc {
    async fn handle(&self, cx: &mut Cx, event: ChangePushed) -> Result<(), HandleError> {
        let Some(change) = &event.change else {
            return Err(HandleError::reject("SOC-0005", "the event has no change"));
        };
        self.facts.remember(&event.change_id, Facts::of(change));
        let (subject, signal) = signal::of_change(&event, change);
        let rules = self.detector.covering(&signal.source);
        let occasion = Occasion {
            origin: "/septet/devops".to_owned(),
            event_id: event_id(cx),
            subject,
            host: String::new(),
            time: change.committed_time.map_or(cx.now(), Into::into),
        };
        let (alerts, _) = self.evaluate(cx, &occasion, &[signal]).await?;
        let assessment = alert::assess(&occasion.subject, &change.commit, rules, &alerts, cx.now());
        if store::assess(cx.tx().await?, &event.change_id, &assessment).await? {
            let change_id = event.change_id.clone();
            cx.publish(&ChangeAssessed { change_id, assessment: Some(assessment) })?;
        }
        Ok(())
    }
}

impl Handle<SignalSubmitted> for Soc {
    async fn handle(&self, cx: &mut Cx, event: SignalSubmitted) -> Result<(), HandleError> {
        let event = SignalSubmitted {
            // The id of the record is its event's, or made of its place in the topic.
            id: if event.id.is_empty() { event_id(cx) } else { event.id },
            ..event
        };
        let (occasion, signal) = ingest::read(event, cx.now())
            .map_err(|error| HandleError::reject("SOC-0001", error.to_string()))?;
        self.evaluate(cx, &occasion, &[signal]).await?;
        Ok(())
    }
}

impl<E: SuiteEvent> Handle<E> for Soc {
    async fn handle(&self, cx: &mut Cx, event: E) -> Result<(), HandleError> {
        let facts = match event.change_id() {
            "" => None,
            change_id => self.facts.of(change_id).await?,
        };
        let mut observation = event.observe(facts.as_ref());
        observation.subject.author = facts.map_or_else(String::new, |facts| facts.author());
        let occasion = Occasion {
            origin: event.origin(),
            event_id: event_id(cx),
            subject: observation.subject,
            host: String::new(),
            time: observation.time.map_or(cx.now(), Into::into),
        };
        self.evaluate(cx, &occasion, &observation.signals).await?;
        Ok(())
    }
}

impl Soc {
    /// Raises an alert for each rule that the event fulfils, unless it was raised before. Gives all of them, and how many are
    /// new.
    pub(crate) async fn evaluate(
        &self,
        cx: &mut Cx,
        occasion: &Occasion,
        signals: &[Signal],
    ) -> Result<(Vec<Alert>, u64), CxError> {
        let alerts = self.detector.alerts(occasion, signals, cx.now());
        if alerts.is_empty() {
            return Ok((alerts, 0));
        }
        let new = store::raise(cx.tx().await?, &alerts).await?;
        for alert in &new {
            cx.publish(&AlertRaised { alert_id: alert.id.clone(), alert: Some((*alert).clone()) })?;
        }
        let number = new.len() as u64;
        // Readers of streams look again in any case after a moment, so that it does not matter that the commit is yet to come.
        self.moved.send_modify(|moved| *moved = moved.wrapping_add(1));
        Ok((alerts, number))
    }
}

fn event_id(cx: &Cx) -> String {
    cx.cause().id.clone().unwrap_or_default()
}
