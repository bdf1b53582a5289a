//! Releases follow from what the other services publish.

use std::collections::BTreeMap;

use septet_chassis::contract::Cause;
use septet_proto_common::v1::{PageRequest, Verdict};
use septet_proto_devops::v1::{
    Check, CheckState, GetReleaseRequest, ListReleasesRequest, Release, ReleaseDecided, ReleaseState,
};
use septet_proto_pipeline::v1::RunState;
use tonic::Code;

use septet_testkit::{eventually, on_both_stores, service::Bed};

use crate::{
    bed::{Running, repository_of, start},
    fixture::Repo,
    told::{all_pass, assessed, closed, documented, priced, publish, raised, ran, reviewed},
};

pub async fn release(running: &Running, change_id: &str) -> Release {
    let request = GetReleaseRequest { change_id: change_id.to_owned() };
    running.client().get_release(request).await.unwrap().into_inner().release.unwrap()
}

/// Waits until a release has come to a state.
pub async fn comes_to(running: &Running, change_id: &str, state: ReleaseState) -> Release {
    eventually(format!("the release is {state:?}"), async || {
        let release = release(running, change_id).await;
        (release.state() == state).then_some(release)
    })
    .await
}

/// Imports a repository; gives its id and its changes, newest first.
pub async fn imported(running: &Running, repo: &Repo) -> (String, Vec<String>) {
    let id = running.register(repo, None).await.id;
    running.settled(&id).await;
    let changes = running.list(&id).await.into_iter().map(|change| change.id).collect();
    running.idle().await;
    (id, changes)
}

/// What was published of each change, in order of revision; each revision once.
async fn decisions(running: &Running) -> BTreeMap<String, Vec<Release>> {
    running.idle().await;
    let mut by_change: BTreeMap<String, Vec<Release>> = BTreeMap::new();
    for (_, event) in septet_testkit::service::published::<ReleaseDecided>(&running.started).await {
        by_change.entry(event.change_id).or_default().push(event.release.unwrap());
    }
    for releases in by_change.values() {
        let revisions: Vec<u32> = releases.iter().map(|release| release.revision).collect();
        assert_eq!(revisions, (1..=revisions.len() as u32).collect::<Vec<_>>());
        let changed = |two: &[Release]| (two[0].state, &two[0].reasons) != (two[1].state, &two[1].reasons);
        assert!(releases.windows(2).all(changed), "nothing changed: {releases:#?}");
    }
    by_change
}

fn check<'a>(release: &'a Release, service: &str) -> &'a Check {
    release.checks.iter().find(|check| check.service == service).unwrap()
}

async fn it_is_decided_once_all_have_spoken(bed: Bed) {
    let running = start(&bed).await;
    let (repository_id, changes) = imported(&running, &repository_of(2)).await;
    let id = &changes[0];
    let waiting = release(&running, id).await;
    assert_eq!((waiting.state(), waiting.revision, waiting.decided_time), (ReleaseState::Pending, 0, None));
    assert_eq!(waiting.reasons.len(), 3);
    assert_eq!((&waiting.repository_id, waiting.repository_name.as_str()), (&repository_id, "work"));

    for _ in 0..2 {
        publish(&running, &reviewed(id, true, "no findings"), &Cause::default()).await;
        publish(&running, &documented(id, true, "no public API"), &Cause::default()).await;
    }
    running.idle().await;
    let waiting = release(&running, id).await;
    assert_eq!(waiting.reasons, ["cost: has not answered yet"]);
    assert!(decisions(&running).await.is_empty());

    publish(&running, &priced(id, true, "as before"), &Cause::default()).await;
    let eligible = comes_to(&running, id, ReleaseState::Eligible).await;
    assert_eq!((eligible.revision, eligible.reasons.len()), (1, 0));
    assert_eq!(check(&eligible, "cx").summary, "the repository names no flags");
    assert_eq!(check(&eligible, "pipeline").state(), CheckState::Skipped);
    // Said again, it is no other decision.
    publish(&running, &priced(id, true, "as before"), &Cause::default()).await;
    let told = decisions(&running).await;
    assert_eq!(told.keys().collect::<Vec<_>>(), [id]);
    assert_eq!(told[id], [release(&running, id).await]);
    assert_eq!(release(&running, &changes[1]).await.revision, 0);

    let unknown = GetReleaseRequest { change_id: "0193".to_owned() };
    let unknown = running.client().get_release(unknown).await.unwrap_err();
    assert_eq!((unknown.code(), &unknown.message()[..11]), (Code::NotFound, "DEVOPS-0007"));
}

async fn the_order_of_events_does_not_matter(bed: Bed) {
    const EVENTS: usize = 4;
    let running = start(&bed).await;
    let mut targets = Vec::new();
    for order in 0..24 {
        let (repository, changes) = imported(&running, &repository_of(1)).await;
        targets.push((order, repository, changes.into_iter().next().unwrap()));
    }
    // The order of that number, by the digits of the factorial number system.
    let nth = |mut number: usize| {
        let mut left: Vec<usize> = (0..EVENTS).collect();
        (1..=EVENTS).rev().map(move |choices| {
            let chosen = left.remove(number % choices);
            number /= choices;
            chosen
        })
    };
    for turn in 0..EVENTS {
        for (order, repository, id) in &targets {
            let cause = Cause::default();
            match nth(*order).nth(turn).unwrap() {
                0 => publish(&running, &reviewed(id, true, "no findings"), &cause).await,
                1 => publish(&running, &documented(id, false, "1 breaking change"), &cause).await,
                2 => publish(&running, &priced(id, true, "as before"), &cause).await,
                _ => publish(&running, &raised(&format!("alert-{order}"), repository, id), &cause).await,
            };
        }
        running.idle().await;
    }
    let told = decisions(&running).await;
    for (order, _, id) in &targets {
        let last = release(&running, id).await;
        assert_eq!(last.state(), ReleaseState::Blocked);
        let alert = format!("soc: a critical alert is open: Alert alert-{order}");
        assert_eq!(last.reasons, ["docs: 1 breaking change".to_owned(), alert]);
        let told = told[id].last().unwrap();
        assert_eq!((told.revision, &told.reasons), (last.revision, &last.reasons));
        let states: Vec<_> = last.checks.iter().map(|check| check.state).collect();
        assert_eq!(states[..3], [CheckState::Passed, CheckState::Failed, CheckState::Passed].map(i32::from));
    }
}

async fn alerts_block_the_latest_and_the_undecided_until_they_are_closed(bed: Bed) {
    let running = start(&bed).await;
    let (repository, changes) = imported(&running, &repository_of(3)).await;
    let (_, others) = imported(&running, &repository_of(1)).await;
    let [latest, middle, first] = changes.as_slice() else { panic!("{changes:?}") };
    for id in [latest, first, &others[0]] {
        all_pass(&running, id).await;
        comes_to(&running, id, ReleaseState::Eligible).await;
    }
    publish(&running, &raised("a", &repository, ""), &Cause::default()).await;
    let blocked = comes_to(&running, latest, ReleaseState::Blocked).await;
    assert_eq!(blocked.reasons, ["soc: a critical alert is open: Alert a"]);
    comes_to(&running, middle, ReleaseState::Blocked).await;
    running.idle().await;
    // What was decided before and is not the latest stays, and so does another repository.
    assert_eq!(release(&running, first).await.state(), ReleaseState::Eligible);
    assert_eq!(release(&running, &others[0]).await.state(), ReleaseState::Eligible);
    publish(&running, &raised("b", &repository, first), &Cause::default()).await;
    comes_to(&running, first, ReleaseState::Blocked).await;
    running.idle().await;
    assert_eq!(release(&running, latest).await.reasons.len(), 1);

    publish(&running, &closed("b", &repository, first), &Cause::default()).await;
    running.idle().await;
    assert_eq!(release(&running, latest).await.reasons, ["soc: a critical alert is open: Alert a"]);
    publish(&running, &closed("a", &repository, ""), &Cause::default()).await;
    comes_to(&running, latest, ReleaseState::Eligible).await;
    comes_to(&running, first, ReleaseState::Eligible).await;
    let pending = comes_to(&running, middle, ReleaseState::Pending).await;
    // Blocked by one, by two, by one again, and by none.
    assert_eq!((pending.revision, pending.reasons.len()), (4, 3));
    // Late news of an alert that is closed open it no more.
    publish(&running, &raised("a", &repository, ""), &Cause::default()).await;
    running.idle().await;
    assert_eq!(release(&running, latest).await.state(), ReleaseState::Eligible);
    decisions(&running).await;
}

async fn an_alert_about_a_change_does_not_block_what_came_before_it(bed: Bed) {
    let running = start(&bed).await;
    let (repository, changes) = imported(&running, &repository_of(3)).await;
    let [latest, middle, first] = changes.as_slice() else { panic!("{changes:?}") };
    publish(&running, &raised("a", &repository, middle), &Cause::default()).await;
    for id in [latest, middle] {
        comes_to(&running, id, ReleaseState::Blocked).await;
    }
    running.idle().await;
    assert_eq!(release(&running, first).await.state(), ReleaseState::Pending);
    all_pass(&running, first).await;
    comes_to(&running, first, ReleaseState::Eligible).await;
}

async fn what_soc_found_stands_until_its_alerts_are_closed(bed: Bed) {
    let running = start(&bed).await;
    let (repository, changes) = imported(&running, &repository_of(1)).await;
    let id = &changes[0];
    all_pass(&running, id).await;
    publish(&running, &assessed(id, false, "1 critical alert"), &Cause::default()).await;
    let blocked = comes_to(&running, id, ReleaseState::Blocked).await;
    assert_eq!(blocked.reasons, ["soc: 1 critical alert"]);
    publish(&running, &raised("a", &repository, id), &Cause::default()).await;
    running.idle().await;
    assert_eq!(release(&running, id).await.reasons, ["soc: a critical alert is open: Alert a"]);
    publish(&running, &closed("a", &repository, id), &Cause::default()).await;
    comes_to(&running, id, ReleaseState::Eligible).await;
}

async fn tests_that_fail_block_with_a_new_revision(bed: Bed) {
    let mut repo = Repo::new();
    repo.write(".septet.toml", "[pipeline]\nrun_tests = true\n");
    repo.commit("Opt in");
    let running = start(&bed).await;
    let (_, changes) = imported(&running, &repo).await;
    let id = &changes[0];
    all_pass(&running, id).await;
    let eligible = comes_to(&running, id, ReleaseState::Eligible).await;
    assert!(eligible.settings.clone().unwrap().run_tests);
    assert_eq!(check(&eligible, "pipeline").state(), CheckState::Pending);
    publish(&running, &ran(id, RunState::Failed, "2 tests failed", 10), &Cause::default()).await;
    let blocked = comes_to(&running, id, ReleaseState::Blocked).await;
    assert_eq!((blocked.revision, blocked.reasons), (2, vec!["pipeline: 2 tests failed".to_owned()]));
    // A later run counts, however late the first one's news are heard.
    publish(&running, &ran(id, RunState::Succeeded, "all passed", 20), &Cause::default()).await;
    comes_to(&running, id, ReleaseState::Eligible).await;
    publish(&running, &ran(id, RunState::Cancelled, "cancelled", 15), &Cause::default()).await;
    publish(&running, &ran("", RunState::Failed, "something else", 30), &Cause::default()).await;
    running.idle().await;
    let last = release(&running, id).await;
    assert_eq!((last.state(), last.revision), (ReleaseState::Eligible, 3));
    decisions(&running).await;
}

async fn settings_that_cannot_be_read_are_told_and_block(bed: Bed) {
    let mut repo = Repo::new();
    repo.write(".septet.toml", "[pipeline]\nruntests = true\n");
    repo.commit("Opt in, nearly");
    let running = start(&bed).await;
    let (_, changes) = imported(&running, &repo).await;
    let blocked = comes_to(&running, &changes[0], ReleaseState::Blocked).await;
    assert!(blocked.reasons[0].contains("unknown field `runtests`"), "{blocked:#?}");
    assert_eq!(blocked.revision, 1);
}

async fn releases_are_listed_newest_first(bed: Bed) {
    let running = start(&bed).await;
    let (repository, changes) = imported(&running, &repository_of(5)).await;
    let (_, others) = imported(&running, &repository_of(1)).await;
    for id in [&changes[1], &changes[3]] {
        publish(&running, &reviewed(id, false, "a secret"), &Cause::default()).await;
    }
    running.idle().await;
    let list = async |repository: &str, state: ReleaseState| {
        let (mut ids, mut page) = (Vec::new(), PageRequest { page_size: 2, ..Default::default() });
        loop {
            let request = ListReleasesRequest {
                repository_id: repository.to_owned(),
                state: state.into(),
                page: Some(page.clone()),
            };
            let reply = running.client().list_releases(request).await.unwrap().into_inner();
            ids.extend(reply.releases.into_iter().map(|release| release.change_id));
            page.page_token = reply.page.unwrap().next_page_token;
            if page.page_token.is_empty() {
                return ids;
            }
        }
    };
    assert_eq!(list(&repository, ReleaseState::Unspecified).await, changes);
    assert_eq!(list(&repository, ReleaseState::Blocked).await, [changes[1].clone(), changes[3].clone()]);
    let pending = list("", ReleaseState::Pending).await;
    assert_eq!(pending, [&others[0], &changes[0], &changes[2], &changes[4]].map(Clone::clone));
    for (repository_id, state, code) in
        [("0193", 0, Code::NotFound), ("x!", 0, Code::InvalidArgument), ("", 9, Code::InvalidArgument)]
    {
        let request = ListReleasesRequest { repository_id: repository_id.to_owned(), state, page: None };
        assert_eq!(running.client().list_releases(request).await.unwrap_err().code(), code);
    }
}

async fn one_correlation_ties_a_journey_together(bed: Bed) {
    let running = start(&bed).await;
    let (_, changes) = imported(&running, &repository_of(2)).await;
    let records = running.records("devops.change.v1").await;
    let header = |record: &septet_chassis::contract::Record, name: &str| {
        String::from_utf8(record.header(name).unwrap().to_vec()).unwrap()
    };
    let correlations: BTreeMap<String, String> = records
        .iter()
        .map(|record| (header(record, "ce_subject"), header(record, "ce_correlationid")))
        .collect();
    assert_ne!(correlations[&changes[0]], correlations[&changes[1]], "two journeys are one");
    let id = &changes[0];
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let cause = Cause {
        id: None,
        correlation_id: Some(correlations[id].clone()),
        traceparent: Some(format!("00-{trace}-00f067aa0ba902b7-01")),
    };
    publish(&running, &reviewed(id, false, "a secret"), &cause).await;
    comes_to(&running, id, ReleaseState::Blocked).await;
    let request = septet_proto_devops::v1::GetJourneyRequest { change_id: id.clone() };
    let steps = running.client().get_journey(request).await.unwrap().into_inner().steps;
    let of: Vec<_> =
        steps.iter().map(|step| (step.service.as_str(), step.outcome(), step.summary.as_str())).collect();
    assert_eq!(
        of,
        [("review", Verdict::Failed, "a secret"), ("devops", Verdict::Failed, "blocked: review: a secret")]
    );
    for step in &steps {
        assert_eq!((&step.correlation_id, step.trace_id.as_str()), (&correlations[id], trace));
    }
    let decided = running.records("devops.release.v1").await;
    assert_eq!(header(&decided[0], "ce_correlationid"), correlations[id]);
    assert_eq!(header(&decided[0], "ce_id"), steps[1].event_id);
}

on_both_stores!(
    it_is_decided_once_all_have_spoken,
    the_order_of_events_does_not_matter,
    alerts_block_the_latest_and_the_undecided_until_they_are_closed,
    an_alert_about_a_change_does_not_block_what_came_before_it,
    what_soc_found_stands_until_its_alerts_are_closed,
    tests_that_fail_block_with_a_new_revision,
    settings_that_cannot_be_read_are_told_and_block,
    releases_are_listed_newest_first,
    one_correlation_ties_a_journey_together,
);
