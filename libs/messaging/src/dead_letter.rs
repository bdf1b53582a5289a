use bytes::Bytes;
use septet_contract::{Header, Record, Timestamp};
use septet_store::{StoreError, Tx, on_engine};
use uuid::Uuid;

use crate::{
    Cx, CxError, Lane, Units, dead_letter_topic,
    headers::{pack, unpack},
    outbox::Draft,
    redrive_topic,
};

/// Prefix of the headers that tell what became of a record.
const PREFIX: &[u8] = b"septet_";
/// Header of a redriven record: its new identity, under which the inbox lets it in.
pub(crate) const REDRIVE_ID: &str = "septet_redrive_id";
/// Header of a dead or redriven record: the topic that it came from.
pub(crate) const TOPIC: &str = "septet_topic";

/// The topic that a dead or redriven record came from; `None` for any other record.
pub fn first_topic(record: &Record) -> Option<&str> {
    std::str::from_utf8(record.header(TOPIC)?).ok()
}

/// Why a delivery was given up: a short stable word, also the label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(&'static str);

impl Reason {
    /// A handler said that it will never succeed.
    pub const REJECTED: Self = Self("rejected");
    /// Every attempt failed.
    pub const RETRIES_EXHAUSTED: Self = Self("retries_exhausted");
    /// The log or queue will never take it.
    pub const UNPUBLISHABLE: Self = Self("unpublishable");

    /// Why a record could not be decoded.
    pub(crate) const fn undecodable(reason: &'static str) -> Self {
        Self(reason)
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// What has become of a dead letter. The numbers are those of the contract and of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterState {
    /// Waits for an operator.
    Open = 1,
    /// Was given to its service again.
    Redriven = 2,
    /// Was given up.
    Discarded = 3,
}

impl DeadLetterState {
    fn from_number(number: i64) -> Self {
        match number {
            2 => Self::Redriven,
            3 => Self::Discarded,
            _ => Self::Open,
        }
    }
}

/// A record or job that the service could not take.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Rises with time.
    pub id: String,
    /// What has become of it.
    pub state: DeadLetterState,
    /// Short stable word.
    pub reason: String,
    /// One line for people, without payload.
    pub error: String,
    /// `event` or `job`.
    pub lane: String,
    /// Topic or queue.
    pub origin: String,
    /// Partition; -1 for a job.
    pub partition: i32,
    /// Offset; -1 for a job.
    pub offset: i64,
    /// Its type; empty where it could not be read.
    pub r#type: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The record as it came.
    pub record: Record,
    /// When it was given up.
    pub failed: Timestamp,
    /// Who redrove or discarded it, and when.
    pub decided: Option<(String, Timestamp)>,
}

/// A delivery that is to be given up.
#[derive(Clone)]
pub(crate) struct Burial {
    pub lane: Lane,
    pub origin: String,
    pub partition: i32,
    pub offset: i64,
    pub r#type: String,
    pub attempts: u32,
    pub reason: Reason,
    pub error: String,
    pub record: Record,
}

/// Longest error text that is kept, in characters.
const MAX_ERROR: usize = 500;

impl Cx {
    /// Gives a delivery up, in this transaction: a row for the operator, and for an event a record on the dead-letter topic.
    pub(crate) async fn bury(&mut self, burial: Burial) -> Result<(), CxError> {
        let id = Uuid::now_v7().to_string();
        let error: String =
            burial.error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR).collect();
        let now = self.now();
        let Burial { lane, origin, partition, offset, r#type, attempts, reason, record, .. } = burial;
        planted!(DeadLetterWithoutHeaders: record = Record { headers: Vec::new(), ..record });
        on_engine!(self.tx().await?, conn => sqlx::query(
            "INSERT INTO dead_letter (id, state, reason, error, lane, origin, origin_partition, origin_offset, type,
                 attempts, key, headers, value, failed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(&id).bind(DeadLetterState::Open as i64).bind(reason.as_str()).bind(&error).bind(lane.as_str())
        .bind(&origin).bind(i64::from(partition)).bind(offset).bind(&r#type).bind(i64::from(attempts))
        .bind(record.key.as_deref()).bind(pack(&record.headers)).bind(record.value.as_deref())
        .bind(now.micros()).execute(conn).await.map(drop))
        .map_err(StoreError::from)?;
        tracing::warn!(
            dead_letter = id,
            reason = reason.as_str(),
            origin,
            partition,
            offset,
            error,
            "dead-lettered"
        );
        if lane == Lane::Event {
            let mut record = record;
            record.headers.retain(|header| !header.key.starts_with(PREFIX));
            let omitted = omit_unsendable(&mut record, sendable_bytes(self.units()));
            record.headers.extend(omitted.into_iter().map(|what| Header::text("septet_omitted", what)));
            record.headers.extend([
                Header::text("septet_dead_letter_id", id),
                Header::text("septet_reason", reason.as_str()),
                Header::text("septet_error", error),
                Header::text(TOPIC, origin),
                Header::text("septet_partition", partition.to_string()),
                Header::text("septet_offset", offset.to_string()),
                Header::text("septet_attempts", attempts.to_string()),
                Header::text("septet_time", now.to_string()),
            ]);
            let destination = dead_letter_topic(self.units().service());
            self.push(Draft { lane: Lane::Event, destination, record, due: now });
        }
        Ok(())
    }
}

/// Room for what a dead or redriven record has beside what was consumed: its headers and key.
const ROOM: usize = 16 * 1024;

/// Bytes of a dead or redriven record that every log takes.
fn sendable_bytes(units: &Units) -> usize {
    units.settings().max_message_bytes + ROOM
}

/// Takes from a record what no log would take, so that the rest is told all the same: the row in the database has the
/// whole. Gives what was taken.
fn omit_unsendable(record: &mut Record, limit: usize) -> Vec<&'static str> {
    let mut omitted = Vec::new();
    let before = record.headers.len();
    record.headers.retain(is_sendable);
    let mut lost_headers = record.headers.len() < before;
    if record.size() > limit && record.value.take().is_some() {
        omitted.push("value");
    }
    if record.size() > limit && !record.headers.is_empty() {
        record.headers.clear();
        lost_headers = true;
    }
    if record.size() > limit && record.key.take().is_some() {
        omitted.push("key");
    }
    if lost_headers {
        omitted.push("headers");
    }
    omitted
}

/// Kafka's clients write no other keys, though a broker takes them.
fn is_sendable(header: &Header) -> bool {
    std::str::from_utf8(&header.key).is_ok_and(|key| !key.contains('\0'))
}

/// The dead letters of one service, for its operators.
#[derive(Clone)]
pub struct DeadLetters {
    units: Units,
}

impl DeadLetters {
    /// Those of the service that these units of work belong to.
    pub fn new(units: Units) -> Self {
        Self { units }
    }

    /// Dead letters in a state, newest first: at most `limit`, with ids below `before` where that is given.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away.
    pub async fn list(
        &self,
        state: DeadLetterState,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        // '~' sorts after every UUID.
        let before = before.unwrap_or("~");
        let mut tx = self.units.read().await?;
        let rows: Vec<RowOf> = on_engine!(&mut tx, conn => sqlx::query_as(
            "SELECT id, state, reason, error, lane, origin, origin_partition, origin_offset, type, attempts, key,
                 headers, value, failed_at, decided_by, decided_at
             FROM dead_letter WHERE state = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(state as i64).bind(before).bind(i64::from(limit)).fetch_all(conn).await)?;
        rows.into_iter().map(RowOf::read).collect()
    }

    /// The dead letter with this id.
    ///
    /// # Errors
    /// [`StoreError`] if the database is away.
    pub async fn get(&self, id: &str) -> Result<Option<DeadLetter>, StoreError> {
        find(&mut self.units.read().await?, id).await
    }

    /// Gives a dead letter to its service again as a new delivery, with another value where one is given. `None` if there
    /// is none with this id, or it is not open and `again` is false. Headers that no client can write are left out.
    ///
    /// # Errors
    /// [`CxError`] if the database is away or the outbox is full; [`CxError::TooLarge`] where the value is one that the
    /// service would not take either, so that only a smaller one helps.
    pub async fn redrive(
        &self,
        id: &str,
        value: Option<Bytes>,
        again: bool,
        by: &str,
    ) -> Result<Option<DeadLetter>, CxError> {
        let mut cx = self.units.begin(septet_contract::Cause::default());
        let Some(letter) = self.decide(&mut cx, id, DeadLetterState::Redriven, again, by).await? else {
            return Ok(None);
        };
        let mut record = Record { value: value.or(letter.record.value.clone()), ..letter.record.clone() };
        // A new identity: the inbox has seen the old one.
        let identity = Uuid::now_v7().to_string();
        planted!(RedriveWithoutNewId: identity = crate::planted::old_identity(&record));
        record.headers.retain(|header| !header.key.starts_with(PREFIX) && is_sendable(header));
        let (size, limit) = (record.size(), sendable_bytes(&self.units));
        if letter.lane == Lane::Event.as_str() && size > limit {
            return Err(CxError::TooLarge { r#type: "redriven record".to_owned(), size, limit });
        }
        let redriven = redrive_topic(self.units.service());
        let draft = if letter.reason == Reason::UNPUBLISHABLE.as_str()
            && letter.lane == Lane::Event.as_str()
            && letter.origin != redriven
        {
            // It never left: it goes where it was to go.
            Draft { lane: Lane::Event, destination: letter.origin.clone(), record, due: cx.now() }
        } else if letter.lane == Lane::Event.as_str() {
            record.headers.push(Header::text(REDRIVE_ID, identity));
            // One that could not be redriven still says where it first came from.
            let origin = first_topic(&letter.record).filter(|_| letter.origin == redriven);
            record.headers.push(Header::text(TOPIC, origin.unwrap_or(&letter.origin)));
            Draft { lane: Lane::Event, destination: redriven, record, due: cx.now() }
        } else {
            record.headers.retain(|header| header.key != "ce_id".as_bytes());
            record.headers.push(Header::text("ce_id", identity));
            Draft { lane: Lane::Job, destination: letter.origin.clone(), record, due: cx.now() }
        };
        cx.push(draft);
        cx.commit().await?;
        Ok(Some(letter))
    }

    /// Marks a dead letter as not worth another try. `None` if there is no open one with this id.
    ///
    /// # Errors
    /// [`CxError`] if the database is away.
    pub async fn discard(&self, id: &str, by: &str) -> Result<Option<DeadLetter>, CxError> {
        let mut cx = self.units.begin(septet_contract::Cause::default());
        let letter = self.decide(&mut cx, id, DeadLetterState::Discarded, false, by).await?;
        cx.commit().await?;
        Ok(letter)
    }

    async fn decide(
        &self,
        cx: &mut Cx,
        id: &str,
        state: DeadLetterState,
        again: bool,
        by: &str,
    ) -> Result<Option<DeadLetter>, CxError> {
        let now = cx.now();
        let tx = cx.tx().await?;
        let changed = on_engine!(&mut *tx, conn => sqlx::query(
            "UPDATE dead_letter SET state = $1, decided_by = $2, decided_at = $3
             WHERE id = $4 AND (state = $5 OR $6 = 1)",
        )
        .bind(state as i64).bind(by).bind(now.micros()).bind(id).bind(DeadLetterState::Open as i64)
        .bind(i64::from(again)).execute(conn).await.map(|done| done.rows_affected()))
        .map_err(StoreError::from)?;
        if changed == 0 {
            return Ok(None);
        }
        tracing::info!(dead_letter = id, ?state, by, "an operator decided on a dead letter");
        Ok(find(tx, id).await?)
    }
}

async fn find(tx: &mut Tx, id: &str) -> Result<Option<DeadLetter>, StoreError> {
    let row: Option<RowOf> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT id, state, reason, error, lane, origin, origin_partition, origin_offset, type, attempts, key, headers,
             value, failed_at, decided_by, decided_at
         FROM dead_letter WHERE id = $1",
    )
    .bind(id).fetch_optional(conn).await)?;
    row.map(RowOf::read).transpose()
}

#[derive(sqlx::FromRow)]
struct RowOf {
    id: String,
    state: i64,
    reason: String,
    error: String,
    lane: String,
    origin: String,
    origin_partition: i64,
    origin_offset: i64,
    r#type: String,
    attempts: i64,
    key: Option<Vec<u8>>,
    headers: Vec<u8>,
    value: Option<Vec<u8>>,
    failed_at: i64,
    decided_by: Option<String>,
    decided_at: Option<i64>,
}

impl RowOf {
    fn read(self) -> Result<DeadLetter, StoreError> {
        let headers = unpack(&self.headers)
            .ok_or_else(|| StoreError::Statement(format!("dead letter {} has damaged headers", self.id)))?;
        Ok(DeadLetter {
            state: DeadLetterState::from_number(self.state),
            partition: i32::try_from(self.origin_partition).unwrap_or(-1),
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            record: Record {
                key: self.key.map(Bytes::from),
                headers,
                value: self.value.map(Bytes::from),
                timestamp: Timestamp::default(),
            },
            failed: Timestamp::from_micros(self.failed_at),
            decided: self.decided_by.zip(self.decided_at.map(Timestamp::from_micros)),
            id: self.id,
            reason: self.reason,
            error: self.error,
            lane: self.lane,
            origin: self.origin,
            offset: self.origin_offset,
            r#type: self.r#type,
        })
    }
}
