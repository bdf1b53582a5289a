use std::ops::Range;

use septet_chassis::{StoreError, Tx, on_engine};
use septet_proto_cx::v1::ActivityKind;
use sqlx::QueryBuilder;

/// Which events.
pub(crate) struct Sought {
    /// At least one.
    pub names: Vec<String>,
    pub time: Range<i64>,
    /// Only units of this experiment, after their exposure. Empty for all.
    pub experiment_id: String,
}

/// Where the next page begins.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub unit_id: String,
    pub at: i64,
    pub id: String,
}

/// What a unit did.
#[derive(sqlx::FromRow)]
pub(crate) struct Happened {
    pub unit_id: String,
    pub id: String,
    pub name: String,
    pub occurred_at: i64,
    /// JSON.
    pub properties: Option<String>,
    /// -1 where no experiment is asked for.
    pub variation: i64,
}

/// Events after a place, unit by unit, in the order in which they happened; of one time, by id.
pub(crate) async fn happened(
    tx: &mut Tx,
    sought: &Sought,
    after: &Place,
    limit: u32,
) -> Result<Vec<Happened>, StoreError> {
    let rows = on_engine!(tx, conn => {
        let mut statement = QueryBuilder::new(match sought.experiment_id.as_str() {
            "" => "SELECT a.unit_id, a.id, a.name, a.occurred_at, a.properties, CAST(-1 AS BIGINT) AS variation FROM activity a",
            _ => "SELECT a.unit_id, a.id, a.name, a.occurred_at, a.properties, x.variation FROM activity a
                  JOIN exposure x ON x.unit_id = a.unit_id AND x.several = 0 AND a.occurred_at >= x.exposed_at
                  AND x.experiment_id = ",
        });
        if !sought.experiment_id.is_empty() {
            statement.push_bind(&sought.experiment_id);
        }
        statement.push(" WHERE a.kind = ").push_bind(i64::from(ActivityKind::Event as i32));
        statement.push(" AND a.occurred_at >= ").push_bind(sought.time.start);
        statement.push(" AND a.occurred_at < ").push_bind(sought.time.end);
        statement.push(" AND (a.unit_id, a.occurred_at, a.id) > (").push_bind(&after.unit_id);
        statement.push(", ").push_bind(after.at).push(", ").push_bind(&after.id).push(") AND a.name IN (");
        let mut list = statement.separated(", ");
        for name in &sought.names {
            list.push_bind(name);
        }
        statement.push(") ORDER BY a.unit_id, a.occurred_at, a.id LIMIT ").push_bind(i64::from(limit));
        statement.build_query_as().fetch_all(conn).await
    })?;
    Ok(rows)
}
