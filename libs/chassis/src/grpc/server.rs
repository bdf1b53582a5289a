use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
};
use http::Response;
use septet_contract::Catalog;
use septet_telemetry::grpc::{KnownMethods, ServerTraceLayer};
use tonic::{
    Code,
    service::{Routes, RoutesBuilder},
    transport::Server,
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower_http::catch_panic::CatchPanicLayer;

use super::{Bounds, Calls, Incoming};
use crate::{
    auth::{Auth, authorise},
    error::fault,
};

/// What every call passes on its way to a service, outermost first: trace, panic guard, calls in flight, bounds,
/// identity and roles.
pub(crate) struct Stack {
    pub auth: Auth,
    pub bounds: Bounds,
    pub calls: Arc<Calls>,
}

impl Stack {
    /// Puts the layers around the routes.
    pub fn wrap(self, routes: Routes, methods: KnownMethods) -> Router {
        routes
            .prepare()
            .into_axum_router()
            // One layer of three: each layer of axum's makes a copy of what is within it, for each call.
            .layer(from_fn_with_state(Arc::new(self), Self::pass))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(ServerTraceLayer::new(methods))
    }

    async fn pass(State(stack): State<Arc<Self>>, request: Request, next: Next) -> axum::response::Response {
        let allowed = |request| authorise(&stack.auth, request, next);
        stack.calls.follow(stack.bounds.apply(request, allowed)).await
    }
}

/// One call's panic is that call's failure. The payload may hold data, so it goes nowhere; the panic hook has logged where.
#[allow(clippy::needless_pass_by_value)] // tower-http's signature
fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    fault(Code::Internal, "SEPTET-0025", "call", "an internal error; the log says more", "").into_http()
}

/// Health for gRPC probes: of the process under the empty name, of what it depends on under `log`, `queue` and `store`, of
/// each service under its full name.
#[derive(Clone)]
pub(crate) struct Health {
    reporter: HealthReporter,
    /// Full names by the service that has them.
    names: Arc<[(&'static str, String)]>,
}

impl Health {
    /// Adds gRPC health and reflection to the routes. Not serving until told otherwise.
    pub async fn register(routes: &mut RoutesBuilder, catalog: &Catalog) -> anyhow::Result<Self> {
        let (reporter, server) = tonic_health::server::health_reporter();
        routes.add_service(server);
        let mut reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let mut alpha = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let mut names = Vec::new();
        for contract in catalog.contracts() {
            reflection = reflection.register_encoded_file_descriptor_set(contract.descriptors);
            alpha = alpha.register_encoded_file_descriptor_set(contract.descriptors);
            let services = (contract.pool)().services();
            names.extend(services.map(|service| (contract.service, service.full_name().to_owned())));
        }
        routes.add_service(reflection.build_v1()?);
        routes.add_service(alpha.build_v1alpha()?);
        let health = Self { reporter, names: names.into() };
        health.set_all(false).await;
        Ok(health)
    }

    /// Tells probes of everything whether to send calls here.
    pub async fn set_all(&self, serving: bool) {
        for name in ["", "log", "queue", "store"] {
            self.set_name(name, serving).await;
        }
        for (_, name) in self.names.iter() {
            self.set_name(name, serving).await;
        }
    }

    /// Tells probes of one service.
    pub async fn set_service(&self, service: &str, serving: bool) {
        for (_, name) in self.names.iter().filter(|(of, _)| *of == service) {
            self.set_name(name, serving).await;
        }
    }

    /// Tells probes of one name.
    pub async fn set_name(&self, name: &str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(name, status).await;
    }
}

/// Serves until the drain, then lets the calls in flight finish.
pub(crate) async fn serve(incoming: Incoming, router: Router, calls: Arc<Calls>) -> anyhow::Result<()> {
    let serve = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .max_concurrent_streams(1_024)
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(incoming, calls.stop().cancelled_owned());
    tokio::select! {
        served = serve => Ok(served?),
        // It would wait for connections on which nothing was ever said.
        () = calls.finished() => Ok(()),
    }
}
