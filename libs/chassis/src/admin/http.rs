use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics::gauge;
use septet_telemetry::metrics::{Prometheus, names};
use tokio_util::sync::CancellationToken;
use tower::service_fn;

use crate::{grpc::Incoming, pages::Pages, readiness::Readiness, started::Shared};

/// How long the last answers have to leave.
const FLUSH: Duration = Duration::from_millis(500);
/// How often figures are brought up to date that nobody pushes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves `/livez` (the process lives, whatever it depends on), `/readyz` (it can do its work) and `/metrics`, from the
/// first moment to the last; every other path is for the process's pages, where it has some.
pub(crate) async fn serve(
    incoming: Incoming,
    readiness: Arc<Readiness>,
    prometheus: Prometheus,
    pages: Option<Pages>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(|State(prometheus): State<Prometheus>| async move { prometheus.render() }))
        .with_state(prometheus);
    let router = match pages {
        Some(pages) => router.fallback_service(service_fn(move |request| pages.clone().answer(request))),
        None => router,
    };
    let serve = axum::serve(incoming, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = serve.into_future() => served,
        // It would wait for connections on which nothing was ever said.
        () = async { stop.cancelled().await; tokio::time::sleep(FLUSH).await } => Ok(()),
    }
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> (StatusCode, String) {
    let (ready, lines) = readiness.told();
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, lines)
}

/// Keeps figures up to date until the drain.
pub(crate) async fn upkeep(shared: &Shared, stop: &CancellationToken) {
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
