//! The table `revocations`: rows in, entries out. It decides nothing.

use std::fmt;

use postern_store::{Database, Tx};

use super::RepositoryError;
use crate::model::{Revocation, RevokedTokens, Which};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    issuer: String,
    kind: String,
    claim: String,
    value: String,
    issued_before: i64,
    expires_at: i64,
    revoked_at: i64,
    reason: String,
}

/// Where a listing goes on: after the entry with this time and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) revoked_at: i64,
    pub(crate) id: String,
}

impl Cursor {
    pub(crate) fn after(entry: &Revocation) -> Self {
        Self {
            revoked_at: entry.revoked_at,
            id: entry.tokens.id(),
        }
    }

    /// From the text that a page gave.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (revoked_at, id) = text.split_once('.')?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then_some(())?;
        Some(Self {
            revoked_at: revoked_at.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.revoked_at, self.id)
    }
}

/// One entry, expired or not.
pub(crate) async fn find(tx: &mut Tx, id: &str) -> Result<Option<Revocation>, RepositoryError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, issuer, kind, claim, value, issued_before, expires_at, revoked_at, reason FROM revocations
         WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Revocation::try_from).transpose()
}

/// How many entries there are, expired ones included.
async fn total(tx: &mut Tx) -> Result<i64, RepositoryError> {
    let total = sqlx::query_scalar("SELECT total FROM revocations_total")
        .fetch_one(&mut **tx)
        .await?;
    Ok(total)
}

/// Adds the entry, or replaces the one for the same tokens. The caller says [`added`] how many were new.
pub(crate) async fn put(tx: &mut Tx, entry: &Revocation) -> Result<(), RepositoryError> {
    let (kind, claim, value) = entry.tokens.which.parts();
    sqlx::query(
        "INSERT INTO revocations (id, issuer, kind, claim, value, issued_before, expires_at, revoked_at, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET issued_before = excluded.issued_before, expires_at = excluded.expires_at,
             revoked_at = excluded.revoked_at, reason = excluded.reason",
    )
    .bind(entry.tokens.id())
    .bind(&entry.tokens.issuer)
    .bind(kind)
    .bind(claim)
    .bind(value)
    .bind(entry.issued_before)
    .bind(entry.expires_at)
    .bind(entry.revoked_at)
    .bind(&entry.reason)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many different claims entries of this issuer name, expired ones included, but `claim`; `None` where one of them names
/// `claim`. Steps from claim to claim through the index, however many entries there are.
pub(crate) async fn other_claims(
    tx: &mut Tx,
    issuer: &str,
    claim: &str,
) -> Result<Option<i64>, RepositoryError> {
    let known: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM revocations WHERE issuer = $1 AND claim = $2)")
            .bind(issuer)
            .bind(claim)
            .fetch_one(&mut **tx)
            .await?;
    if known {
        return Ok(None);
    }
    let others = sqlx::query_scalar(
        "WITH RECURSIVE claims (claim) AS (
            SELECT MIN(claim) FROM revocations WHERE issuer = $1 AND claim > ''
            UNION ALL
            SELECT (SELECT MIN(claim) FROM revocations WHERE issuer = $1 AND claim > claims.claim)
            FROM claims WHERE claims.claim IS NOT NULL
         )
         SELECT COUNT(claim) FROM claims",
    )
    .bind(issuer)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Some(others))
}

/// Counts entries that were added; gives how many there are then, expired ones included.
pub(crate) async fn added(tx: &mut Tx, count: i64) -> Result<i64, RepositoryError> {
    add_to_total(tx, count).await?;
    total(tx).await
}

/// Removes an entry that is there.
pub(crate) async fn remove(tx: &mut Tx, id: &str) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM revocations WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    add_to_total(tx, -1).await
}

/// Removes up to `at_most` entries that have expired, the oldest first; gives how many.
pub(crate) async fn purge(tx: &mut Tx, now: i64, at_most: u32) -> Result<u64, RepositoryError> {
    let removed = sqlx::query(
        "DELETE FROM revocations WHERE id IN (
            SELECT id FROM revocations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
         )",
    )
    .bind(now)
    .bind(i64::from(at_most))
    .execute(&mut **tx)
    .await?
    .rows_affected();
    add_to_total(tx, -i64::try_from(removed).unwrap_or(0)).await?;
    Ok(removed)
}

/// Up to `limit` entries that haven't expired, newest first, those after `cursor`.
pub(crate) async fn newest(
    database: &Database,
    cursor: Option<&Cursor>,
    now: i64,
    limit: u32,
) -> Result<Vec<Revocation>, RepositoryError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, issuer, kind, claim, value, issued_before, expires_at, revoked_at, reason FROM revocations
         WHERE (revoked_at, id) < ($1, $2) AND expires_at > $3
         ORDER BY revoked_at DESC, id DESC LIMIT $4",
    )
    .bind(cursor.map_or(i64::MAX, |cursor| cursor.revoked_at))
    .bind(cursor.map_or("", |cursor| cursor.id.as_str()))
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(database.pool())
    .await?;
    rows.into_iter().map(Revocation::try_from).collect()
}

/// Up to `limit` entries that haven't expired in the order of their ids, those after `after`.
pub(crate) async fn by_id(
    database: &Database,
    after: &str,
    now: i64,
    limit: u32,
) -> Result<Vec<(String, Revocation)>, RepositoryError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, issuer, kind, claim, value, issued_before, expires_at, revoked_at, reason FROM revocations
         WHERE id > $1 AND expires_at > $2 ORDER BY id LIMIT $3",
    )
    .bind(after)
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(database.pool())
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id.clone(), Revocation::try_from(row)?)))
        .collect()
}

async fn add_to_total(tx: &mut Tx, count: i64) -> Result<(), RepositoryError> {
    if count != 0 {
        sqlx::query("UPDATE revocations_total SET total = total + $1")
            .bind(count)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

impl TryFrom<Row> for Revocation {
    type Error = RepositoryError;

    fn try_from(row: Row) -> Result<Self, RepositoryError> {
        let which = Which::from_parts(&row.kind, row.claim, row.value)
            .ok_or_else(|| RepositoryError::corrupt("revocation", &row.id, "value"))?;
        Ok(Self {
            tokens: RevokedTokens {
                issuer: row.issuer,
                which,
            },
            issued_before: row.issued_before,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            reason: row.reason,
        })
    }
}
