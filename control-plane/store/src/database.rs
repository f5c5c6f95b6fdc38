//! The embedded database: one SQLite file, opened through a bounded pool, brought up to date by each service's
//! own migrations. It knows no table but the ledgers of migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, SqlSafeStr, Sqlite, SqlitePool, Transaction};

/// A transaction; rolled back unless committed.
pub type Tx = Transaction<'static, Sqlite>;

/// More connections than this only queue inside SQLite, which has one writer at a time.
const MAX_CONNECTIONS: u32 = 8;
/// How long a writer waits for another (a second process, say) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool of connections to the database; clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: SqlitePool,
}

/// Why the database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file can't be opened.
    #[error("{path}: cannot open the database: {source}")]
    Open {
        /// The database file.
        path: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// A newer version of the program has been here; nothing was changed.
    #[error(
        "the database was made by a newer version (it has migration {version} of `{service}`, which this one doesn't \
         know); nothing was changed; use that version, or another data_dir"
    )]
    Newer {
        /// Whose tables.
        service: &'static str,
        /// The migration's number.
        version: i64,
    },
    /// A migration failed; the database is as it was before.
    #[error("cannot migrate the tables of `{service}`: {source}")]
    Migrate {
        /// Whose tables.
        service: &'static str,
        /// What the migrator said.
        source: MigrateError,
    },
    /// A statement failed.
    #[error("the database failed: {0}")]
    Query(#[from] sqlx::Error),
}

/// The migrations of one service, each in a file of its own, numbered from 1.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// The service whose tables they make; names their ledger, so it never changes.
    pub service: &'static str,
    /// Number, description and SQL of each, in order. One that was released never changes.
    pub steps: &'static [(i64, &'static str, &'static str)],
}

impl Database {
    /// Opens the database file, and creates it where there is none.
    ///
    /// Write-ahead logging lets readers go on while one writes. `synchronous = FULL` makes a commit survive a power
    /// cut, where `NORMAL` would only keep the file sound: what is written here is rare and can't be had again (a
    /// client's secret that was shown once, a signing key whose tokens are out).
    ///
    /// # Errors
    /// [`DatabaseError::Open`].
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        create_private(path).map_err(|source| DatabaseError::Open {
            path: path.display().to_string(),
            source: source.into(),
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(|source| DatabaseError::Open {
                path: path.display().to_string(),
                source,
            })?;
        Ok(Self { pool })
    }

    /// Brings the tables of every service up to date, in the order given. The ledgers are all read first, so that a
    /// database which a newer version has migrated in any part stays as it is.
    ///
    /// # Errors
    /// [`DatabaseError::Newer`], [`DatabaseError::Migrate`] and [`DatabaseError::Query`].
    pub async fn migrate_all(&self, all: &[Migrations]) -> Result<(), DatabaseError> {
        for migrations in all {
            self.refuse_newer(migrations).await?;
        }
        for migrations in all {
            self.migrate(migrations).await?;
        }
        Ok(())
    }

    /// Looks, without writing, whether the ledger of a service has a migration that is beyond the last of `migrations`.
    async fn refuse_newer(&self, migrations: &Migrations) -> Result<(), DatabaseError> {
        let service = migrations.service;
        let table = format!("{service}_migrations");
        let ledger: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1")
                .bind(&table)
                .fetch_optional(&self.pool)
                .await?;
        if ledger.is_none() {
            return Ok(());
        }
        // The name is a constant of ours, never input.
        let newest = AssertSqlSafe(format!("SELECT MAX(version) FROM {table}"));
        let newest: Option<i64> = sqlx::query_scalar(newest).fetch_one(&self.pool).await?;
        let known = migrations.steps.last().map_or(0, |(version, ..)| *version);
        match newest {
            Some(version) if version > known => Err(DatabaseError::Newer { service, version }),
            _ => Ok(()),
        }
    }

    /// Brings the tables of one service up to date, in one transaction: two processes that start at once take turns,
    /// and a kill leaves the tables as they were.
    ///
    /// # Errors
    /// [`DatabaseError::Newer`] and [`DatabaseError::Migrate`].
    pub async fn migrate(&self, migrations: &Migrations) -> Result<(), DatabaseError> {
        let service = migrations.service;
        let steps = migrations.steps.iter().map(|(version, description, sql)| {
            Migration::new(
                *version,
                (*description).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        });
        let mut migrator = Migrator::with_migrations(steps.collect());
        migrator.dangerous_set_table_name(format!("{service}_migrations"));
        let mut tx = self.write().await?;
        migrator.run(&mut *tx).await.map_err(|source| match source {
            MigrateError::VersionMissing(version) => DatabaseError::Newer { service, version },
            source => DatabaseError::Migrate { service, source },
        })?;
        Ok(tx.commit().await?)
    }

    /// The pool, for single statements.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that will write. It takes the write lock at once, so that what it reads stays true until
    /// it commits, and it never fails halfway because another wrote first.
    ///
    /// # Errors
    /// [`DatabaseError::Query`] when another writer held the lock for too long.
    pub async fn write(&self) -> Result<Tx, DatabaseError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`DatabaseError::Query`].
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection, and waits until what they did is in the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Makes the file (0600) where there is none: an empty file is an empty database, and SQLite gives the files that it
/// makes beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ONE: Migrations = Migrations {
        service: "test",
        steps: &[(
            1,
            "things",
            "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL)",
        )],
    };
    const TWO: Migrations = Migrations {
        service: "test",
        steps: &[
            (
                1,
                "things",
                "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL)",
            ),
            (2, "more", "ALTER TABLE things ADD COLUMN more TEXT"),
        ],
    };

    async fn database(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("postern.db")).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_of_the_database_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.migrate(&ONE).await.unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{:?}",
                entry.path()
            );
        }
    }

    #[tokio::test]
    async fn migrations_run_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.migrate(&ONE).await.unwrap();
        database.migrate(&ONE).await.unwrap();
        database.migrate(&TWO).await.unwrap();
        sqlx::query("INSERT INTO things (id, n, more) VALUES ($1, $2, $3)")
            .bind("a")
            .bind(1_i64)
            .bind("b")
            .execute(database.pool())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.migrate(&TWO).await.unwrap();
        let error = database.migrate(&ONE).await.unwrap_err();
        assert!(
            matches!(
                error,
                DatabaseError::Newer {
                    service: "test",
                    version: 2
                }
            ),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_database_that_is_newer_in_one_part_is_untouched_in_all() {
        const OTHER: Migrations = Migrations {
            service: "other",
            steps: &[(1, "others", "CREATE TABLE others (id TEXT)")],
        };
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.migrate(&TWO).await.unwrap();
        let error = database.migrate_all(&[OTHER, ONE]).await.unwrap_err();
        assert!(
            matches!(
                error,
                DatabaseError::Newer {
                    service: "test",
                    version: 2
                }
            ),
            "{error}"
        );
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                .fetch_all(database.pool())
                .await
                .unwrap();
        assert_eq!(tables, ["test_migrations", "things"]);

        database.migrate_all(&[OTHER, TWO]).await.unwrap();
        database.migrate_all(&[OTHER, TWO]).await.unwrap();
    }

    #[tokio::test]
    async fn a_failing_migration_leaves_nothing_behind() {
        const BROKEN: Migrations = Migrations {
            service: "test",
            steps: &[
                (1, "fine", "CREATE TABLE fine (id TEXT)"),
                (2, "broken", "CREATE NONSENSE"),
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        assert!(database.migrate(&BROKEN).await.is_err());
        database.migrate(&ONE).await.unwrap();
        assert!(
            sqlx::query("SELECT * FROM fine")
                .fetch_all(database.pool())
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn two_starts_at_once_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (database(&folder).await, database(&folder).await);
        let (first, second) = tokio::join!(one.migrate(&TWO), two.migrate(&TWO));
        first.unwrap();
        second.unwrap();
    }

    #[tokio::test]
    async fn each_service_has_a_ledger_of_its_own() {
        const OTHER: Migrations = Migrations {
            service: "other",
            steps: &[(1, "others", "CREATE TABLE others (id TEXT)")],
        };
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        database.migrate(&TWO).await.unwrap();
        database.migrate(&OTHER).await.unwrap();
        database.migrate(&TWO).await.unwrap();
    }
}
