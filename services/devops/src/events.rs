//! What other services tell about a change becomes a step of its journey.

use septet_chassis::{
    Cx, Handle, HandleError,
    contract::{Message, Timestamp},
};
use septet_proto_common::v1::Verdict;
use septet_proto_review::v1::ReviewCompleted;

use crate::{
    Devops,
    store::{self, Step},
};

/// Characters of a summary that are kept.
const SUMMARY_CHARS: usize = 300;

impl Handle<ReviewCompleted> for Devops {
    async fn handle(&self, cx: &mut Cx, event: ReviewCompleted) -> Result<(), HandleError> {
        // An event without an id does not reach a handler; should it, it counts once for each change.
        let event_id = cx.cause().id.clone().unwrap_or_default();
        let now = cx.now();
        let review = event.review.unwrap_or_default();
        let step = Step {
            change_id: event.change_id,
            event_id,
            service: "review".to_owned(),
            event_type: ReviewCompleted::TYPE.to_owned(),
            outcome: Verdict::try_from(review.verdict).unwrap_or_default() as i64,
            summary: summary(&review.reason),
            published_at: review.time.map_or(now, Timestamp::from).micros(),
            arrived_at: now.micros(),
        };
        // A review of something that is no change here is nobody's journey.
        Ok(store::add_step(cx, step).await?)
    }
}

/// One line of bounded length.
fn summary(reason: &str) -> String {
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUMMARY_CHARS).collect()
}
