//! Creating topics and widening them.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::{catalog::check_name, ledger::Ledger, writer::Write};
use crate::log::{AppliedTopics, LogError, TopicSettings};

/// Partitions that a topic has at most.
const MAX_PARTITIONS: u32 = 1_024;

/// Brings topics to their settings.
pub(super) struct ApplyTopics {
    topics: Vec<TopicSettings>,
}

impl ApplyTopics {
    pub(super) fn new(topics: &[TopicSettings]) -> Result<Self, LogError> {
        for topic in topics {
            check_name("topic", &topic.name)?;
            if topic.partitions == 0 || topic.partitions > MAX_PARTITIONS {
                return Err(LogError::Invalid(format!(
                    "topic {} cannot have {} partitions; give it 1 to {MAX_PARTITIONS}",
                    topic.name, topic.partitions
                )));
            }
        }
        Ok(Self { topics: topics.to_vec() })
    }
}

#[async_trait]
impl Write<Ledger> for ApplyTopics {
    type Answer = AppliedTopics;

    async fn apply(
        &mut self,
        ledger: &mut Ledger,
        tx: &mut SqliteConnection,
    ) -> Result<AppliedTopics, sqlx::Error> {
        let mut applied = AppliedTopics::default();
        for topic in &self.topics {
            let before =
                ledger.topics.get(topic.name.as_str()).map_or(0, |known| known.partitions.len() as u32);
            let retention = i64::try_from(topic.retention.as_millis()).unwrap_or(i64::MAX);
            let bytes = topic.retention_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
            let kept: Option<(i64, Option<i64>)> =
                sqlx::query_as("SELECT retention_ms, retention_bytes FROM topics WHERE name = $1")
                    .bind(&topic.name)
                    .fetch_optional(&mut *tx)
                    .await?;
            if kept.is_some_and(|kept| kept != (retention, bytes)) {
                applied.retention_changed.push(topic.name.clone());
            }
            let id: i64 = sqlx::query_scalar(
                "INSERT INTO topics (name, retention_ms, retention_bytes) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE
                 SET retention_ms = excluded.retention_ms, retention_bytes = excluded.retention_bytes
                 RETURNING id",
            )
            .bind(&topic.name)
            .bind(retention)
            .bind(bytes)
            .fetch_one(&mut *tx)
            .await?;
            for number in before..topic.partitions {
                sqlx::query("INSERT INTO partitions (topic_id, number) VALUES ($1, $2)")
                    .bind(id)
                    .bind(number)
                    .execute(&mut *tx)
                    .await?;
            }
            if before == 0 {
                applied.created.push(topic.name.clone());
            } else if before < topic.partitions {
                applied.widened.push(topic.name.clone());
            }
            // Also for the next in the list, which may be of the same name.
            ledger.load(tx).await?;
        }
        if !applied.widened.is_empty() {
            let groups: Vec<String> =
                sqlx::query_scalar("SELECT DISTINCT grp FROM members").fetch_all(&mut *tx).await?;
            ledger.unsettled.extend(groups);
        }
        Ok(applied)
    }
}
