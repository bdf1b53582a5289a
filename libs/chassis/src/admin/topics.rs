use std::collections::BTreeMap;

use septet_contract::Contract;
use septet_messaging::log::{KeptRange, LogError, TopicState};
use septet_proto_common::v1::{ApplyTopicsResponse, GroupLag, ListTopicsResponse, Partition, Topic};
use tonic::{Code, Status};

use crate::{backends, error::fault, started::Shared};

/// Every topic of the log with the lag of each service that reads it.
pub(super) async fn list(shared: &Shared) -> Result<ListTopicsResponse, Status> {
    let mut topics = Vec::new();
    for state in shared.log.topics().await.map_err(|error| of_log(&error))? {
        let groups = lags(shared, &state).await.map_err(|error| of_log(&error))?;
        let partitions = state
            .partitions
            .iter()
            .zip(0..)
            .map(|(range, partition)| Partition { partition, start: range.start, end: range.end })
            .collect();
        topics.push(Topic { name: state.name, partitions, groups });
    }
    Ok(ListTopicsResponse { topics })
}

/// Creates and widens topics as the contracts of this process declare them.
pub(super) async fn apply(shared: &Shared) -> Result<ApplyTopicsResponse, Status> {
    let contracts: Vec<&'static Contract> = shared.services.iter().map(|running| running.contract).collect();
    let wanted = backends::topics(&shared.catalog, &contracts);
    let applied = shared.log.apply_topics(&wanted).await.map_err(|error| of_log(&error))?;
    Ok(ApplyTopicsResponse { created: applied.created, widened: applied.widened })
}

async fn lags(shared: &Shared, state: &TopicState) -> Result<Vec<GroupLag>, LogError> {
    let mut groups = Vec::new();
    for running in &shared.services {
        let group = running.contract.service;
        let redrive = septet_messaging::redrive_topic(group);
        if state.name == redrive || running.handlers.topics().contains(&state.name) {
            let committed: BTreeMap<i32, i64> =
                shared.log.committed(group, &state.name).await?.into_iter().collect();
            let records = state
                .partitions
                .iter()
                .zip(0..)
                .map(|(range, partition)| behind(*range, committed.get(&partition).copied()))
                .sum();
            groups.push(GroupLag { group: group.to_owned(), records });
        }
    }
    Ok(groups)
}

/// Kept records that a group has not done yet.
pub(crate) fn behind(range: KeptRange, committed: Option<i64>) -> i64 {
    (range.end - committed.unwrap_or(range.start).max(range.start)).max(0)
}

/// What a log's failure is to a caller.
pub(super) fn of_log(error: &LogError) -> Status {
    let (code, name) = match error {
        LogError::Unavailable { .. } | LogError::Closed => (Code::Unavailable, "SEPTET-0031"),
        LogError::UnknownTopic(_) => (Code::NotFound, "SEPTET-0032"),
        LogError::Invalid(_) | LogError::TooLarge { .. } => (Code::InvalidArgument, "SEPTET-0033"),
        LogError::Corrupt { .. } => (Code::DataLoss, "SEPTET-0034"),
    };
    fault(code, name, "log", &error.to_string(), "")
}
