use metrics::gauge;
use septet_telemetry::metrics::names;

use crate::{
    batch::BatchHandler,
    delivery,
    log::{LogError, Partition},
    redrive_topic,
};

/// Reads one partition and handles its events in order.
pub(crate) struct PartitionTask {
    pub partition: Box<dyn Partition>,
    pub handler: BatchHandler,
}

impl PartitionTask {
    /// Until it is stopped or the partition is gone.
    pub async fn run(self) {
        let Self { mut partition, handler } = self;
        let (topic, number) = (partition.topic().to_owned(), partition.partition());
        let redriven = topic == redrive_topic(handler.units.service());
        let mut failures = 0;
        loop {
            let fetched = tokio::select! {
                biased;
                () = handler.stop.cancelled() => return,
                fetched = partition.batch(handler.units.settings().batch) => fetched,
            };
            let fetched = match fetched {
                Ok(fetched) => fetched,
                Err(LogError::Closed) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, topic, partition = number, "cannot read a partition");
                    let pause = handler.units.settings().backoff().while_away(failures);
                    if handler.paused(pause).await.is_break() {
                        return;
                    }
                    continue;
                }
            };
            failures = 0;
            let context = &*handler.context;
            let deliveries: Vec<_> = fetched
                .into_iter()
                .map(|fetched| {
                    let offset = fetched.offset;
                    let delivery = delivery::read(
                        &topic,
                        number,
                        redriven,
                        fetched,
                        &context.catalog,
                        &context.handlers,
                        &context.limits,
                    );
                    (offset, delivery)
                })
                .collect();
            planted!(PositionBeforeEffects => crate::planted::commit_all(&mut *partition, &deliveries).await);
            if let Some(next) = handler.handle(&deliveries).await
                && let Err(error) = partition.commit(next).await
            {
                // The effects are in; whoever reads the records again finds them in the inbox.
                tracing::warn!(%error, topic, partition = number, "cannot commit the position");
            }
            planted!(PositionOnRevoke => if handler.stop.is_cancelled() {
                crate::planted::commit_all(&mut *partition, &deliveries).await;
            });
            if let Some(lag) = partition.lag() {
                gauge!(
                    names::CONSUMER_LAG_RECORDS,
                    "service" => handler.units.service().to_owned(),
                    "topic" => topic.clone(),
                    "partition" => number.to_string(),
                )
                .set(lag as f64);
            }
        }
    }
}
