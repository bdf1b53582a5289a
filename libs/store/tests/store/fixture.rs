//! Stores of both engines.

use septet_store::{Migrations, Store, StoreConfig, StoreError, Tx, on_engine};
use septet_testkit::{evidence::Workspace, servers};

/// A store and the directory that it may use.
pub struct Fixture {
    pub store: Store,
    pub config: StoreConfig,
    pub workspace: Workspace,
}

impl Fixture {
    pub async fn sqlite(test: &str) -> Self {
        let workspace = Workspace::new(test);
        let config = StoreConfig::default();
        let store = Store::open(&config, &workspace.path().join("item.db")).await.expect("opened");
        Self { store, config, workspace }
    }

    pub async fn postgres(test: &str) -> Option<Self> {
        let url = servers::postgres().await?.create_database().await;
        let workspace = Workspace::new(test);
        let config = StoreConfig { url: Some(url), ..StoreConfig::default() };
        let store = Store::open(&config, workspace.path()).await.expect("opened");
        Some(Self { store, config, workspace })
    }

    /// The same database through connections of its own, as another process has it.
    pub async fn again(&self) -> Store {
        Store::open(&self.config, &self.workspace.path().join("item.db")).await.expect("opened again")
    }
}

/// Runs async functions that take a [`Fixture`] as tests, once for each engine.
macro_rules! on_each_engine {
    ($($test:ident)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::fixture::Fixture::sqlite(concat!(module_path!(), "::", stringify!($test))).await)
                    .await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let test = concat!(module_path!(), "::", stringify!($test));
                if let Some(fixture) = $crate::fixture::Fixture::postgres(test).await {
                    super::$test(fixture).await;
                }
            })+
        }
    };
}

pub(crate) use on_each_engine;

/// The schema of a first version.
pub fn first() -> Migrations {
    let migrator = || sqlx::migrate!("./tests/migrations/first");
    Migrations::new("test", migrator(), migrator())
}

/// The schema of the version after it.
pub fn second() -> Migrations {
    let migrator = || sqlx::migrate!("./tests/migrations/second");
    Migrations::new("test", migrator(), migrator())
}

pub async fn insert(tx: &mut Tx, id: &str, amount: Option<i64>) -> Result<(), StoreError> {
    on_engine!(tx, conn => sqlx::query("INSERT INTO item (id, amount) VALUES ($1, $2)")
        .bind(id).bind(amount).execute(conn).await.map(drop))?;
    Ok(())
}

/// All ids, sorted, as a reader sees them.
pub async fn ids(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.expect("a reader");
    on_engine!(&mut tx, conn => sqlx::query_scalar("SELECT id FROM item ORDER BY id").fetch_all(conn).await)
        .expect("ids")
}
