//! Releases behind flags, and what would be decided now.

use septet_chassis::contract::{Cause, Timestamp};
use septet_proto_cx::v1::{BreachedGuardrail, GuardrailBreached};
use septet_proto_devops::v1::{CheckReleaseRequest, CheckState, Release, ReleaseDecided, ReleaseState};
use tonic::Code;

use septet_testkit::{eventually, on_both_stores, service::Bed};

use crate::{
    bed::{Running, start_settings},
    fixture::Repo,
    release::{comes_to, imported, release},
    sisters::Sisters,
    told::{all_pass, publish},
};

async fn start(bed: &Bed, sisters: &Sisters) -> Running {
    let settings = [("clients.urls", sisters.urls()), ("devops.release.recheck_secs", 1.into())];
    start_settings(bed, &settings).await
}

fn breach(seconds: i64) -> BreachedGuardrail {
    BreachedGuardrail {
        flag_key: "checkout".to_owned(),
        reason: "errors are up by 12 %".to_owned(),
        time: Some(Timestamp::from_micros(Timestamp::now().micros() + seconds * 1_000_000).into()),
        ..Default::default()
    }
}

/// A repository behind a flag, with one change.
fn behind_checkout() -> Repo {
    let mut repo = Repo::new();
    repo.write(".septet.toml", "[release]\nflags = [\"checkout\"]\n");
    repo.commit("Behind a flag");
    repo
}

fn summary(release: &Release, service: &str) -> String {
    release.checks.iter().find(|check| check.service == service).unwrap().summary.clone()
}

async fn cx_is_asked_at_the_decision(bed: Bed) {
    let sisters = Sisters::there().await;
    sisters.said.lock().unwrap().unknown = vec!["checkout".to_owned()];
    let running = start(&bed, &sisters).await;
    let (_, changes) = imported(&running, &behind_checkout()).await;
    assert!(sisters.said.lock().unwrap().asked.is_empty(), "nothing is decided yet");
    all_pass(&running, &changes[0]).await;
    let eligible = comes_to(&running, &changes[0], ReleaseState::Eligible).await;
    assert_eq!(eligible.revision, 1);
    assert_eq!(summary(&eligible, "cx"), "no guardrail is breached; cx does not know checkout");
    assert_eq!(sisters.said.lock().unwrap().asked, [["checkout"]]);
}

async fn while_cx_is_away_its_release_waits_and_no_other(bed: Bed) {
    let mut sisters = Sisters::away();
    let running = start(&bed, &sisters).await;
    let (_, behind) = imported(&running, &behind_checkout()).await;
    let (_, plain) = imported(&running, &crate::bed::repository_of(20)).await;
    all_pass(&running, &behind[0]).await;
    eventually("the release says what it waits for", async || {
        let waiting = release(&running, &behind[0]).await;
        (waiting.reasons == ["cx: cx does not answer; it is asked again"]).then_some(())
    })
    .await;
    for id in &plain {
        all_pass(&running, id).await;
    }
    for id in &plain {
        comes_to(&running, id, ReleaseState::Eligible).await;
    }
    assert_eq!(release(&running, &behind[0]).await.state(), ReleaseState::Pending);
    sisters.come().await;
    let eligible = comes_to(&running, &behind[0], ReleaseState::Eligible).await;
    assert_eq!(eligible.revision, 1);
}

async fn a_breach_blocks_and_its_end_unblocks(bed: Bed) {
    let sisters = Sisters::there().await;
    let running = start(&bed, &sisters).await;
    let (_, changes) = imported(&running, &behind_checkout()).await;
    let id = &changes[0];
    all_pass(&running, id).await;
    comes_to(&running, id, ReleaseState::Eligible).await;

    sisters.said.lock().unwrap().breached = vec![breach(0)];
    let event = GuardrailBreached { flag_key: "checkout".to_owned(), guardrail: Some(breach(0)) };
    publish(&running, &event, &Cause::default()).await;
    let blocked = comes_to(&running, id, ReleaseState::Blocked).await;
    let reason = "cx: a guardrail of checkout is breached: errors are up by 12 %";
    assert_eq!((blocked.revision, blocked.reasons.as_slice()), (2, &[reason.to_owned()][..]));
    // Another flag's breach is nothing to it.
    let other = GuardrailBreached { flag_key: "search".to_owned(), guardrail: Some(breach(0)) };
    publish(&running, &other, &Cause::default()).await;
    let asked = sisters.said.lock().unwrap().asked.len();
    eventually("cx is asked again", async || {
        (sisters.said.lock().unwrap().asked.len() > asked + 1).then_some(())
    })
    .await;
    assert_eq!(release(&running, id).await.revision, 2);

    sisters.said.lock().unwrap().breached.clear();
    let eligible = comes_to(&running, id, ReleaseState::Eligible).await;
    assert_eq!(eligible.revision, 3);
    let request = septet_proto_devops::v1::GetJourneyRequest { change_id: id.clone() };
    let steps = running.client().get_journey(request).await.unwrap().into_inner().steps;
    let of_cx: Vec<_> = steps.iter().filter(|step| step.service == "cx").collect();
    assert_eq!(of_cx.len(), 1);
    assert_eq!(of_cx[0].event_type, "septet.cx.v1.GuardrailBreached");
}

async fn a_check_asks_both_and_changes_nothing(bed: Bed) {
    let sisters = Sisters::there().await;
    let running = start(&bed, &sisters).await;
    let mut repo = behind_checkout();
    repo.write("compose.yaml", "services: {web: {image: web}}\n");
    repo.commit("Deploy");
    repo.write("compose.yaml", "services: {web: {image: web, deploy: {replicas: 3}}}\n");
    repo.commit("More of it");
    let (repository_id, changes) = imported(&running, &repo).await;
    let id = &changes[0];
    let check = async || {
        let request = CheckReleaseRequest { change_id: id.clone() };
        running.client().check_release(request).await.unwrap().into_inner().release.unwrap()
    };
    let checked = check().await;
    assert_eq!(checked.reasons, ["review: has not answered yet", "docs: has not answered yet"]);
    assert_eq!(summary(&checked, "cost"), "within the budget");
    assert_eq!(summary(&checked, "cx"), "no guardrail is breached");
    let asked = sisters.said.lock().unwrap().estimates[0].clone();
    assert_eq!((asked.repository_id, asked.commit), (repository_id, repo.id("HEAD").to_string()));
    let content = |of: &[septet_proto_cost::v1::Manifest]| String::from_utf8(of[0].content.to_vec()).unwrap();
    assert!(content(&asked.manifests).contains("replicas: 3"));
    assert!(!content(&asked.parent_manifests).contains("replicas"));

    sisters.said.lock().unwrap().too_dear = true;
    sisters.said.lock().unwrap().breached = vec![breach(0)];
    let checked = check().await;
    assert_eq!((checked.state(), checked.reasons.len()), (ReleaseState::Blocked, 2), "{checked:#?}");
    sisters.said.lock().unwrap().silent = true;
    let checked = check().await;
    let of: Vec<_> = checked.checks.iter().map(|check| (check.service.as_str(), check.state())).collect();
    assert_eq!((of[2], of[3]), (("cost", CheckState::Pending), ("cx", CheckState::Pending)));

    let kept = release(&running, id).await;
    assert_eq!((kept.state(), kept.revision), (ReleaseState::Pending, 0));
    assert_eq!(summary(&kept, "cost"), "has not answered yet");
    running.idle().await;
    assert!(septet_testkit::service::published::<ReleaseDecided>(&running.started).await.is_empty());
    let unknown = CheckReleaseRequest { change_id: "0193".to_owned() };
    assert_eq!(running.client().check_release(unknown).await.unwrap_err().code(), Code::NotFound);
}

on_both_stores!(
    cx_is_asked_at_the_decision,
    while_cx_is_away_its_release_waits_and_no_other,
    a_breach_blocks_and_its_end_unblocks,
    a_check_asks_both_and_changes_nothing,
);
