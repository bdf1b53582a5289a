//! Servers that end at once, under load, and come back: nothing is lost, nothing happens twice, keys keep their order,
//! and work goes on soon after.

use std::time::{Duration, Instant};

use septet_e2e::{Deployment, Servers};
use septet_servers::{Life, Server};
use septet_testkit::evidence::Workspace;
use tokio::task::block_in_place;

use crate::{
    kills::moment,
    support::{load::Load, report::Report, size::Size},
};

/// How soon work is to go on once a server answers again. A slow machine may take longer, so no test fails by it.
const RECOVERY: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn kafka_killed_loses_and_doubles_nothing() {
    outages("kafka", Size::or_smoke(6_000, 2), |servers| &mut servers.kafka, Watch::Reviews).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stopped_at_once_loses_and_doubles_nothing() {
    outages("postgres", Size::or_smoke(6_000, 3), |servers| &mut servers.postgres, Watch::Reviews).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_killed_loses_and_doubles_nothing() {
    outages("rabbitmq", Size::or_smoke(6_000, 2), |servers| &mut servers.rabbitmq, Watch::Changes).await;
}

/// What stands still while the server is away.
#[derive(Clone, Copy)]
enum Watch {
    /// Reviews of events.
    Reviews,
    /// Changes, which jobs import.
    Changes,
}

async fn outages(name: &str, size: Size, of: impl Fn(&mut Servers) -> &mut Server, watch: Watch) {
    let workspace = Workspace::new(&format!("faults::{name}"));
    let Some(mut servers) = Servers::start(&workspace) else { return };
    let mut deployment = Deployment::services_on(&workspace.path().join("septet"), &servers, 2).up().await;
    let load = Load::start(&deployment, &workspace, size).await;
    let mut random = workspace.random();
    let (mut away, mut recoveries, mut crashes) = (Vec::new(), Vec::new(), 0);
    for outage in 0..size.faults {
        load.reaches(moment(outage, size, &mut random)).await;
        let server = of(&mut servers);
        let began = Instant::now();
        block_in_place(|| {
            server.kill().expect("the server is killed");
            server.start(Life::WithParent).expect("the server starts again");
        });
        away.push(began.elapsed());
        recoveries.push(match watch {
            Watch::Reviews => load.next_effect().await,
            Watch::Changes => load.next_change().await,
        });
        crashes += deployment.start_crashed();
    }
    let ended = load.finish().await;
    crashes += deployment.start_crashed();
    deployment.ready().await;
    let mut report = Report::new(name);
    report.figure("outages", size.faults as f64, "");
    report.figure("processes that librdkafka crashed", crashes as f64, "");
    report.times("kill of the server to its answer", away, None);
    report.times("its answer to the next effect", recoveries, Some(RECOVERY));
    ended.check(&deployment, &workspace, report).await;
}
