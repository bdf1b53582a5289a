//! Processes that end at once, at any moment: nothing is lost, nothing happens twice, keys keep their order.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use septet_e2e::{Deployment, Servers};
use septet_testkit::evidence::Workspace;

use crate::support::{load::Load, report::Report, size::Size};

/// Share of the kills that seek out the replica that sends a service's outbox.
const RELAYS: f64 = 0.4;

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_and_double_nothing_and_keep_the_order() {
    let workspace = Workspace::new("faults::kills");
    let Some(servers) = Servers::start(&workspace) else { return };
    let size = Size::or_smoke(20_000, 10);
    let mut deployment = Deployment::services_on(&workspace.path().join("septet"), &servers, 2).up().await;
    let load = Load::start(&deployment, &workspace, size).await;
    let mut random = workspace.random();
    let mut relays = 0;
    for kill in 0..size.faults {
        load.reaches(moment(kill, size, &mut random)).await;
        let (name, sends) = victim(&deployment, &load, &mut random).await;
        relays += u64::from(sends);
        deployment.kill(&name);
        deployment.start(&name);
    }
    let ended = load.finish().await;
    deployment.ready().await;
    let mut report = Report::new("kills");
    report.figure("kills", size.faults as f64, "");
    report.figure("kills of a relay that held its lease", relays as f64, "");
    ended.check(&deployment, &workspace, report).await;
}

/// When the next fault comes, in effects seen: spread over the whole load, each at random within its share.
pub fn moment(fault: u64, size: Size, random: &mut StdRng) -> u64 {
    let share = size.events / (size.faults + 1);
    share * fault + random.random_range(share / 4..=share)
}

/// Any process, or one that sends an outbox now; true if it is such a one.
async fn victim(deployment: &Deployment, load: &Load, random: &mut StdRng) -> (String, bool) {
    let mut sending = Vec::new();
    for (service, database, lane) in [
        ("review", &load.review, "event"),
        ("devops", &load.devops, "event"),
        ("devops", &load.devops, "job"),
    ] {
        let Some(owner) = database.relay_owner(lane).await else { continue };
        let holds = |name: &String| {
            name.starts_with(service) && owner.starts_with(&format!("{}-", deployment.pid(name)))
        };
        sending.extend(deployment.names().into_iter().find(holds));
    }
    let seeks = random.random_bool(RELAYS);
    let relay = sending.choose(random).filter(|_| seeks).cloned();
    let name = relay.unwrap_or_else(|| deployment.names().choose(random).cloned().unwrap_or_default());
    let sends = sending.contains(&name);
    (name, sends)
}
