//! Every event about a change becomes a step of its journey.

use septet_chassis::{
    Cx, CxError,
    contract::{Event, Timestamp},
};
use septet_proto_common::v1::Verdict;

use crate::{
    Devops,
    store::{self, Step},
};

/// Characters of a summary that are kept.
const SUMMARY_CHARS: usize = 300;
/// Characters of a trace's id.
const TRACE_CHARS: usize = 32;

/// What a service did about a change.
pub(crate) struct Reaction<'a> {
    pub service: &'static str,
    pub event_type: &'static str,
    pub event_id: String,
    pub outcome: Verdict,
    /// Any text; kept as one line of bounded length.
    pub summary: &'a str,
    pub published: Timestamp,
}

impl<'a> Reaction<'a> {
    /// That of the event that `cx` handles.
    pub fn of<E: Event>(
        cx: &Cx,
        outcome: Verdict,
        summary: &'a str,
        time: Option<prost_types::Timestamp>,
    ) -> Self {
        Self {
            service: E::contract().service,
            event_type: E::TYPE,
            // An event without an id does not reach a handler; should it, it counts once for each change.
            event_id: cx.cause().id.clone().unwrap_or_default(),
            outcome,
            summary,
            published: time.map_or(cx.now(), Timestamp::from),
        }
    }
}

impl Devops {
    /// Adds a step to the journey of a change. What is no change here is nobody's journey.
    pub(crate) async fn add_step(
        &self,
        cx: &mut Cx,
        change_id: &str,
        reaction: Reaction<'_>,
    ) -> Result<(), CxError> {
        let cause = cx.cause();
        let step = Step {
            change_id: change_id.to_owned(),
            event_id: reaction.event_id,
            service: reaction.service.to_owned(),
            event_type: reaction.event_type.to_owned(),
            outcome: reaction.outcome as i64,
            summary: one_line(reaction.summary),
            published_at: reaction.published.micros(),
            arrived_at: cx.now().micros(),
            correlation_id: cause.correlation_id.clone().unwrap_or_default(),
            trace_id: cause.traceparent.as_deref().and_then(trace_id).unwrap_or_default(),
        };
        store::add_step(cx, step).await?;
        // Before the commit: who follows looks again for a while.
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }
}

/// One line of bounded length.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUMMARY_CHARS).collect()
}

fn trace_id(traceparent: &str) -> Option<String> {
    let id = traceparent.split('-').nth(1)?;
    (id.len() == TRACE_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}
