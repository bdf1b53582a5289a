use septet_chassis::contract::Event;
use septet_proto_common::v1::Verdict;
use septet_proto_cost::v1::CostEstimated;
use septet_proto_docs::v1::DocsChecked;
use septet_proto_pipeline::v1::{RunFinished, RunState};
use septet_proto_review::v1::ReviewCompleted;
use septet_proto_soc::v1::ChangeAssessed;

use crate::release::Said;

/// What an event says about a change.
pub(super) struct Told {
    pub change_id: String,
    pub outcome: Verdict,
    pub said: Said,
    pub summary: String,
    pub time: Option<prost_types::Timestamp>,
}

/// An event that is one service's word on one change.
pub(super) trait AboutChange: Event {
    /// What it says; `None` if it is about no change.
    fn told(self) -> Option<Told>;
}

/// The word that a verdict is. One that this version does not know is no pass.
fn judged(
    change_id: String,
    verdict: i32,
    reason: String,
    time: Option<prost_types::Timestamp>,
) -> Option<Told> {
    let outcome = Verdict::try_from(verdict).unwrap_or_default();
    let said = if outcome == Verdict::Passed { Said::Passed } else { Said::Failed };
    (!change_id.is_empty()).then_some(Told { change_id, outcome, said, summary: reason, time })
}

impl AboutChange for ReviewCompleted {
    fn told(self) -> Option<Told> {
        let review = self.review.unwrap_or_default();
        judged(self.change_id, review.verdict, review.reason, review.time)
    }
}

impl AboutChange for DocsChecked {
    fn told(self) -> Option<Told> {
        let check = self.check.unwrap_or_default();
        judged(self.change_id, check.verdict, check.reason, check.time)
    }
}

impl AboutChange for CostEstimated {
    fn told(self) -> Option<Told> {
        let estimate = self.estimate.unwrap_or_default();
        judged(self.change_id, estimate.verdict, estimate.reason, estimate.time)
    }
}

impl AboutChange for ChangeAssessed {
    fn told(self) -> Option<Told> {
        let assessment = self.assessment.unwrap_or_default();
        judged(self.change_id, assessment.verdict, assessment.reason, assessment.time)
    }
}

impl AboutChange for RunFinished {
    fn told(self) -> Option<Told> {
        let run = self.run.unwrap_or_default();
        let (outcome, said) = match run.state() {
            RunState::Succeeded => (Verdict::Passed, Said::Passed),
            RunState::Skipped => (Verdict::Unspecified, Said::Skipped),
            _ => (Verdict::Failed, Said::Failed),
        };
        let (change_id, summary, time) = (run.change_id, run.reason, run.finished_time);
        (!change_id.is_empty()).then_some(Told { change_id, outcome, said, summary, time })
    }
}
