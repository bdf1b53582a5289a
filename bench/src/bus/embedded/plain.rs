use std::time::{Duration, Instant};

use septet_store::{Store, StoreConfig, on_engine};
use sqlx::QueryBuilder;

use super::{BATCH, EVENTS};

/// How rows are given to the engine.
#[derive(Clone, Copy)]
pub enum Statements {
    /// One statement for each row.
    PerRow,
    /// One statement for all rows that a transaction inserts into a table: the fastest way that SQL has.
    PerTable,
}

/// Inserts `rows` rows for each event, and tells how long it took.
pub async fn measure(rows: usize, statements: Statements) -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let store = Store::open_sqlite(&dir.path().join("plain.db"), &StoreConfig::default()).await?;
    let mut tx = store.begin().await?;
    for table in 0..rows {
        let create =
            format!("CREATE TABLE t{table} (id INTEGER PRIMARY KEY, key TEXT NOT NULL, data BLOB NOT NULL)");
        on_engine!(&mut tx, conn => sqlx::query(sqlx::AssertSqlSafe(create)).execute(conn).await.map(drop))?;
    }
    tx.commit().await?;
    let inserts: Vec<String> =
        (0..rows).map(|table| format!("INSERT INTO t{table} (key, data) VALUES ($1, $2)")).collect();
    // About what an event of the other side weighs.
    let data = vec![7_u8; 256];

    let began = Instant::now();
    for batch in (0..EVENTS).collect::<Vec<_>>().chunks(BATCH) {
        let mut tx = store.begin().await?;
        let keys: Vec<String> = batch.iter().map(|event| format!("{event:036}")).collect();
        match statements {
            Statements::PerRow => {
                for key in &keys {
                    for insert in &inserts {
                        on_engine!(&mut tx, conn => sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
                            .bind(key).bind(&data).execute(conn).await.map(drop))?;
                    }
                }
            }
            Statements::PerTable => {
                for table in 0..rows {
                    on_engine!(&mut tx, conn => {
                        let mut insert = QueryBuilder::new(format!("INSERT INTO t{table} (key, data) "));
                        insert.push_values(&keys, |mut row, key| {
                            row.push_bind(key).push_bind(&data);
                        });
                        insert.build().execute(conn).await.map(drop)
                    })?;
                }
            }
        }
        tx.commit().await?;
    }
    let took = began.elapsed();
    store.close().await;
    Ok(took)
}
