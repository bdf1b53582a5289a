use septet_chassis::{Store, StoreError, on_engine};

/// The key of the fingerprints; made once, by whichever replica is first.
pub(crate) async fn fingerprint_key(store: &Store) -> Result<[u8; 32], StoreError> {
    let candidate: [u8; 32] = rand::random();
    let mut tx = store.begin().await?;
    on_engine!(&mut tx, conn => sqlx::query(
        "INSERT INTO fingerprint_key (only_one, key) VALUES (1, $1) ON CONFLICT (only_one) DO NOTHING",
    )
    .bind(candidate.to_vec()).execute(conn).await.map(drop))?;
    let (key,): (Vec<u8>,) = on_engine!(&mut tx, conn =>
        sqlx::query_as("SELECT key FROM fingerprint_key WHERE only_one = 1").fetch_one(conn).await)?;
    tx.commit().await?;
    key.try_into().map_err(|_| {
        StoreError::Statement("the table fingerprint_key has a key of a wrong length".to_owned())
    })
}
