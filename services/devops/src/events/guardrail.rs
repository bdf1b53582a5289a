use septet_chassis::{Cx, Handle, HandleError};
use septet_proto_common::v1::Verdict;
use septet_proto_cx::v1::GuardrailBreached;
use septet_proto_devops::v1::{AskGuardrails, ReleaseState};

use crate::{
    Devops, guardrails,
    release::{Said, Word},
    steps::{Reaction, one_line},
    store,
};

/// Releases that one event bears on at most, those of the newest changes.
const RELEASES: i64 = 100;

impl Handle<GuardrailBreached> for Devops {
    async fn handle(&self, cx: &mut Cx, event: GuardrailBreached) -> Result<(), HandleError> {
        let breach = event.guardrail.unwrap_or_default();
        let summary = one_line(&guardrails::in_a_line(&event.flag_key, &breach.reason));
        let pending = ReleaseState::Pending as i64;
        let changes = store::behind_flag(cx.tx().await?, &event.flag_key, pending, RELEASES).await?;
        for change_id in changes {
            let reaction = Reaction::of::<GuardrailBreached>(cx, Verdict::Failed, &summary, breach.time);
            let word = Word {
                said: Said::Failed,
                summary: summary.clone(),
                time: reaction.published.micros(),
                event_id: reaction.event_id.clone(),
            };
            self.add_step(cx, &change_id, reaction).await?;
            let mut ask = false;
            self.decide(cx, &change_id, |words| {
                // A release that cx was not asked about yet will be told when it is.
                if words.of("cx").is_some() {
                    words.hear("cx", word);
                    ask = !words.asking;
                    words.asking = true;
                }
            })
            .await?;
            if ask {
                let again = AskGuardrails { change_id, unanswered: 0 };
                cx.enqueue_after(&again, self.settings.release.recheck())?;
            }
        }
        Ok(())
    }
}
