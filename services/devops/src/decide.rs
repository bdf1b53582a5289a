//! Decides releases, and tells what was decided.

use prost::Message as _;
use septet_chassis::{
    Cx, CxError,
    contract::{Message as _, Timestamp},
};
use septet_proto_common::v1::Verdict;
use septet_proto_devops::v1::{AskGuardrails, Release, ReleaseDecided, ReleaseState, RepositorySettings};

use crate::{
    Devops, compose,
    release::{self, Alerts, Known, Words, in_a_line},
    steps,
    store::{self, Change},
};

/// What a decision brings about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effects {
    /// cx is to be asked.
    ask: bool,
    /// The decision is another one than before.
    publish: bool,
}

impl Devops {
    /// Opens the release of a change that is new.
    pub(crate) async fn open_release(
        &self,
        cx: &mut Cx,
        change: &Change,
        settings: &RepositorySettings,
        alerts: &Alerts,
    ) -> Result<(), CxError> {
        let mut opened = store::Release {
            change_id: change.id.clone(),
            seq: change.seq,
            repository_id: change.repository_id.clone(),
            repository_name: change.repository_name.clone(),
            commit_id: change.commit_id.clone(),
            settings: settings.encode_to_vec(),
            words: String::new(),
            state: ReleaseState::Pending as i64,
            decision: Vec::new(),
            revision: 0,
            decided_at: 0,
        };
        let effects = self.reconsider(&mut opened, Words::default(), alerts, cx.now());
        store::add_release(cx.tx().await?, &opened, &settings.flags).await?;
        self.tell(cx, &opened, effects).await
    }

    /// Decides the release of a change with what `hear` adds to what is known of it. Gives it as it is then; `None` for
    /// what is no change here.
    pub(crate) async fn decide(
        &self,
        cx: &mut Cx,
        change_id: &str,
        hear: impl FnOnce(&mut Words) + Send,
    ) -> Result<Option<store::Release>, CxError> {
        let tx = cx.tx().await?;
        let Some(before) = store::lock_release(tx, change_id).await? else { return Ok(None) };
        // Read after the lock: one decision after the other, each with all that was known at its time.
        let alerts = store::alerts(tx, &before.repository_id, change_id, before.seq).await?;
        let mut words = Words::from_json(&before.words);
        hear(&mut words);
        let mut after = before.clone();
        let effects = self.reconsider(&mut after, words, &alerts, cx.now());
        if after != before {
            store::save_release(cx.tx().await?, &after).await?;
        }
        self.tell(cx, &after, effects).await?;
        Ok(Some(after))
    }

    fn reconsider(
        &self,
        row: &mut store::Release,
        mut words: Words,
        alerts: &Alerts,
        now: Timestamp,
    ) -> Effects {
        let before = Release::decode(row.decision.as_slice()).unwrap_or_default();
        let settings = RepositorySettings::decode(row.settings.as_slice()).unwrap_or_default();
        let required = &self.settings.release.required;
        let known = Known { words: &words, settings: &settings, required, alerts };
        let decision = release::decide(known);
        let state = decision.state as i64;
        let moved = row.state != state || before.reasons != decision.reasons;
        // What never was decided is told once it is; from then on, every other decision.
        let publish = moved && (row.revision > 0 || decision.state != ReleaseState::Pending);
        let ask = decision.asks_cx && !words.asking;
        words.asking |= ask;
        if publish {
            row.revision += 1;
            row.decided_at = now.micros();
        }
        row.state = state;
        row.words = words.to_json();
        let kept = Release {
            state: decision.state.into(),
            reasons: decision.reasons,
            checks: decision.checks,
            ..Release::default()
        };
        row.decision = kept.encode_to_vec();
        Effects { ask, publish }
    }

    async fn tell(&self, cx: &mut Cx, row: &store::Release, effects: Effects) -> Result<(), CxError> {
        if effects.ask {
            cx.enqueue(&AskGuardrails { change_id: row.change_id.clone(), unanswered: 0 })?;
        }
        if !effects.publish {
            return Ok(());
        }
        let release = compose::release(row.clone());
        let (state, summary) = (release.state(), in_a_line(release.state(), &release.reasons));
        let event = ReleaseDecided { change_id: row.change_id.clone(), release: Some(release) };
        let event_id = cx.publish(&event)?;
        let outcome = match state {
            ReleaseState::Eligible => Verdict::Passed,
            ReleaseState::Blocked => Verdict::Failed,
            ReleaseState::Pending | ReleaseState::Unspecified => Verdict::Unspecified,
        };
        let reaction = steps::Reaction {
            service: "devops",
            event_type: ReleaseDecided::TYPE,
            event_id,
            outcome,
            summary: &summary,
            published: cx.now(),
        };
        self.add_step(cx, &row.change_id, reaction).await
    }
}
