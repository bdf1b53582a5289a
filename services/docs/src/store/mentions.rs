use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_docs::v1::{ListedMention, StaleMention};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::stale;

/// Which mentions. Empty texts for all.
#[derive(Default)]
pub(crate) struct MentionsFilter {
    pub change_id: String,
    pub repository_id: String,
}

/// Keeps the mentions that a change made stale.
pub(crate) async fn keep_mentions(
    tx: &mut Tx,
    change_id: &str,
    mentions: &[stale::StaleMention],
) -> Result<(), StoreError> {
    let check = Uuid::now_v7();
    for (some, first) in mentions.chunks(100).zip((0..).step_by(100)) {
        on_engine!(&mut *tx, conn => {
            let mut statement =
                QueryBuilder::new("INSERT INTO stale_mention (id, change_id, page, line, symbol, said, renamed_to) ");
            statement.push_values(some.iter().zip(first..), |mut row, (of, number): (_, u32)| {
                // Read backwards, they come in the order of the page.
                row.push_bind(format!("{check}/{:06}", 999_999_u32.saturating_sub(number)))
                    .push_bind(change_id)
                    .push_bind(&of.page)
                    .push_bind(i64::from(of.line))
                    .push_bind(&of.symbol)
                    .push_bind(&of.text)
                    .push_bind(of.renamed_to.clone().unwrap_or_default());
            });
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// Mentions, newest change first: at most `limit`, with ids below `before` where that is not empty.
pub(crate) async fn list_mentions(
    tx: &mut Tx,
    filter: &MentionsFilter,
    before: &str,
    limit: u32,
) -> Result<Vec<(String, ListedMention)>, StoreError> {
    let rows: Vec<Row> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT stale_mention.id, stale_mention.page, stale_mention.line, stale_mention.symbol, stale_mention.said,
             stale_mention.renamed_to, docs_check.change_id, docs_check.repository_id, docs_check.repository_name,
             docs_check.commit_hash
         FROM stale_mention JOIN docs_check ON docs_check.change_id = stale_mention.change_id
         WHERE ($1 = '' OR docs_check.change_id = $1) AND ($2 = '' OR docs_check.repository_id = $2)
             AND ($3 = '' OR stale_mention.id < $3)
         ORDER BY stale_mention.id DESC LIMIT $4",
    )
    .bind(&filter.change_id).bind(&filter.repository_id).bind(before).bind(i64::from(limit))
    .fetch_all(conn).await)?;
    Ok(rows.into_iter().map(Row::read).collect())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    page: String,
    line: i64,
    symbol: String,
    said: String,
    renamed_to: String,
    change_id: String,
    repository_id: String,
    repository_name: String,
    commit_hash: String,
}

impl Row {
    fn read(self) -> (String, ListedMention) {
        let mention = StaleMention {
            page: self.page,
            line: u32::try_from(self.line).unwrap_or(0),
            symbol: self.symbol,
            text: self.said,
            renamed_to: self.renamed_to,
        };
        let listed = ListedMention {
            mention: Some(mention),
            change_id: self.change_id,
            repository_id: self.repository_id,
            repository_name: self.repository_name,
            commit: self.commit_hash,
        };
        (self.id, listed)
    }
}
