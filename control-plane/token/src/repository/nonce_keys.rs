//! The table `nonce_keys`: rows in, sealed keys out.

use postern_store::{Sealed, Tx};

use super::RepositoryError;
use crate::model::nonce_keys::Term;

/// A key as it is kept.
pub(crate) struct StoredNonceKey {
    pub(crate) id: String,
    pub(crate) key: Sealed,
    pub(crate) term: Term,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    key: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

/// Every key, by the beginning of its term.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<StoredNonceKey>, RepositoryError> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT id, key, not_before, not_after FROM nonce_keys ORDER BY not_before, id")
            .fetch_all(&mut **tx)
            .await?;
    let stored = |row: Row| StoredNonceKey {
        id: row.id,
        key: Sealed(row.key),
        term: Term {
            not_before: row.not_before,
            not_after: row.not_after,
        },
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// Adds a key.
pub(crate) async fn insert(tx: &mut Tx, key: &StoredNonceKey) -> Result<(), RepositoryError> {
    sqlx::query("INSERT INTO nonce_keys (id, key, not_before, not_after) VALUES ($1, $2, $3, $4)")
        .bind(&key.id)
        .bind(&key.key.0)
        .bind(key.term.not_before)
        .bind(key.term.not_after)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes the keys whose term is over.
pub(crate) async fn remove_over(tx: &mut Tx, now: i64) -> Result<(), RepositoryError> {
    sqlx::query("DELETE FROM nonce_keys WHERE not_after <= $1")
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
