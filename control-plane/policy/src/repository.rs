//! The table `bundles`: archives in, archives out. It verifies nothing.

use bytes::Bytes;
use postern_store::{Database, DatabaseError, Migrations};

use crate::model::Published;

/// What makes this service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "policy",
    steps: &[
        (
            1,
            "bundles",
            include_str!("../migrations/sqlite/0001_bundles.sql"),
        ),
        (
            2,
            "bundle_sequences",
            include_str!("../migrations/sqlite/0002_bundle_sequences.sql"),
        ),
        (
            3,
            "bundle_sources",
            include_str!("../migrations/sqlite/0003_bundle_sources.sql"),
        ),
    ],
};

/// An archive as it is kept.
pub(crate) struct StoredBundle {
    /// Greater than that of every older one of its name: the order in which they came.
    sequence: i64,
    pub(crate) revision: String,
    pub(crate) archive: Bytes,
    /// The digest of what it was compiled from, where it was.
    pub(crate) source: Option<String>,
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
        "INSERT INTO bundles (name, sequence, revision, etag, archive, published_at, source)
         VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM bundles WHERE name = $1), $2, $3, $4, $5, $6)
         RETURNING sequence",
    )
    .bind(published.name.as_str())
    .bind(published.revision())
    .bind(&published.etag)
    .bind(published.archive.as_ref())
    .bind(published.published_at)
    .bind(published.source.as_deref())
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM bundles WHERE name = $1 AND sequence <= $2")
        .bind(published.name.as_str())
        .bind(sequence - i64::from(keep))
        .execute(&mut *tx)
        .await?;
    if let Some(highest) = published.sequence.and_then(|highest| i64::try_from(highest).ok()) {
        sqlx::query(
            "INSERT INTO bundle_sequences (name, highest) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET highest = excluded.highest WHERE excluded.highest > bundle_sequences.highest",
        )
        .bind(published.name.as_str())
        .bind(highest)
        .execute(&mut *tx)
        .await?;
    }
    Ok(tx.commit().await?)
}

/// The highest sequence that a signer gave to a bundle of this name; `None` where none had one.
pub(crate) async fn highest_sequence(database: &Database, name: &str) -> Result<Option<u64>, DatabaseError> {
    let highest: Option<i64> = sqlx::query_scalar("SELECT highest FROM bundle_sequences WHERE name = $1")
        .bind(name)
        .fetch_optional(database.pool())
        .await?;
    Ok(highest.and_then(|highest| u64::try_from(highest).ok()))
}

/// The names that there are bundles of.
pub(crate) async fn names(database: &Database) -> Result<Vec<String>, DatabaseError> {
    let names = sqlx::query_scalar("SELECT DISTINCT name FROM bundles ORDER BY name");
    Ok(names.fetch_all(database.pool()).await?)
}

/// `sequence, revision, archive, published_at, source`.
type Row = (i64, String, Vec<u8>, i64, Option<String>);

/// The newest bundle of a name, or the newest that is older than `before`. One at a time, since archives are large.
pub(crate) async fn newest(
    database: &Database,
    name: &str,
    before: Option<&StoredBundle>,
) -> Result<Option<StoredBundle>, DatabaseError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT sequence, revision, archive, published_at, source FROM bundles WHERE name = $1 AND sequence < $2
         ORDER BY sequence DESC LIMIT 1",
    )
    .bind(name)
    .bind(before.map_or(i64::MAX, |before| before.sequence))
    .fetch_optional(database.pool())
    .await?;
    Ok(row.map(
        |(sequence, revision, archive, published_at, source)| StoredBundle {
            sequence,
            revision,
            archive: archive.into(),
            source,
            published_at,
        },
    ))
}
