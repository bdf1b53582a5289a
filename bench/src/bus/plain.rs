use std::time::{Duration, Instant};

use septet_store::{Store, StoreConfig, on_engine};

use super::{BATCH, EVENTS};

/// Inserts `rows` rows for each event, and tells how long it took.
pub async fn measure(rows: usize) -> anyhow::Result<Duration> {
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
        for event in batch {
            let key = format!("{event:036}");
            for insert in &inserts {
                on_engine!(&mut tx, conn => sqlx::query(sqlx::AssertSqlSafe(insert.as_str()))
                    .bind(&key).bind(&data).execute(conn).await.map(drop))?;
            }
        }
        tx.commit().await?;
    }
    let took = began.elapsed();
    store.close().await;
    Ok(took)
}
