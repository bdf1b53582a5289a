//! Appending records.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use septet_contract::Timestamp;
use sqlx::SqliteConnection;

use super::{
    catalog::Cell,
    ledger::Ledger,
    rows::Row,
    writer::{Write, Writer},
};
use crate::log::{Append, LogError, Position, murmur2_partition};

/// Records of one call that go into one transaction; a longer call takes several.
const CHUNK: usize = 1_000;

/// What keeps its order: a topic and a key.
type Lane = (String, Bytes);

/// Appends all records, in order; see [`crate::log::Log::append`].
pub(super) async fn append(
    writer: &Writer<Ledger>,
    limit: usize,
    records: Vec<Append>,
) -> Vec<Result<Position, LogError>> {
    let mut results = Vec::with_capacity(records.len());
    let mut failed = HashSet::new();
    let mut records = records.into_iter();
    loop {
        let chunk: Vec<Append> = records.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return results;
        }
        let lanes: Vec<Option<Lane>> = chunk.iter().map(lane).collect();
        match writer.write(AppendChunk { records: chunk, limit, failed: failed.clone() }).await {
            Ok(chunk_results) => {
                for (lane, result) in lanes.into_iter().zip(&chunk_results) {
                    if result.is_err() {
                        failed.extend(lane);
                    }
                }
                results.extend(chunk_results);
            }
            Err(fault) => {
                results.extend(lanes.iter().map(|_| Err(fault.clone().into())));
                failed.extend(lanes.into_iter().flatten());
            }
        }
    }
}

fn lane(append: &Append) -> Option<Lane> {
    Some((append.topic.clone(), append.record.key.clone()?))
}

struct AppendChunk {
    records: Vec<Append>,
    limit: usize,
    /// Lanes of which a record has failed already.
    failed: HashSet<Lane>,
}

#[async_trait]
impl Write<Ledger> for AppendChunk {
    type Answer = Vec<Result<Position, LogError>>;

    fn weight(&self) -> u32 {
        let units = self.records.iter().map(|append| 1 + append.record.size() / 1024).sum::<usize>();
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    async fn apply(
        &mut self,
        ledger: &mut Ledger,
        _tx: &mut SqliteConnection,
    ) -> Result<Self::Answer, sqlx::Error> {
        ledger.clock = ledger.clock.max(Timestamp::now());
        let mut results = Vec::with_capacity(self.records.len());
        for append in std::mem::take(&mut self.records) {
            let lane = lane(&append);
            let result = if lane.as_ref().is_some_and(|lane| self.failed.contains(lane)) {
                Err(LogError::Unavailable {
                    backend: "embedded",
                    reason: "an earlier record of the same key was not appended".to_owned(),
                })
            } else {
                stage(ledger, append, self.limit)
            };
            if result.is_err() {
                self.failed.extend(lane);
            }
            results.push(result);
        }
        Ok(results)
    }
}

/// Gives the record its place; it is inserted when the transaction finishes.
fn stage(ledger: &mut Ledger, append: Append, limit: usize) -> Result<Position, LogError> {
    let record = append.record;
    let size = record.size();
    if size > limit {
        return Err(LogError::TooLarge { size, limit });
    }
    let cell = place(ledger, &append.topic, record.key.as_deref())?;
    let timestamp = ledger.clock.micros();
    let staged = ledger.stage(&cell);
    let offset = staged.range.end;
    staged.range.end += 1;
    // The row itself takes room as well; it also makes the sum tell that something was appended.
    let bytes = size + ROW_BYTES;
    staged.appended_bytes = staged.appended_bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    ledger.rows.push(Row::new([cell.id, offset, timestamp], record));
    Ok(Position { partition: cell.number, offset })
}

/// Bytes that a record counts for beside its key, headers and value.
pub(super) const ROW_BYTES: usize = 16;

fn place(ledger: &mut Ledger, topic: &str, key: Option<&[u8]>) -> Result<Arc<Cell>, LogError> {
    let unknown = || LogError::UnknownTopic(topic.to_owned());
    let partitions = &ledger.topics.get(topic).ok_or_else(unknown)?.partitions;
    // A topic has at most `MAX_PARTITIONS`, which fits.
    let count = partitions.len() as u32;
    let number = match key {
        Some(key) => murmur2_partition(key, count) as usize,
        None => {
            ledger.turn = ledger.turn.wrapping_add(1);
            (ledger.turn % count.max(1)) as usize
        }
    };
    partitions.get(number).cloned().ok_or_else(unknown)
}
