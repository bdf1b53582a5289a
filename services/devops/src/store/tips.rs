use septet_chassis::{StoreError, Tx, on_engine};

/// What a listing of tips is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// All they lead to is imported, or lies before the history that was asked for.
    Seen,
    /// An import is on its way to them.
    Goal,
}

/// A repository's tips as listings; see [`crate::import`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tips {
    pub seen: Option<String>,
    pub goal: Option<String>,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Goal => "goal",
        }
    }
}

/// A repository's tips.
pub(crate) async fn tips(tx: &mut Tx, repository_id: &str) -> Result<Tips, StoreError> {
    let rows: Vec<(String, String)> = on_engine!(tx, conn => sqlx::query_as(
        "SELECT state, listing FROM tips WHERE repository_id = $1"
    )
    .bind(repository_id).fetch_all(conn).await)?;
    let mut tips = Tips::default();
    for (state, listing) in rows {
        match state {
            state if state == State::Seen.as_str() => tips.seen = Some(listing),
            _ => tips.goal = Some(listing),
        }
    }
    Ok(tips)
}

/// Replaces the tips in one state; `None` removes them.
pub(crate) async fn set_tips(
    tx: &mut Tx,
    repository_id: &str,
    state: State,
    listing: Option<&str>,
) -> Result<(), StoreError> {
    match listing {
        None => {
            on_engine!(tx, conn => sqlx::query("DELETE FROM tips WHERE repository_id = $1 AND state = $2")
                .bind(repository_id).bind(state.as_str()).execute(conn).await.map(drop))?;
        }
        Some(listing) => {
            on_engine!(tx, conn => sqlx::query(
                "INSERT INTO tips (repository_id, state, listing) VALUES ($1, $2, $3)
                 ON CONFLICT (repository_id, state) DO UPDATE SET listing = excluded.listing"
            )
            .bind(repository_id).bind(state.as_str()).bind(listing).execute(conn).await.map(drop))?;
        }
    }
    Ok(())
}
