//! The table `api_keys`: rows in, keys out. It decides nothing.

use postern_store::{Database, Tx};

use super::RepositoryError;
use crate::model::{ApiKey, ApiKeyId, ApiKeyName, Scope, Subject};
use crate::secret::SecretHash;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    subject: String,
    name: String,
    scopes: String,
    sha256: Vec<u8>,
    created_at: i64,
    expires_at: i64,
}

/// Adds a key.
pub(crate) async fn insert(tx: &mut Tx, key: &ApiKey, hash: &SecretHash) -> Result<(), RepositoryError> {
    let scopes: Vec<&str> = key.scopes.iter().map(Scope::as_str).collect();
    sqlx::query(
        "INSERT INTO api_keys (id, subject, name, scopes, sha256, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(key.id.as_str())
    .bind(key.subject.as_str())
    .bind(key.name.as_str())
    .bind(scopes.join(" "))
    .bind(hash.0.as_slice())
    .bind(key.created_at)
    .bind(key.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many keys there are, expired ones included.
pub(crate) async fn total(tx: &mut Tx) -> Result<i64, RepositoryError> {
    let total = sqlx::query_scalar("SELECT COUNT(*) FROM api_keys")
        .fetch_one(&mut **tx)
        .await?;
    Ok(total)
}

/// Removes a key. `false`: there is none of this id.
pub(crate) async fn remove(tx: &mut Tx, id: &ApiKeyId) -> Result<bool, RepositoryError> {
    let removed = sqlx::query("DELETE FROM api_keys WHERE id = $1")
        .bind(id.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(removed.rows_affected() == 1)
}

/// Removes up to `at_most` keys that expired before `time`; gives how many.
pub(crate) async fn purge(database: &Database, time: i64, at_most: u32) -> Result<u64, RepositoryError> {
    let removed = sqlx::query(
        "DELETE FROM api_keys WHERE id IN (
            SELECT id FROM api_keys WHERE expires_at > 0 AND expires_at < $1 LIMIT $2
         )",
    )
    .bind(time)
    .bind(i64::from(at_most))
    .execute(database.pool())
    .await?;
    Ok(removed.rows_affected())
}

/// Up to `limit` keys in the order of their ids, those after `after`; expired ones too.
pub(crate) async fn list(
    database: &Database,
    after: Option<&ApiKeyId>,
    limit: u32,
) -> Result<Vec<(ApiKey, SecretHash)>, RepositoryError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, subject, name, scopes, sha256, created_at, expires_at FROM api_keys
         WHERE id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after.map_or("", ApiKeyId::as_str))
    .bind(i64::from(limit))
    .fetch_all(database.pool())
    .await?;
    rows.iter().map(key).collect()
}

fn key(row: &Row) -> Result<(ApiKey, SecretHash), RepositoryError> {
    let wrong = |column| RepositoryError::corrupt("API key", &row.id, column);
    let scope = |scope| Scope::parse(scope).ok_or_else(|| wrong("scopes"));
    let key = ApiKey {
        id: ApiKeyId::parse(&row.id).ok_or_else(|| wrong("id"))?,
        subject: Subject::parse(&row.subject).ok_or_else(|| wrong("subject"))?,
        name: ApiKeyName::parse(&row.name).ok_or_else(|| wrong("name"))?,
        scopes: row
            .scopes
            .split_ascii_whitespace()
            .map(scope)
            .collect::<Result<_, _>>()?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    let hash = row.sha256.as_slice().try_into().map_err(|_| wrong("sha256"))?;
    Ok((key, SecretHash(hash)))
}
