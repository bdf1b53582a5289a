use bytes::Bytes;
use septet_contract::{Record, Timestamp};
use septet_store::{StoreError, Tx, in_time, on_engine};
use sqlx::QueryBuilder;

use crate::{bulk, headers};

/// Where an outgoing message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// To the log.
    Event,
    /// To the queue.
    Job,
}

impl Lane {
    /// The word for it in tables, labels and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Job => "job",
        }
    }
}

/// What waits in an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Rows not sent yet.
    pub rows: u64,
    /// When the oldest of them was written or, if a job, became due.
    pub oldest: Option<Timestamp>,
}

/// A message to be sent once the transaction that carries it is committed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub lane: Lane,
    /// Topic or queue.
    pub destination: String,
    pub record: Record,
    pub due: Timestamp,
}

/// A message that waits in the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub id: i64,
    pub destination: String,
    pub record: Record,
    pub due: Timestamp,
}

/// Writes drafts in their order. The state rows of their keys must have been written before, in the same transaction:
/// then the order of ids within a key is the order of commits.
pub(crate) async fn insert(tx: &mut Tx, drafts: &[Draft]) -> Result<(), StoreError> {
    if drafts.is_empty() {
        return Ok(());
    }
    if let Tx::Postgres(tx) = tx {
        let column = |of: fn(&Draft) -> Option<&[u8]>| drafts.iter().map(of).collect::<Vec<_>>();
        let statement = sqlx::query(
            // Ids follow the order of the selected rows.
            "INSERT INTO outbox (lane, destination, key, headers, value, due_at)
             SELECT lane, destination, key, headers, value, due_at
             FROM UNNEST($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[]) WITH ORDINALITY
                  AS draft (lane, destination, key, headers, value, due_at, position)
             ORDER BY position",
        )
        .bind(drafts.iter().map(|draft| draft.lane.as_str()).collect::<Vec<_>>())
        .bind(drafts.iter().map(|draft| draft.destination.as_str()).collect::<Vec<_>>())
        .bind(column(|draft| draft.record.key.as_deref()))
        .bind(drafts.iter().map(|draft| headers::pack(&draft.record.headers)).collect::<Vec<_>>())
        .bind(column(|draft| draft.record.value.as_deref()))
        .bind(drafts.iter().map(|draft| draft.due.micros()).collect::<Vec<_>>());
        return Ok(in_time(statement.execute(&mut **tx)).await.map(drop)?);
    }
    let mut rest = drafts;
    for size in bulk::sizes(rest.len()) {
        let (some, others) = rest.split_at(size);
        on_engine!(&mut *tx, conn => {
            let mut statement = QueryBuilder::new("INSERT INTO outbox (lane, destination, key, headers, value, due_at) ");
            statement.push_values(some, |mut row, draft| {
                row.push_bind(draft.lane.as_str())
                    .push_bind(&draft.destination)
                    .push_bind(draft.record.key.as_deref())
                    .push_bind(headers::pack(&draft.record.headers))
                    .push_bind(draft.record.value.as_deref())
                    .push_bind(draft.due.micros());
            });
            statement.build().execute(conn).await.map(drop)
        })?;
        rest = others;
    }
    Ok(())
}

type Columns = (i64, String, Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>, i64);

/// The oldest unsent rows of a lane, by id, but those for the destinations that are held. There is no cursor: PostgreSQL's sequences become visible out of order, and a
/// reader of "id > last" would lose rows.
pub(crate) async fn oldest(
    tx: &mut Tx,
    lane: Lane,
    limit: u32,
    held: &[String],
) -> Result<Vec<Row>, StoreError> {
    let rows: Vec<Columns> = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new(
            "SELECT id, destination, key, headers, value, due_at FROM outbox WHERE lane = ",
        );
        statement.push_bind(lane.as_str());
        for destination in held {
            statement.push(" AND destination <> ").push_bind(destination.as_str());
        }
        statement.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit));
        statement.build_query_as().fetch_all(conn).await
    })?;
    rows.into_iter()
        .map(|(id, destination, key, packed, value, due)| {
            let headers = headers::unpack(&packed)
                .ok_or_else(|| StoreError::Statement(format!("outbox row {id} has damaged headers")))?;
            let record = Record {
                key: key.map(Bytes::from),
                headers,
                value: value.map(Bytes::from),
                ..Record::default()
            };
            Ok(Row { id, destination, record, due: Timestamp::from_micros(due) })
        })
        .collect()
}

/// Removes rows that were confirmed.
pub(crate) async fn delete(tx: &mut Tx, ids: &[i64]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    if let Tx::Postgres(tx) = tx {
        let statement = sqlx::query("DELETE FROM outbox WHERE id = ANY($1)").bind(ids);
        return Ok(in_time(statement.execute(&mut **tx)).await.map(drop)?);
    }
    for some in ids.chunks(500) {
        on_engine!(&mut *tx, conn => {
            let mut statement = QueryBuilder::new("DELETE FROM outbox WHERE id IN (");
            let mut list = statement.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            statement.push(")");
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// What waits in both lanes.
pub(crate) async fn pending(tx: &mut Tx) -> Result<Pending, StoreError> {
    let (rows, oldest): (i64, Option<i64>) = on_engine!(tx, conn =>
        sqlx::query_as("SELECT COUNT(*), MIN(due_at) FROM outbox").fetch_one(conn).await)?;
    Ok(Pending { rows: u64::try_from(rows).unwrap_or(0), oldest: oldest.map(Timestamp::from_micros) })
}
