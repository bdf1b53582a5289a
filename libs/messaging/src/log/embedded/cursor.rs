//! A place in a partition, from which records are read in order.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use septet_contract::{Record, Timestamp};
use septet_telemetry::metrics::names;
use sqlx::Row as _;
use tokio::sync::watch;

use super::{catalog::Cell, fault::Fault, shared::Shared};
use crate::headers;
use crate::log::{Fetched, From, KeptRange, LogError};

/// Bytes at which a batch ends early, so that many large records do not meet in memory.
const BATCH_BYTES: usize = 8 << 20;

/// Reads on from a place.
pub(super) struct Cursor {
    shared: Arc<Shared>,
    cell: Arc<Cell>,
    range: watch::Receiver<KeptRange>,
    /// Offset of the next record.
    pub(super) position: i64,
    /// Who reads, for the warning when records are gone.
    reader: String,
}

impl Cursor {
    /// At the beginning of the partition; set `position` to be elsewhere.
    pub(super) fn new(shared: Arc<Shared>, cell: Arc<Cell>, reader: &str) -> Self {
        let range = cell.range.subscribe();
        let position = range.borrow().start;
        Self { shared, cell, range, position, reader: reader.to_owned() }
    }

    /// The next records, at least one and at most `max`; waits for them. Moves on only when it returns, so it may be
    /// cancelled.
    pub(super) async fn next(&mut self, max: usize) -> Result<Vec<Fetched>, LogError> {
        let closed = self.shared.closed.clone();
        loop {
            self.shared.ensure_open()?;
            let range = *self.range.borrow_and_update();
            if self.position < range.start {
                self.skip_to(range.start);
            }
            if self.position < range.end {
                let fetched = self.fetch(max.max(1), range.end).await?;
                if let Some(last) = fetched.last() {
                    self.position = last.offset + 1;
                    return Ok(fetched);
                }
                // Retention took them meanwhile; the range is about to say so.
            }
            tokio::select! {
                changed = self.range.changed() => changed.map_err(|_| LogError::Closed)?,
                () = closed.cancelled() => return Err(LogError::Closed),
            }
        }
    }

    /// Records between the place and the partition's end.
    pub(super) fn lag(&self) -> u64 {
        u64::try_from(self.range.borrow().end - self.position).unwrap_or(0)
    }

    fn skip_to(&mut self, start: i64) {
        let lost = start - self.position;
        let (topic, partition, reader) = (&self.cell.topic, self.cell.number, &self.reader);
        tracing::warn!(%topic, partition, %reader, lost, "retention removed records before they were read");
        metrics::counter!(names::LOG_RECORDS_LOST_TOTAL, "reader" => reader.to_string(), "topic" => topic.to_string())
            .increment(lost.unsigned_abs());
        self.position = start;
    }

    /// Records before `end`. The file may have more already; what is handed out must lie within the published range, as
    /// commits are checked against it.
    async fn fetch(&self, max: usize, end: i64) -> Result<Vec<Fetched>, LogError> {
        let fault = |error: sqlx::Error| LogError::from(self.shared.fault(&error));
        let mut rows = sqlx::query(
            r#"SELECT "offset", timestamp, "key", headers, value FROM records
               WHERE partition_id = $1 AND "offset" >= $2 AND "offset" < $3 ORDER BY "offset" LIMIT $4"#,
        )
        .bind(self.cell.id)
        .bind(self.position)
        .bind(end)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch(&self.shared.readers);
        let (mut fetched, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            let blob = |column| -> Result<Option<Bytes>, LogError> {
                Ok(row.try_get::<Option<&[u8]>, usize>(column).map_err(fault)?.map(Bytes::copy_from_slice))
            };
            let headers = headers::unpack(row.try_get(3).map_err(fault)?).ok_or_else(|| Fault::Corrupt {
                path: self.shared.path.display().to_string(),
                reason: "the headers of a record cannot be read".to_owned(),
            })?;
            let timestamp = Timestamp::from_micros(row.try_get(1).map_err(fault)?);
            let record = Record { key: blob(2)?, headers, value: blob(4)?, timestamp };
            bytes += record.size();
            fetched.push(Fetched { offset: row.try_get(0).map_err(fault)?, record });
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok(fetched)
    }
}

/// The offset where `from` begins.
pub(super) async fn locate(shared: &Shared, cell: &Cell, from: From) -> Result<i64, Fault> {
    let fault = |error| shared.fault(&error);
    // The file knows of another process's records before this process has looked.
    let row = sqlx::query("SELECT start_offset, next_offset FROM partitions WHERE id = $1")
        .bind(cell.id)
        .fetch_one(&shared.readers)
        .await
        .map_err(fault)?;
    let (start, end): (i64, i64) = (row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?);
    match from {
        From::Start => Ok(start),
        From::End => Ok(end),
        From::Offset(offset) => Ok(offset.max(start)),
        From::Time(time) => search(shared, cell, start, end, time).await.map_err(fault),
    }
}

/// The first offset at or after `time`: offsets and times rise together, so halving finds it.
async fn search(
    shared: &Shared,
    cell: &Cell,
    mut low: i64,
    mut high: i64,
    time: Timestamp,
) -> Result<i64, sqlx::Error> {
    while low < high {
        let middle = low + (high - low) / 2;
        let at: Option<i64> =
            sqlx::query_scalar(r#"SELECT timestamp FROM records WHERE partition_id = $1 AND "offset" = $2"#)
                .bind(cell.id)
                .bind(middle)
                .fetch_optional(&shared.readers)
                .await?;
        // A record that is gone was older than all that are kept.
        if at.is_none_or(|at| at < time.micros()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Positions of a group by partition id, those included that are not on disk yet.
pub(super) async fn positions(shared: &Shared, group: &str) -> Result<BTreeMap<i64, i64>, Fault> {
    // Memory first: what is written between the two reads is then in both.
    let pending: Vec<(i64, i64)> = super::shared::lock(&shared.commits)
        .iter()
        .filter(|((of, _), _)| of == group)
        .map(|((_, partition), commit)| (*partition, commit.next))
        .collect();
    let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT partition_id, next FROM offsets WHERE grp = $1")
        .bind(group)
        .fetch_all(&shared.readers)
        .await
        .map_err(|error| shared.fault(&error))?;
    Ok(rows.into_iter().chain(pending).collect())
}
