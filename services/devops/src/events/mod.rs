//! What other services tell about a change becomes a step of its journey, and bears on its release.

mod alert;
mod guardrail;
mod told;

use septet_chassis::{Cx, Handle, HandleError, contract::Timestamp};

use self::told::{AboutChange, Told};
use crate::{
    Devops,
    release::Word,
    steps::{Reaction, one_line},
};

impl<E: AboutChange> Handle<E> for Devops {
    async fn handle(&self, cx: &mut Cx, event: E) -> Result<(), HandleError> {
        let Some(Told { change_id, outcome, said, summary, time }) = event.told() else { return Ok(()) };
        let reaction = Reaction::of::<E>(cx, outcome, &summary, time);
        let word = Word {
            said,
            summary: one_line(&summary),
            time: reaction.published.micros(),
            event_id: reaction.event_id.clone(),
        };
        let service = reaction.service;
        self.add_step(cx, &change_id, reaction).await?;
        self.decide(cx, &change_id, |words| words.hear(service, word)).await?;
        Ok(())
    }
}

/// When an event says that something happened, in microseconds.
fn micros(time: Option<prost_types::Timestamp>, otherwise: Timestamp) -> i64 {
    time.map_or(otherwise, Timestamp::from).micros()
}
