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
            Pools::Postgres(pool) => migrate_postgres(pool, &migrations.postgres).await,
            Pools::Sqlite { writer, .. } => migrations.sqlite.run(writer).await,
        };
        result.map_err(|error| self.schema_error(migrations, error))
    }

    /// Ok if every migration is applied. One that a newer version has applied is none of this version's business: a
    /// schema grows in a way that the version before it can live with. Changes nothing, and needs no right to.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if some are missing or were changed after they were applied; [`StoreError::Unavailable`]
    /// if the database is away.
    pub async fn check_schema(&self, migrations: &Migrations) -> Result<(), StoreError> {
        let missing = match &self.pools {
            Pools::Postgres(pool) => missing_postgres(pool, &migrations.postgres).await,
            Pools::Sqlite { readers, .. } => missing_sqlite(readers, &migrations.sqlite).await,
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
        let component = migrations.component;
        let reason = match error {
            MigrateError::VersionMissing(version) => {
                format!("migration {version} of {component} was applied by a newer version; use that version")
            }
            MigrateError::VersionMismatch(version) => format!(
                "migration {version} of {component} is another one than was applied; use the version that applied it"
            ),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                match StoreError::from(error).at(&self.location) {
                    StoreError::Statement(error) => error,
                    error => return error,
                }
            }
            error => error.to_string(),
        };
        StoreError::Schema { location: self.location.to_string(), reason }
    }
}

async fn migrate_postgres(pool: &PgPool, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    let result = migrator.run_direct(None, &mut *connection, false).await;
    if result.is_err() {
        // A failed run leaves its advisory lock to the session, and whoever migrates next would wait for it for ever.
        let _ = connection.close().await;
    }
    result
}

async fn missing_postgres(pool: &PgPool, migrator: &Migrator) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(&*migrator.table_name)
        .fetch_one(&mut *connection)
        .await?;
    missing(&mut *connection, migrator, there).await
}

async fn missing_sqlite(pool: &SqlitePool, migrator: &Migrator) -> Result<usize, MigrateError> {
    let mut connection = pool.acquire().await?;
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)")
            .bind(&*migrator.table_name)
            .fetch_one(&mut *connection)
            .await?;
    missing(&mut *connection, migrator, there).await
}

async fn missing(
    connection: &mut impl Migrate,
    migrator: &Migrator,
    there: bool,
) -> Result<usize, MigrateError> {
    let applied =
        if there { connection.list_applied_migrations(&migrator.table_name).await? } else { Vec::new() };
    let mut missing = 0;
    for migration in migrator.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None => missing += 1,
        }
    }
    Ok(missing)
}
