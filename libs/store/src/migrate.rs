use std::borrow::Cow;

use sqlx::{
    PgPool, SqlitePool,
    migrate::{Migrate, MigrateError, Migrator},
};

use crate::{Pools, Store, StoreError};

/// A component's schema changes, for both engines. Each component keeps its own table of what was applied.
#[derive(Debug)]
pub struct Migrations {
    component: &'static str,
    sqlite: Migrator,
    postgres: Migrator,
}

/// The migrations under `migrations/{sqlite,postgres}` of the crate that calls it.
#[macro_export]
macro_rules! migrations {
    ($component:expr) => {
        $crate::Migrations::new(
            $component,
            ::sqlx::migrate!("./migrations/sqlite"),
            ::sqlx::migrate!("./migrations/postgres"),
        )
    };
}

impl Migrations {
    /// Migrations of a component; its name becomes part of a table name.
    pub fn new(component: &'static str, mut sqlite: Migrator, mut postgres: Migrator) -> Self {
        for migrator in [&mut sqlite, &mut postgres] {
            migrator.table_name = Cow::Owned(format!("schema_version_{component}"));
        }
        Self { component, sqlite, postgres }
    }
}

impl Store {
    /// Applies what is not applied yet.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the database was migrated by a newer version, or a migration was changed after it was
    /// applied; [`StoreError::Unavailable`] if the database is away.
    pub async fn migrate(&self, migrations: &Migrations) -> Result<(), StoreError> {
        let result = match &self.pools {
            Pools::Postgres(pool) => migrations.postgres.run(pool).await,
            Pools::Sqlite { writer, .. } => migrations.sqlite.run(writer).await,
        };
        result.map_err(|error| self.schema_error(migrations, error))
    }

    /// Ok if every migration is applied.
    ///
    /// # Errors
    /// As [`Store::migrate`], and [`StoreError::Schema`] if some are missing.
    pub async fn check_schema(&self, migrations: &Migrations) -> Result<(), StoreError> {
        let missing = match &self.pools {
            Pools::Postgres(pool) => missing_postgres(pool, &migrations.postgres).await,
            Pools::Sqlite { writer, .. } => missing_sqlite(writer, &migrations.sqlite).await,
        };
        match missing.map_err(|error| self.schema_error(migrations, error))? {
            0 => Ok(()),
            missing => Err(StoreError::Schema {
                location: self.location.to_string(),
                reason: format!(
                    "{missing} migrations of {} are missing; run `migrate`",
                    migrations.component
                ),
            }),
        }
    }

    fn schema_error(&self, migrations: &Migrations, error: MigrateError) -> StoreError {
        let reason = match error {
            MigrateError::VersionMissing(version) => format!(
                "migration {version} of {} was applied by a newer version; use that version",
                migrations.component
            ),
            MigrateError::Execute(error) => match StoreError::from(error) {
                StoreError::Corrupt { reason, .. } => {
                    return StoreError::Corrupt { location: self.location.to_string(), reason };
                }
                error if error.is_transient() => return error,
                error => error.to_string(),
            },
            error => error.to_string(),
        };
        StoreError::Schema { location: self.location.to_string(), reason }
    }
}

async fn missing_postgres(pool: &PgPool, migrator: &Migrator) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    connection.ensure_migrations_table(&migrator.table_name).await?;
    let applied = connection.list_applied_migrations(&migrator.table_name).await?;
    Ok(missing(migrator, &applied))
}

async fn missing_sqlite(pool: &SqlitePool, migrator: &Migrator) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    connection.ensure_migrations_table(&migrator.table_name).await?;
    let applied = connection.list_applied_migrations(&migrator.table_name).await?;
    Ok(missing(migrator, &applied))
}

fn missing(migrator: &Migrator, applied: &[sqlx::migrate::AppliedMigration]) -> usize {
    migrator
        .iter()
        .filter(|migration| !applied.iter().any(|applied| applied.version == migration.version))
        .count()
}
