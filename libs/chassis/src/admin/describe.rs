use septet_proto_common::v1::{
    DescribeResponse, EventDescription, JobDescription, RpcDescription, ServiceDescription,
};

use crate::started::{Running, Shared};

/// What every service of the process consumes, publishes and serves.
pub(super) fn describe(shared: &Shared) -> DescribeResponse {
    DescribeResponse { services: shared.services.iter().map(|running| one(shared, running)).collect() }
}

fn one(shared: &Shared, running: &Running) -> ServiceDescription {
    let contract = running.contract;
    let consumes = running
        .handlers
        .handled()
        .into_iter()
        .filter_map(|(name, replayable)| {
            shared.catalog.event(name).map(|event| EventDescription {
                r#type: name.to_owned(),
                topic: event.topic.name.to_owned(),
                key: event.key.to_owned(),
                replayable,
            })
        })
        .collect();
    let publishes = contract
        .events
        .iter()
        // What comes in by an ingest topic is published by others.
        .filter(|event| !event.topic.ingest)
        .map(|event| EventDescription {
            r#type: event.r#type.to_owned(),
            topic: event.topic.name.to_owned(),
            key: event.key.to_owned(),
            replayable: false,
        })
        .collect();
    ServiceDescription {
        name: contract.service.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        consumes,
        publishes,
        works: contract
            .jobs
            .iter()
            .map(|job| JobDescription {
                r#type: job.r#type.to_owned(),
                queue: job.queue.to_owned(),
                max_attempts: job.max_attempts,
            })
            .collect(),
        serves: contract
            .rpcs
            .iter()
            .map(|rpc| RpcDescription {
                method: rpc.path.to_owned(),
                roles: rpc.roles.iter().map(|role| (*role).to_owned()).collect(),
            })
            .collect(),
        calls: running.calls.clone(),
        config: shared.source.print_service(contract.service),
    }
}
