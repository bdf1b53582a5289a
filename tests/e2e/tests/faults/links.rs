//! Each link between the parts, with each thing that networks do to links, under load: nothing is lost, nothing happens
//! twice, keys keep their order, no call takes longer than its deadline, and none becomes a flood of calls.

mod callers;
mod metrics;
pub mod traffic;

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use septet_e2e::{Deployment, Servers};
use septet_servers::Life;
use septet_testkit::{
    evidence::Workspace,
    proxy::{Fault, FaultProxy},
};
use tokio::{task::block_in_place, time::sleep};

use crate::support::{report::Report, size::is_full};
use metrics::Metrics;
use traffic::Traffic;

/// What is done to each link: all of it in a full run, the first ones in a small one.
const FAULTS: [(&str, Fault); 5] = [
    ("reset", Fault::Reset),
    ("blackhole", Fault::Blackhole),
    ("half-open", Fault::HalfOpen),
    ("500 ms later", Fault::Delay(Duration::from_millis(500))),
    ("1 KiB/s", Fault::Throttle(1024)),
];
const SMOKE: usize = 2;

/// Calls that reach a service for each one that was asked for, at most.
const AMPLIFICATION: f64 = 1.2;

/// How long one call may take.
const DEADLINE: Duration = Duration::from_secs(3);

/// From whom to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Services to PostgreSQL.
    Postgres,
    /// Services to Kafka.
    Kafka,
    /// Services to RabbitMQ.
    Rabbitmq,
    /// Callers outside to review.
    Callers,
    /// Review to devops, which has the diffs that are too large for an event.
    Devops,
}

#[tokio::test(flavor = "multi_thread")]
async fn services_to_postgres() {
    disturb(Link::Postgres, "links-postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_to_kafka() {
    disturb(Link::Kafka, "links-kafka").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_to_rabbitmq() {
    disturb(Link::Rabbitmq, "links-rabbitmq").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_to_review() {
    disturb(Link::Callers, "links-callers").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn review_to_devops() {
    disturb(Link::Devops, "links-devops").await;
}

async fn disturb(link: Link, name: &str) {
    let workspace = Workspace::new(&format!("faults::{name}"));
    let Some(servers) = Servers::start(&workspace) else { return };
    let (faults, lasts) = if is_full() { (FAULTS.len(), 15) } else { (SMOKE, 5) };
    let (deployment, _servers, proxy) = deploy(link, servers, &workspace).await;
    let review = match link {
        Link::Callers => proxy.address(),
        _ => deployment.addresses("review")[0],
    };
    let traffic = Traffic::start(&deployment, &workspace, &format!("http://{review}"), DEADLINE).await;
    let mut report = Report::new(name);
    for (what, fault) in &FAULTS[..faults] {
        traffic.next(link).await;
        proxy.set(*fault);
        sleep(Duration::from_secs(lasts)).await;
        proxy.set(Fault::None);
        let recovery = traffic.next(link).await;
        report.figure(
            &format!("{what} for {lasts} s: its end to the next effect"),
            recovery.as_secs_f64(),
            "s",
        );
    }
    let (ended, told) = traffic.finish().await;
    let reached = Metrics::of(&deployment, "review-0").await.served("ReviewDiff");
    report.at_most("calls by calls asked for", reached / told.asked as f64, "", AMPLIFICATION);
    let asked = Metrics::of(&deployment, "review-0").await.called("GetDiff");
    let reached = Metrics::of(&deployment, "devops-0").await.served("GetDiff");
    report.at_most("calls of review to devops by calls asked for", reached / asked, "", AMPLIFICATION);
    told.report(&mut report);
    ended.check(&deployment, &workspace, report).await;
    told.check();
}

/// Septet on real servers, with a proxy in the link.
async fn deploy(
    link: Link,
    mut servers: Servers,
    workspace: &Workspace,
) -> (Deployment, Servers, FaultProxy) {
    let mut port = 0;
    if link == Link::Kafka {
        port = free_port();
        servers = block_in_place(|| advertising(servers, port));
    }
    let deployment = Deployment::services_on(&workspace.path().join("septet"), &servers, 1);
    let end = match link {
        Link::Postgres => servers.postgres.address(),
        Link::Kafka => servers.kafka.behind(),
        Link::Rabbitmq => servers.rabbitmq.address(),
        Link::Callers => deployment.addresses("review")[0],
        Link::Devops => deployment.addresses("devops")[0],
    };
    let proxy = FaultProxy::start_on(port, end).await.expect("a proxy");
    let by = proxy.address();
    let deployment = match link {
        Link::Postgres => deployment.postgres(by),
        Link::Kafka => deployment.kafka(by),
        Link::Rabbitmq => deployment.rabbitmq(by),
        Link::Callers => deployment,
        Link::Devops => deployment.setting("clients.urls.devops", &format!("\"http://{by}\"")),
    };
    (deployment.up().await, servers, proxy)
}

/// Brokers tell clients where they are: the proxy's port must be what they tell.
fn advertising(servers: Servers, port: u16) -> Servers {
    let Servers { mut kafka, postgres, rabbitmq } = servers;
    kafka.stop().expect("Kafka ends");
    let mut kafka = kafka.advertise(port);
    kafka.start(Life::WithParent).expect("Kafka starts again");
    Servers { kafka, postgres, rabbitmq }
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    free.local_addr().expect("an address").port()
}
