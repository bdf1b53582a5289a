use std::{collections::BTreeSet, pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt, stream};
use septet_contract::{
    Catalog, Header, Limits, Record, Timestamp,
    cloudevents::{self, Origin},
};
use septet_messaging::{
    Replay, ReplayError, Replayed, first_topic,
    log::{Append, Fetched, From, KeptRange, LogError, Reader, SharedLog},
};
use septet_proto_common::v1::{
    PublishRecordRequest, PublishRecordResponse, ReplayTopicRequest, ReplayTopicResponse, TailEventsRequest,
    TailEventsResponse,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::topics::of_log;
use crate::{
    error::{fault, invalid},
    started::Shared,
};

/// Records that a follower reads at a time.
const BATCH: usize = 256;

type Tail = Pin<Box<dyn Stream<Item = Result<TailEventsResponse, Status>> + Send>>;
type Progress = Pin<Box<dyn Stream<Item = Result<ReplayTopicResponse, Status>> + Send>>;

/// Appends one record as it is.
pub(super) async fn publish(
    shared: &Shared,
    request: PublishRecordRequest,
) -> Result<PublishRecordResponse, Status> {
    let headers =
        request.headers.into_iter().map(|header| Header { key: header.key, value: header.value }).collect();
    let record = Record { key: request.key, headers, value: request.value, ..Record::default() };
    let mut results = shared.log.append(vec![Append { topic: request.topic, record }]).await;
    // One result for the one record.
    let position = results.pop().unwrap_or(Err(LogError::Closed)).map_err(|error| of_log(&error))?;
    Ok(PublishRecordResponse { partition: position.partition, offset: position.offset })
}

/// Follows topics, each partition in order.
pub(super) async fn tail(shared: &Shared, request: TailEventsRequest) -> Result<Tail, Status> {
    let wanted: BTreeSet<String> = if request.topics.is_empty() {
        shared.catalog.topics().into_keys().map(str::to_owned).collect()
    } else {
        request.topics.into_iter().collect()
    };
    let states = shared.log.topics().await.map_err(|error| of_log(&error))?;
    if let Some(missing) = wanted.iter().find(|name| !states.iter().any(|state| state.name == **name)) {
        return Err(of_log(&LogError::UnknownTopic(missing.clone())));
    }
    let mut followers = Vec::new();
    for state in states.into_iter().filter(|state| wanted.contains(&state.name)) {
        for (range, partition) in state.partitions.into_iter().zip(0..) {
            if request.until_end && range.start >= range.end {
                continue;
            }
            let from =
                if request.from_start || request.until_end { From::Start } else { From::Offset(range.end) };
            let follower = Follower {
                reader: open(&shared.log, &state.name, partition, from).await?,
                topic: state.name.clone(),
                partition,
                until: request.until_end.then_some(range),
                catalog: shared.catalog.clone(),
            };
            followers.push(follower.stream());
        }
    }
    Ok(stream::select_all(followers).boxed())
}

async fn open(log: &SharedLog, topic: &str, partition: i32, from: From) -> Result<Box<dyn Reader>, Status> {
    log.read(topic, partition, from).await.map_err(|error| of_log(&error))
}

/// Follows one partition.
struct Follower {
    reader: Box<dyn Reader>,
    topic: String,
    partition: i32,
    /// Ends once this range was read.
    until: Option<KeptRange>,
    catalog: Catalog,
}

impl Follower {
    fn stream(self) -> Tail {
        stream::unfold(Some(self), |follower| async {
            let mut follower = follower?;
            let end = follower.until.map(|range| range.end);
            match follower.reader.batch(BATCH).await {
                Ok(batch) => {
                    let done = end.is_some_and(|end| batch.last().is_some_and(|last| last.offset + 1 >= end));
                    let messages: Vec<_> = batch
                        .into_iter()
                        .filter(|fetched| end.is_none_or(|end| fetched.offset < end))
                        .map(|fetched| Ok(follower.message(&fetched)))
                        .collect();
                    Some((stream::iter(messages), (!done).then_some(follower)))
                }
                Err(error) => Some((stream::iter(vec![Err(of_log(&error))]), None)),
            }
        })
        .flatten()
        .boxed()
    }

    fn message(&self, fetched: &Fetched) -> TailEventsResponse {
        let (cloud_event_json, error) = match event_json(fetched, &self.topic, self.partition, &self.catalog)
        {
            Ok(json) => (json, String::new()),
            Err(error) => (String::new(), error),
        };
        let (topic, partition, offset) = (self.topic.clone(), self.partition, fetched.offset);
        TailEventsResponse { topic, partition, offset, cloud_event_json, error }
    }
}

/// A record as structured CloudEvents JSON on one line.
///
/// # Errors
/// Why it cannot be read, in one line.
pub fn event_json(
    fetched: &Fetched,
    topic: &str,
    partition: i32,
    catalog: &Catalog,
) -> Result<String, String> {
    // A dead or redriven record is read as what it was where it came from. On other topics a producer may have set the
    // header.
    let set_aside = topic.ends_with(".dlq") || topic.ends_with(".redrive");
    let first = first_topic(&fetched.record).filter(|_| set_aside);
    let origin = Origin { topic: first.unwrap_or(topic), partition, offset: fetched.offset };
    let envelope = cloudevents::decode(&fetched.record, origin, catalog, &Limits::default())
        .map_err(|error| format!("{}: {error}", error.reason()))?;
    let json = cloudevents::to_structured_json(&envelope, catalog).map_err(|error| error.to_string())?;
    Ok(json.to_string())
}

/// Handles kept events again, and tells how far it is. Ends when nobody listens any more.
pub(super) fn replay(shared: &Shared, request: ReplayTopicRequest) -> Result<Progress, Status> {
    let running = shared.service(&request.service)?;
    let from =
        request.from.map(Timestamp::from).ok_or_else(|| invalid("SEPTET-0037", "from", "is missing"))?;
    let replay = Replay::new(
        running.units.clone(),
        Arc::clone(&shared.log),
        shared.catalog.clone(),
        Arc::clone(&running.handlers),
    );
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let only = (!request.handler.is_empty()).then_some(request.handler.as_str());
        let progress = |so_far: &Replayed| {
            // Whoever is slow to read misses some figures, and gets the whole at the end.
            let _ = sender.try_send(Ok(figures(so_far)));
        };
        let outcome = tokio::select! {
            outcome = replay.run(&request.topic, from, only, progress) => outcome,
            () = sender.closed() => return,
        };
        // Nobody may be left to hear it.
        let _ = sender.send(outcome.map(|all| figures(&all)).map_err(|error| of_replay(&error))).await;
    });
    Ok(ReceiverStream::new(receiver).boxed())
}

fn figures(replayed: &Replayed) -> ReplayTopicResponse {
    ReplayTopicResponse {
        consumer: replayed.consumer.clone(),
        handled: replayed.handled,
        skipped: replayed.skipped,
        failed: replayed.failed,
    }
}

fn of_replay(error: &ReplayError) -> Status {
    match error {
        ReplayError::Log(error) => of_log(error),
        ReplayError::NoHandler(_) => fault(Code::NotFound, "SEPTET-0038", "handler", &error.to_string(), ""),
        ReplayError::NotReplayable(_) => {
            fault(Code::FailedPrecondition, "SEPTET-0039", "handler", &error.to_string(), "")
        }
    }
}
