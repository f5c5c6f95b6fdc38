//! The table `bundles`: archives in, archives out. It verifies nothing.

use bytes::Bytes;
use postern_store::{Database, DatabaseError, Migrations};

use crate::model::{BundleName, Published};

/// What makes this service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "policy",
    steps: &[(
        1,
        "bundles",
        include_str!("../migrations/sqlite/0001_bundles.sql"),
    )],
};

/// An archive as it is kept.
pub(crate) struct StoredBundle {
    pub(crate) name: String,
    pub(crate) archive: Bytes,
    /// Seconds since the epoch.
    pub(crate) published_at: i64,
}

/// Adds a bundle as the newest of its name, and drops all but the `keep` newest.
pub(crate) async fn insert(
    database: &Database,
    published: &Published,
    keep: u32,
) -> Result<(), DatabaseError> {
    let mut tx = database.write().await?;
    let (sequence,): (i64,) = sqlx::query_as(
        "INSERT INTO bundles (name, sequence, revision, etag, archive, published_at)
         VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM bundles WHERE name = $1), $2, $3, $4, $5)
         RETURNING sequence",
    )
    .bind(published.name.as_str())
    .bind(published.revision())
    .bind(&published.etag)
    .bind(published.archive.as_ref())
    .bind(published.published_at)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM bundles WHERE name = $1 AND sequence <= $2")
        .bind(published.name.as_str())
        .bind(sequence - i64::from(keep))
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

/// The newest bundle of each name.
pub(crate) async fn newest(database: &Database) -> Result<Vec<StoredBundle>, DatabaseError> {
    let rows: Vec<(String, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT name, archive, published_at FROM bundles AS b
         WHERE sequence = (SELECT MAX(sequence) FROM bundles WHERE name = b.name) ORDER BY name",
    )
    .fetch_all(database.pool())
    .await?;
    let stored = |(name, archive, published_at): (String, Vec<u8>, i64)| StoredBundle {
        name,
        archive: archive.into(),
        published_at,
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// The name of a stored bundle, as a name.
impl StoredBundle {
    pub(crate) fn bundle_name(&self) -> Option<BundleName> {
        BundleName::parse(&self.name)
    }
}
