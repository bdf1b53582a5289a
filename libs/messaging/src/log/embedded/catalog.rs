//! Topics and partitions as this process knows them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use sqlx::{Row as _, SqliteConnection};
use tokio::sync::watch;

use crate::log::{KeptRange, LogError, TopicState};

/// Longest name of a topic or group, as Kafka has it.
const MAX_NAME: usize = 249;

/// Topics by name.
pub(super) type Topics = BTreeMap<Arc<str>, Arc<Topic>>;

/// A topic.
pub(super) struct Topic {
    pub(super) id: i64,
    pub(super) retention: Duration,
    pub(super) retention_bytes: Option<u64>,
    /// By number.
    pub(super) partitions: Vec<Arc<Cell>>,
}

/// A partition. There is one in the process for each, so that whoever reads it is woken through it.
pub(super) struct Cell {
    pub(super) id: i64,
    pub(super) topic_id: i64,
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
    /// What is on disk.
    pub(super) range: watch::Sender<KeptRange>,
}

impl Topic {
    pub(super) fn state(&self, name: &str) -> TopicState {
        let partitions = self.partitions.iter().map(|cell| *cell.range.borrow()).collect();
        TopicState { name: name.to_owned(), partitions }
    }
}

/// Reads all topics; partitions that are known keep their cell. Gives the ranges on disk as well, which the cells do
/// not have yet.
pub(super) async fn load(
    known: &Topics,
    tx: &mut SqliteConnection,
) -> Result<(Topics, Vec<(Arc<Cell>, KeptRange)>), sqlx::Error> {
    let cells: HashMap<i64, &Arc<Cell>> =
        known.values().flat_map(|topic| &topic.partitions).map(|cell| (cell.id, cell)).collect();
    let rows = sqlx::query(
        "SELECT t.id, t.name, t.retention_ms, t.retention_bytes, p.id, p.number, p.start_offset, p.next_offset
         FROM topics t JOIN partitions p ON p.topic_id = t.id ORDER BY t.name, p.number",
    )
    .fetch_all(tx)
    .await?;
    let mut topics: BTreeMap<Arc<str>, Topic> = BTreeMap::new();
    let mut ranges = Vec::with_capacity(rows.len());
    for row in rows {
        let topic_id: i64 = row.try_get(0)?;
        let name: Arc<str> = Arc::from(row.try_get::<&str, _>(1)?);
        let retention = Duration::from_millis(row.try_get::<i64, _>(2)?.unsigned_abs());
        let retention_bytes = row.try_get::<Option<i64>, _>(3)?.map(i64::unsigned_abs);
        let range = KeptRange { start: row.try_get(6)?, end: row.try_get(7)? };
        let id: i64 = row.try_get(4)?;
        let cell = match cells.get(&id) {
            Some(cell) => Arc::clone(cell),
            None => Arc::new(Cell {
                id,
                topic_id,
                topic: name.clone(),
                number: row.try_get(5)?,
                range: watch::Sender::new(range),
            }),
        };
        ranges.push((cell.clone(), range));
        topics
            .entry(name)
            .or_insert_with(|| Topic { id: topic_id, retention, retention_bytes, partitions: Vec::new() })
            .partitions
            .push(cell);
    }
    Ok((topics.into_iter().map(|(name, topic)| (name, Arc::new(topic))).collect(), ranges))
}

/// Refuses a name of a topic or group that Kafka would refuse as well.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), LogError> {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > MAX_NAME || matches!(name, "." | "..") || !name.bytes().all(legal) {
        let shown: String = name.chars().take(60).collect();
        return Err(LogError::Invalid(format!(
            "{shown:?} is no name for a {what}; use 1 to {MAX_NAME} letters, digits, '.', '_' or '-'"
        )));
    }
    Ok(())
}
