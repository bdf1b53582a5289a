use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics::gauge;
use septet_telemetry::metrics::names;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::started::Shared;

/// How long a dependency may take to answer a probe.
const PROBE: Duration = Duration::from_secs(2);
/// How often figures are brought up to date that nobody pushes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves `/healthz` (the process lives), `/readyz` (its dependencies answer, and it is not draining) and `/metrics`.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|State(probe): State<Probe>| async move { probe.shared.prometheus.render() }))
        .with_state(Probe { shared: Arc::clone(&shared), stop: stop.clone() });
    let upkeep = upkeep(&shared, &stop);
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let serve = async {
        tokio::select! {
            served = serve.into_future() => served,
            // It would wait for connections on which nothing was ever said.
            () = async { stop.cancelled().await; tokio::time::sleep(PROBE).await } => Ok(()),
        }
    };
    let (served, ()) = tokio::join!(serve, upkeep);
    Ok(served?)
}

#[derive(Clone)]
struct Probe {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// Ready, or a line for each dependency that does not answer.
async fn ready(State(probe): State<Probe>) -> (StatusCode, String) {
    if probe.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned());
    }
    let shared = &probe.shared;
    let mut problems = Vec::new();
    if let Some(problem) = probed("log", shared.log.ping()).await {
        problems.push(problem);
    }
    if let Some(problem) = probed("queue", shared.queue.ping()).await {
        problems.push(problem);
    }
    for service in &shared.services {
        if let Some(problem) = probed(service.contract.service, service.units.store().ping()).await {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, problems.concat())
    }
}

async fn probed<E: std::fmt::Display>(
    what: &str,
    ping: impl Future<Output = Result<(), E>>,
) -> Option<String> {
    match tokio::time::timeout(PROBE, ping).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{what}: {error}\n")),
        Err(_elapsed) => Some(format!("{what}: no answer within {PROBE:?}\n")),
    }
}

async fn upkeep(shared: &Shared, stop: &CancellationToken) {
    let rounds = async {
        loop {
            shared.prometheus.run_upkeep();
            observe_queues(shared).await;
            tokio::time::sleep(UPKEEP).await;
        }
    };
    // A queue that does not answer must not hold up the drain.
    tokio::select! {
        () = stop.cancelled() => {}
        () = rounds => {}
    }
}

async fn observe_queues(shared: &Shared) {
    for service in &shared.services {
        for job in service.contract.jobs {
            if let Ok(depth) = shared.queue.depth(job.queue).await {
                gauge!(names::JOBS_PENDING, "service" => service.contract.service, "queue" => job.queue)
                    .set((depth.ready + depth.delayed) as f64);
            }
        }
    }
}
