//! What a process says of itself while something that it needs is away, at the start and later.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use septet_chassis::{Mode, Process, Started};
use septet_testkit::{
    Deadline, eventually,
    evidence::Workspace,
    proxy::{Fault, FaultProxy},
    servers, within,
};
use tokio::{net::TcpStream, task::JoinHandle};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    fixture::{configured, get, process, review},
    probe::Script,
};

/// A port that nobody has.
async fn free() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    listener.local_addr().expect("an address")
}

async fn ready(admin: SocketAddr) -> Option<(bool, String)> {
    let (status, body) = get(admin, "/readyz").await.ok()?;
    Some((status.contains("200"), body))
}

fn start(workspace: &Workspace, config: &str) -> JoinHandle<anyhow::Result<Started>> {
    let process: Process = process(&Arc::<Script>::default());
    let source = process.source(Some(&configured(workspace, config))).expect("a configuration");
    tokio::spawn(process.start(source, Mode::Serve))
}

/// An empty database, and the way to it that can be cut.
async fn database() -> Option<(FaultProxy, String)> {
    let url = servers::postgres().await?.create_database().await;
    let (before, name) = url.rsplit_once('/').expect("a database");
    let host = before.rsplit(['@', '/']).next().expect("a host");
    let proxy = FaultProxy::start(host.parse().expect("an address")).await.expect("a proxy");
    let through = format!("{}{}/{name}", before.strip_suffix(host).expect("its end"), proxy.address());
    Some((proxy, through))
}

fn settings(grpc: SocketAddr, admin: SocketAddr, url: &str) -> String {
    format!(
        "[grpc]\nlisten = \"{grpc}\"\n[admin]\nlisten = \"{admin}\"\n[store]\nurl = \"{url}\"\nacquire_timeout_secs = 1"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_is_waited_for_at_the_start_and_later() {
    let Some((proxy, url)) = database().await else { return };
    let workspace = Workspace::new("chassis::readiness::store");
    let (grpc, admin) = (free().await, free().await);
    let config = settings(grpc, admin, &url);
    let migrating = process(&Arc::<Script>::default());
    let source = migrating.source(Some(&configured(&workspace, &config))).expect("a configuration");

    proxy.set(Fault::Reset);
    let error = migrating.migrate(&source, Duration::from_secs(2)).await.expect_err("it is away");
    assert!(format!("{error:#}").contains("not available"), "{error:#}");
    let starting = start(&workspace, &config);
    eventually("it says what it waits for", async || {
        let (ready, body) = ready(admin).await?;
        (!ready && body.contains("starting") && body.contains("store of review: ")).then_some(())
    })
    .await;
    let (live, _) = get(admin, "/livez").await.expect("answered");
    assert!(live.contains("200"), "waiting is no reason to be killed: {live}");
    TcpStream::connect(grpc).await.expect_err("callers go elsewhere");
    assert!(!starting.is_finished());

    proxy.set(Fault::None);
    // Who migrates waits as well, and so the schema comes in time or too late: then a start says so.
    let first = within(Deadline::LONG, "the start", starting).await.expect("no panic");
    let error = first.err().expect("the schema is missing");
    assert!(format!("{error:#}").contains("run `migrate`"), "{error:#}");
    migrating.migrate(&source, Deadline::SHORT).await.expect("migrated");

    proxy.set(Fault::Reset);
    let starting = start(&workspace, &config);
    eventually("it waits", async || ready(admin).await.filter(|(ready, _)| !ready).map(drop)).await;
    proxy.set(Fault::None);
    let started = within(Deadline::LONG, "the start", starting).await.expect("no panic").expect("started");
    assert_eq!(ready(admin).await, Some((true, "ready\n".to_owned())));

    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{grpc}")).expect("a URL").connect_lazy();
    let health = async |name: &str| {
        let request = HealthCheckRequest { service: name.to_owned() };
        HealthClient::new(channel.clone()).check(request).await.expect("told").into_inner().status()
    };
    assert_eq!(health("").await, ServingStatus::Serving);
    proxy.set(Fault::Blackhole);
    eventually("it is named", async || {
        let (ready, body) = ready(admin).await?;
        (!ready && body.starts_with("store of review: ") && body.lines().count() == 1).then_some(())
    })
    .await;
    for name in ["", "store", "septet.review.v1.ReviewService"] {
        eventually(name, async || (health(name).await == ServingStatus::NotServing).then_some(())).await;
    }
    assert_eq!(health("log").await, ServingStatus::Serving);
    // Other tests of this process have the same series, and set it to what they find.
    eventually("metrics say so", async || {
        let (_, metrics) = get(admin, "/metrics").await.expect("answered");
        let store = |line: &&str| line.starts_with("dependency_up{") && line.contains("dependency=\"store\"");
        metrics.lines().find(store).is_some_and(|line| line.ends_with(" 0")).then_some(())
    })
    .await;
    let (live, _) = get(admin, "/livez").await.expect("answered");
    assert!(live.contains("200"), "{live}");

    proxy.set(Fault::None);
    eventually("it goes on", async || ready(admin).await.filter(|(ready, _)| *ready).map(drop)).await;
    review(started.channel(), "any").await.expect("answered");
    started.drain().await.expect("drained");
}

#[tokio::test]
async fn a_wrong_configuration_is_not_waited_for() {
    let Some((_proxy, url)) = database().await else { return };
    let workspace = Workspace::new("chassis::readiness::wrong");
    let absent = format!("{url}_not");
    let config = settings(free().await, free().await, &absent);
    let ended = within(Deadline::SHORT, "the end", start(&workspace, &config)).await.expect("no panic");
    let message = format!("{:#}", ended.err().expect("refused"));
    assert!(message.contains("does not exist") && !message.contains('\n'), "{message}");
}

#[tokio::test]
async fn topics_are_applied_without_a_server() {
    let workspace = Workspace::new("chassis::readiness::topics");
    let process = process(&Arc::<Script>::default());
    let source = process.source(Some(&configured(&workspace, ""))).expect("a configuration");
    let applied = process.apply_topics(&source, Duration::ZERO).await.expect("applied");
    for topic in ["review.review.v1", "devops.change.v1", "review.dlq", "review.redrive"] {
        assert!(applied.created.iter().any(|created| created == topic), "{topic} in {applied:?}");
    }
    let again = process.apply_topics(&source, Duration::ZERO).await.expect("applied");
    assert!(again.created.is_empty() && again.widened.is_empty(), "{again:?}");
}
