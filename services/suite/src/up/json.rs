use std::io::Write;

use septet_chassis::{
    contract::Catalog,
    event_json,
    messaging::log::{Assignment, LogError, Partition, SharedLog},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The consumer group of this output: its position is committed after the lines were written, so that over all runs
/// nothing is missed, and at most a line is repeated with the same `id`.
const GROUP: &str = "septet.up.json";
/// Events that are written before the position is committed.
const BATCH: usize = 256;

/// Prints every event as one line of structured CloudEvents JSON.
pub struct Printer {
    log: SharedLog,
    catalog: Catalog,
}

impl Printer {
    pub fn new(log: SharedLog, catalog: Catalog) -> Self {
        Self { log, catalog }
    }

    /// Prints until `finish`, and then what is there by then.
    pub async fn run(&self, finish: &CancellationToken) -> anyhow::Result<()> {
        let topics: Vec<String> = self.catalog.topics().into_keys().map(str::to_owned).collect();
        let mut membership = self.log.subscribe(GROUP, &topics).await?;
        let mut printing: JoinSet<anyhow::Result<()>> = JoinSet::new();
        loop {
            tokio::select! {
                assignment = membership.next() => match assignment {
                    Ok(Assignment::Assigned(partition)) => {
                        printing.spawn(print(partition, self.catalog.clone()));
                    }
                    Ok(Assignment::Revoked { done, .. }) => {
                        let _ = done.send(());
                    }
                    Err(error) if error.is_transient() => tracing::warn!(%error, "waiting for the log"),
                    Err(error) => return Err(error.into()),
                },
                Some(ended) = printing.join_next() => ended??,
                () = self.all_printed(&topics, finish) => break,
            }
        }
        printing.shutdown().await;
        membership.leave().await;
        Ok(())
    }

    /// Returns once `finish` is there and every record is behind the committed position.
    async fn all_printed(&self, topics: &[String], finish: &CancellationToken) {
        finish.cancelled().await;
        while !self.is_at_end(topics).await.unwrap_or(false) {
            tokio::time::sleep(super::LOOK).await;
        }
    }

    async fn is_at_end(&self, topics: &[String]) -> Result<bool, LogError> {
        for state in self.log.topics().await?.iter().filter(|state| topics.contains(&state.name)) {
            let committed = self.log.committed(GROUP, &state.name).await?;
            for (range, partition) in state.partitions.iter().zip(0..) {
                let next =
                    committed.iter().find(|(number, _)| *number == partition).map_or(0, |(_, next)| *next);
                if next < range.end && range.start < range.end {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

async fn print(mut partition: Box<dyn Partition>, catalog: Catalog) -> anyhow::Result<()> {
    loop {
        let batch = match partition.batch(BATCH).await {
            Ok(batch) => batch,
            Err(LogError::Closed) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, "waiting for the log");
                tokio::time::sleep(super::LOOK).await;
                continue;
            }
        };
        let mut lines = String::new();
        for fetched in &batch {
            match event_json(fetched, partition.topic(), partition.partition(), &catalog) {
                Ok(json) => {
                    lines.push_str(&json);
                    lines.push('\n');
                }
                // Whoever handles the topic dead-letters it.
                Err(error) => {
                    tracing::warn!(topic = partition.topic(), offset = fetched.offset, error, "not readable");
                }
            }
        }
        {
            let mut out = std::io::stdout().lock();
            out.write_all(lines.as_bytes())?;
            out.flush()?;
        }
        if let Some(last) = batch.last()
            && let Err(error) = partition.commit(last.offset + 1).await
        {
            tracing::warn!(%error, "a position was not committed; its lines come again");
        }
    }
}
