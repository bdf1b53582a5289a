//! What becomes of the release of a change: each service has its say, and each may stand in its way.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use septet_e2e::{Channel, Deployment, Repository};
use septet_proto_cost::v1::{Budget, Money, PutBudgetRequest, cost_service_client::CostServiceClient};
use septet_proto_cx::v1::{
    ActivityKind, ActivitySubmitted, Direction, GetResultsRequest, Guardrail, IngestActivityRequest, Metric,
    MetricKind, PutExperimentRequest, PutFeatureRequest, cx_service_client::CxServiceClient,
};
use septet_proto_devops::v1::{
    Change, CheckState, GetJourneyRequest, GetReleaseRequest, ListChangesRequest, Release, ReleaseState,
    devops_service_client::DevopsServiceClient,
};
use septet_proto_soc::v1::{
    AlertState, CloseAlertRequest, ListAlertsRequest, soc_service_client::SocServiceClient,
};
use septet_testkit::{Deadline, eventually_in, json::object};
use serde_json::json;

use super::{
    changes::register,
    site::{Site, Topology},
};

in_each_topology!(a_change_without_fault_is_eligible_and_all_its_services_say_so);
in_each_topology!(a_secret_blocks_and_the_alert_blocks_what_follows_until_it_is_closed);
in_each_topology!(a_breaking_change_without_a_page_blocks_and_a_page_lets_it_pass);
in_each_topology!(a_budget_blocks);
in_each_topology!(a_breached_guardrail_blocks);
in_each_topology!(tests_run_where_a_repository_asks_for_them);
in_each_topology!(a_service_that_was_away_catches_up);

/// A repository, its id, and the way to devops.
struct Watched {
    repository: Repository,
    id: String,
    devops: DevopsServiceClient<Channel>,
}

impl Watched {
    /// With one commit that is eligible.
    async fn new(site: &Site, septet: &Deployment, name: &str) -> Self {
        let mut repository = Repository::new(&site.path(name));
        repository.commit("README.md", "# A repository\n", "Begin");
        let mut devops = DevopsServiceClient::new(septet.channel("devops"));
        let id = register(&mut devops, &repository).await;
        let watched = Self { repository, id, devops };
        let first = watched.repository.git(&["rev-parse", "HEAD"]);
        let release = watched.decided(&first).await;
        assert_eq!(release.state(), ReleaseState::Eligible, "{release:#?}");
        watched
    }

    /// Commits a file; gives what is decided of the change.
    async fn commit(&mut self, file: &str, content: &str) -> Release {
        let commit = self.repository.commit(file, content, &format!("Change {file}"));
        self.decided(&commit).await
    }

    async fn change(&self, commit: &str) -> Change {
        let what = format!("{commit} is a change");
        let page = Some(septet_proto_common::v1::PageRequest { page_size: 1_000, ..Default::default() });
        eventually_in(Deadline::LONG, what, async || {
            let request = ListChangesRequest { repository_id: self.id.clone(), page: page.clone() };
            let listed = self.devops.clone().list_changes(request).await.expect("changes are listed");
            listed.into_inner().changes.into_iter().find(|change| change.commit == commit)
        })
        .await
    }

    async fn release(&self, change_id: &str) -> Option<Release> {
        let request = GetReleaseRequest { change_id: change_id.to_owned() };
        let release = self.devops.clone().get_release(request).await.ok()?.into_inner().release;
        Some(release.expect("a release"))
    }

    /// Waits for a release of which this is true, `awaited` in words.
    async fn when(&self, commit: &str, awaited: &str, is: impl Fn(&Release) -> bool) -> Release {
        let change = self.change(commit).await;
        eventually_in(Deadline::LONG, format!("the release of {commit} {awaited}"), async || {
            self.release(&change.id).await.filter(|release| is(release))
        })
        .await
    }

    /// Waits until every service that has a word about the release has said it.
    async fn decided(&self, commit: &str) -> Release {
        self.when(commit, "is decided", |release| {
            release.state() != ReleaseState::Pending
                && ["review", "docs", "cost", "soc"]
                    .iter()
                    .all(|of| state(release, of) != CheckState::Pending)
        })
        .await
    }

    fn head(&self) -> String {
        self.repository.git(&["rev-parse", "HEAD"])
    }
}

/// What a service says of a release.
fn state(release: &Release, service: &str) -> CheckState {
    let check = release.checks.iter().find(|check| check.service == service);
    check.unwrap_or_else(|| panic!("{service} has no check in {release:#?}")).state()
}

/// The services that stand in a release's way.
fn against(release: &Release) -> BTreeSet<&str> {
    let failed = release.checks.iter().filter(|check| check.state() == CheckState::Failed);
    failed.map(|check| check.service.as_str()).collect()
}

fn is_blocked_by(release: &Release, services: &[&str], reason: &str) {
    assert_eq!(release.state(), ReleaseState::Blocked, "{release:#?}");
    assert_eq!(against(release), services.iter().copied().collect(), "{release:#?}");
    assert!(release.reasons.iter().any(|line| line.contains(reason)), "{reason} is not in {release:#?}");
}

async fn a_change_without_fault_is_eligible_and_all_its_services_say_so(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "eligible").await;
    let release = watched
        .commit("shop/__init__.py", "def price(item):\n    \"\"\"What it costs.\"\"\"\n    return 1\n")
        .await;
    assert_eq!((release.state(), release.reasons.len()), (ReleaseState::Eligible, 0), "{release:#?}");
    for service in ["review", "docs", "cost", "soc"] {
        assert_eq!(state(&release, service), CheckState::Passed, "{release:#?}");
    }
    // No flag is named and no test is asked for, and both say so.
    for service in ["cx", "pipeline"] {
        assert_eq!(state(&release, service), CheckState::Skipped, "{release:#?}");
    }

    let change = watched.change(&watched.head()).await;
    let request = GetJourneyRequest { change_id: change.id };
    let journey = watched.devops.get_journey(request).await.expect("a journey").into_inner();
    let services: BTreeSet<&str> = journey.steps.iter().map(|step| step.service.as_str()).collect();
    assert!(services.is_superset(&["cost", "devops", "docs", "review", "soc"].into()), "{journey:#?}");
    let correlations: BTreeSet<&str> =
        journey.steps.iter().map(|step| step.correlation_id.as_str()).collect();
    let traces: BTreeSet<&str> = journey.steps.iter().map(|step| step.trace_id.as_str()).collect();
    assert_eq!((correlations.len(), traces.len()), (1, 1), "one of each spans the whole: {journey:#?}");
}

async fn a_secret_blocks_and_the_alert_blocks_what_follows_until_it_is_closed(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "secret").await;
    let begin = format!("-----BEGIN {} KEY-----", "PRIVATE");
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7Zx9TqLmVbWcR\n".repeat(3);
    let pem = format!("{begin}\n{body}-----END {} KEY-----\n", "PRIVATE");
    let commit = watched.repository.commit("certs/server.pem", &pem, "Add the server's key");
    let release = watched
        .when(&commit, "is blocked by review and by soc", |release| {
            against(release) == BTreeSet::from(["review", "soc"])
        })
        .await;
    is_blocked_by(&release, &["review", "soc"], "certs/server.pem");

    // What follows is without fault, and the repository is still not safe.
    let commit = watched.repository.commit("README.md", "# The same\n", "Go on");
    let release =
        watched.when(&commit, "is blocked by soc", |release| against(release).contains("soc")).await;
    is_blocked_by(&release, &["soc"], "critical alert is open");

    let mut soc = SocServiceClient::new(septet.channel("soc"));
    let request = ListAlertsRequest {
        repository_id: watched.id.clone(),
        min_level: septet_proto_common::v1::Severity::Critical.into(),
        ..Default::default()
    };
    let alerts = soc.list_alerts(request).await.expect("alerts are listed").into_inner().alerts;
    assert!(!alerts.is_empty());
    for alert in alerts {
        assert_eq!(alert.state(), AlertState::Open);
        assert!(alert.author.contains("a@example.org"), "soc asks devops who made the change: {alert:#?}");
        let request =
            CloseAlertRequest { alert_id: alert.id, reason: "revoked".to_owned(), ..Default::default() };
        soc.close_alert(request).await.expect("it is closed");
    }
    watched.when(&commit, "is eligible", |release| release.state() == ReleaseState::Eligible).await;
}

async fn a_breaking_change_without_a_page_blocks_and_a_page_lets_it_pass(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "breaking").await;
    let two = "def price(item):\n    return 1\n\n\ndef refund(item):\n    return 2\n";
    assert_eq!(watched.commit("shop/__init__.py", two).await.state(), ReleaseState::Eligible);
    let release = watched.commit("shop/__init__.py", "def price(item):\n    return 1\n").await;
    is_blocked_by(&release, &["docs"], "breaking API change without a docs page");

    std::fs::create_dir_all(watched.repository.path().join("docs")).expect("a folder for pages");
    std::fs::write(
        watched.repository.path().join("docs/changes.md"),
        "# What changed\n\nCall `shop.cost` instead of `shop.price`, which is gone.\n",
    )
    .expect("the page is written");
    let release = watched.commit("shop/__init__.py", "def cost(item):\n    return 1\n").await;
    assert_ne!(state(&release, "docs"), CheckState::Pending, "{release:#?}");
    assert!(
        !release.reasons.iter().any(|reason| reason.contains("without a docs page")),
        "the page tells of it: {release:#?}"
    );
}

async fn a_budget_blocks(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "budget").await;
    let mut cost = CostServiceClient::new(septet.channel("cost"));
    let budget = Budget {
        id: format!("budget-{}", watched.id),
        name: "Small".to_owned(),
        monthly: Some(Money { amount: 100, scale: 0, currency: "USD".to_owned() }),
        repository: watched.id.clone(),
        ..Default::default()
    };
    let request = PutBudgetRequest { budget: Some(budget), ..Default::default() };
    cost.put_budget(request).await.expect("the budget is put");

    let compose = |replicas: u32| {
        format!(
            "services:\n  web:\n    image: shop:1\n    deploy:\n      replicas: {replicas}\n      resources:\n        reservations:\n          cpus: \"1\"\n          memory: 2G\n"
        )
    };
    let release = watched.commit("compose.yaml", &compose(1)).await;
    assert_eq!(state(&release, "cost"), CheckState::Passed, "{release:#?}");
    let release = watched.commit("compose.yaml", &compose(40)).await;
    is_blocked_by(&release, &["cost"], "100");
}

async fn a_breached_guardrail_blocks(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "guardrail").await;
    let experiment = format!("test-{}", watched.id);
    let mut cx = CxServiceClient::new(septet.channel("cx"));
    let rule = json!({
        "key": experiment, "variations": ["old", "new"], "hashVersion": 2,
        "meta": [{"key": "control"}, {"key": "treatment"}],
    });
    let request = PutFeatureRequest {
        key: experiment.clone(),
        definition: Some(object(json!({"defaultValue": "old", "rules": [rule]}))),
        ..Default::default()
    };
    cx.put_feature(request).await.expect("the flag is put");
    let guardrail = Guardrail { direction: Direction::LowerIsBetter.into(), allowed_worsening: 0.1 };
    let metric = Metric {
        name: "errors".to_owned(),
        event: "error".to_owned(),
        kind: MetricKind::Proportion.into(),
        guardrail: Some(guardrail),
    };
    let request = PutExperimentRequest {
        experiment_id: experiment.clone(),
        flag_key: experiment.clone(),
        metrics: vec![metric],
        min_units: 10,
        ..Default::default()
    };
    cx.put_experiment(request).await.expect("the experiment is put");

    let settings = format!("[release]\nflags = [\"{experiment}\"]\n");
    let release = watched.commit(".septet.toml", &settings).await;
    assert_eq!(state(&release, "cx"), CheckState::Passed, "{release:#?}");

    // Of those who see the new variation, all have errors; of the others, two.
    let mut activities = Vec::new();
    for (variation, failing) in [("control", 2), ("treatment", 30)] {
        for number in 0..30 {
            let unit = format!("{experiment}-{variation}-{number}");
            let exposure = activity(&unit, ActivityKind::Exposure, &experiment, 60);
            activities.push(ActivitySubmitted { variation: variation.to_owned(), ..exposure });
            if number < failing {
                activities.push(activity(&unit, ActivityKind::Event, "error", 30));
            }
        }
    }
    let requests = activities.into_iter().map(|activity| IngestActivityRequest { activity: Some(activity) });
    let reply = cx.ingest_activity(futures_util::stream::iter(requests)).await.expect("they are taken");
    assert_eq!(reply.into_inner().rejections, []);
    eventually_in(Deadline::LONG, "the activities count", async || {
        let request = GetResultsRequest { experiment_id: experiment.clone() };
        let result = cx.clone().get_results(request).await.expect("results").into_inner().result?;
        (result.units.iter().map(|of| of.units).sum::<u64>() == 60).then_some(())
    })
    .await;
    let commit = watched.head();
    let release = watched.when(&commit, "is blocked by cx", |release| !against(release).is_empty()).await;
    is_blocked_by(&release, &["cx"], &experiment);
    let release = watched.commit("README.md", "# Behind the same flag\n").await;
    is_blocked_by(&release, &["cx"], &experiment);
}

async fn tests_run_where_a_repository_asks_for_them(site: &Site) {
    let septet = site.septet().await;
    let mut watched = Watched::new(site, &septet, "tests").await;
    watched.commit(".septet.toml", "[pipeline]\nrun_tests = true\n").await;
    let commit = watched.head();
    let release = watched
        .when(&commit, "has its tests' word", |release| state(release, "pipeline") != CheckState::Pending)
        .await;
    assert_eq!(state(&release, "pipeline"), CheckState::Skipped, "there are no tests: {release:#?}");

    watched.commit("package.json", "{\"name\": \"shop\", \"version\": \"1.0.0\", \"private\": true}\n").await;
    for (expected, condition) in [(CheckState::Passed, "1 + 1 === 2"), (CheckState::Failed, "1 + 1 === 3")] {
        let test = format!(
            "const test = require('node:test');\nconst assert = require('node:assert');\ntest('sums', () => assert.ok({condition}));\n"
        );
        let commit = watched.repository.commit("sum.test.js", &test, "Test sums");
        let release = watched
            .when(&commit, "has its tests' word", |release| state(release, "pipeline") != CheckState::Pending)
            .await;
        assert_eq!(state(&release, "pipeline"), expected, "{release:#?}");
        let state = match expected {
            CheckState::Passed => ReleaseState::Eligible,
            _ => ReleaseState::Blocked,
        };
        assert_eq!(release.state(), state, "{release:#?}");
    }
}

async fn a_service_that_was_away_catches_up(site: &Site) {
    if site.topology != Topology::ServicesOnServers {
        // One process is away as a whole; `history::a_run_that_is_killed_at_any_moment` has that.
        return;
    }
    let mut septet = site.septet_alone().await;
    let mut watched = Watched::new(site, &septet, "away").await;
    septet.kill("docs-0");
    let commit = watched.repository.commit("shop/__init__.py", "def price(item):\n    return 1\n", "Sell");
    let release = watched
        .when(&commit, "waits for docs alone", |release| {
            ["review", "cost", "soc"].iter().all(|of| state(release, of) != CheckState::Pending)
        })
        .await;
    assert_eq!(release.state(), ReleaseState::Pending, "{release:#?}");
    assert_eq!(release.reasons, ["docs: has not answered yet"], "{release:#?}");
    septet.start("docs-0");
    septet.ready().await;
    let release = watched.decided(&commit).await;
    assert_eq!(release.state(), ReleaseState::Eligible, "{release:#?}");
}

/// What a unit did, so many seconds ago.
fn activity(unit: &str, kind: ActivityKind, name: &str, ago: u64) -> ActivitySubmitted {
    ActivitySubmitted {
        unit_id: unit.to_owned(),
        event_id: name.to_owned(),
        kind: kind.into(),
        name: name.to_owned(),
        time: Some((SystemTime::now() - Duration::from_secs(ago)).into()),
        ..Default::default()
    }
}
