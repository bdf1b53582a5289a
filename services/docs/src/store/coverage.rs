use septet_chassis::{StoreError, Tx, on_engine};
use sqlx::QueryBuilder;

/// Coverage of a language, or of one file.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct CoverageRow {
    pub language: i64,
    /// Empty over all files.
    pub file: String,
    pub symbols: i64,
    pub documented: i64,
}

/// Keeps the coverage at a change.
pub(crate) async fn keep_coverage(
    tx: &mut Tx,
    change_id: &str,
    rows: &[CoverageRow],
) -> Result<(), StoreError> {
    for some in rows.chunks(100) {
        on_engine!(&mut *tx, conn => {
            let mut statement =
                QueryBuilder::new("INSERT INTO coverage (change_id, language, file, symbols, documented) ");
            statement.push_values(some, |mut row, of| {
                row.push_bind(change_id)
                    .push_bind(of.language)
                    .push_bind(&of.file)
                    .push_bind(of.symbols)
                    .push_bind(of.documented);
            });
            statement.build().execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// Coverage by language.
pub(crate) async fn totals(tx: &mut Tx, change_id: &str) -> Result<Vec<CoverageRow>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT language, file, symbols, documented FROM coverage WHERE change_id = $1 AND file = ''
         ORDER BY language",
    )
    .bind(change_id).fetch_all(conn).await)?)
}

/// Coverage by file, the most undocumented symbols first: at most `limit`, from number `from`.
pub(crate) async fn files(
    tx: &mut Tx,
    change_id: &str,
    language: i64,
    from: u32,
    limit: u32,
) -> Result<Vec<CoverageRow>, StoreError> {
    Ok(on_engine!(tx, conn => sqlx::query_as(
        "SELECT language, file, symbols, documented FROM coverage
         WHERE change_id = $1 AND file <> '' AND ($2 = 0 OR language = $2)
         ORDER BY symbols - documented DESC, file, language LIMIT $3 OFFSET $4",
    )
    .bind(change_id).bind(language).bind(i64::from(limit)).bind(i64::from(from)).fetch_all(conn).await)?)
}
