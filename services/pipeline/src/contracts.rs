//! The contracts of the suite: which RPCs a task may call, and which events there are.

use std::sync::LazyLock;

use prost_reflect::MethodDescriptor;
use septet_chassis::contract::{Catalog, EventSpec};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::new([
        &septet_proto_devops::CONTRACT,
        &septet_proto_docs::CONTRACT,
        &septet_proto_cost::CONTRACT,
        &septet_proto_review::CONTRACT,
        &septet_proto_pipeline::CONTRACT,
        &septet_proto_cx::CONTRACT,
        &septet_proto_soc::CONTRACT,
    ])
});

/// The sisters that a `grpc` task may call.
pub(crate) const SISTERS: [&str; 6] = ["devops", "docs", "cost", "review", "cx", "soc"];

/// The RPC with this name: `cost.GetForecast`, or in full with a dot or slash before the method.
pub(crate) fn method(name: &str) -> Result<MethodDescriptor, String> {
    let missing = || format!("there is no RPC `{name}` of a sister service; `septet call` lists them");
    let (service, method) = name.trim_start_matches('/').rsplit_once(['.', '/']).ok_or_else(missing)?;
    let found = CATALOG
        .contracts()
        .filter(|contract| SISTERS.contains(&contract.service))
        .flat_map(|contract| (contract.pool)().services().filter(|of| is_of(of, contract.service)))
        .filter(|known| known.full_name() == service || short(known.full_name()) == service)
        .flat_map(|known| known.methods().collect::<Vec<_>>())
        .find(|known| known.name() == method)
        .ok_or_else(missing)?;
    if found.is_client_streaming() {
        return Err(format!("`{name}` takes a stream of requests, which a task cannot send"));
    }
    Ok(found)
}

/// A contract's pool holds what it imports, too.
fn is_of(service: &prost_reflect::ServiceDescriptor, domain: &str) -> bool {
    service.parent_file().package_name() == format!("septet.{domain}.v1")
}

/// `cost` for `septet.cost.v1.CostService`.
fn short(full_name: &str) -> &str {
    full_name.split('.').nth(1).unwrap_or_default()
}

/// The short name of the service that has this RPC.
pub(crate) fn service_of(method: &MethodDescriptor) -> String {
    short(method.parent_service().full_name()).to_owned()
}

/// The HTTP path of this RPC.
pub(crate) fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// The event type with this full name.
pub(crate) fn event(name: &str) -> Result<&'static EventSpec, String> {
    CATALOG
        .event(name)
        .filter(|event| HEARD.contains(&event.r#type))
        .ok_or_else(|| format!("`{name}` is no event that pipelines hear; there are {}", HEARD.join(", ")))
}

/// Names the events that pipelines hear, and registers a handler for each: the one list of them.
macro_rules! heard {
    ($($event:path),+ $(,)?) => {
        /// Full names of the events that trigger runs and end waits.
        pub(crate) const HEARD: &[&str] = &[$(<$event as septet_chassis::contract::Message>::TYPE),+];

        /// Registers the handlers.
        pub(crate) fn hear(
            service: septet_chassis::Service<crate::Pipelines>,
        ) -> septet_chassis::Service<crate::Pipelines> {
            service$(.on::<$event>())+
        }
    };
}

heard!(
    septet_proto_devops::v1::ChangePushed,
    septet_proto_devops::v1::ReleaseDecided,
    septet_proto_review::v1::ReviewCompleted,
    septet_proto_docs::v1::ApiExtracted,
    septet_proto_docs::v1::DocsChecked,
    septet_proto_cost::v1::BudgetExceeded,
    septet_proto_cost::v1::CostEstimated,
    septet_proto_cx::v1::ExperimentConcluded,
    septet_proto_cx::v1::GuardrailBreached,
    septet_proto_soc::v1::AlertRaised,
    septet_proto_soc::v1::ChangeAssessed,
    septet_proto_pipeline::v1::EventEmitted,
    septet_proto_pipeline::v1::RunFinished,
);
