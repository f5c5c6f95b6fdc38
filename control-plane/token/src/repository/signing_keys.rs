//! The table `signing_keys`: rows in, sealed keys out. It never opens a seal.

use postern_jose::{Algorithm, Jwk};
use postern_store::{DatabaseError, Sealed, Tx};

use super::RepositoryError;

/// A key as it is kept.
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Jwk,
    pub(crate) private: Sealed,
    /// Seconds since the epoch.
    pub(crate) created_at: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    kid: String,
    algorithm: String,
    public_jwk: String,
    private_key: Vec<u8>,
    created_at: i64,
}

/// Every key, newest first.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<StoredKey>, RepositoryError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT kid, algorithm, public_jwk, private_key, created_at FROM signing_keys
         ORDER BY created_at DESC, kid",
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(DatabaseError::from)?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

/// Adds a key.
pub(crate) async fn insert(tx: &mut Tx, key: &StoredKey) -> Result<(), RepositoryError> {
    sqlx::query(
        "INSERT INTO signing_keys (kid, algorithm, public_jwk, private_key, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&key.kid)
    .bind(key.algorithm.as_str())
    .bind(serde_json::Value::Object(key.public.to_object()).to_string())
    .bind(&key.private.0)
    .bind(key.created_at)
    .execute(&mut **tx)
    .await
    .map_err(DatabaseError::from)?;
    Ok(())
}

impl TryFrom<Row> for StoredKey {
    type Error = RepositoryError;

    fn try_from(row: Row) -> Result<Self, RepositoryError> {
        let wrong = |column| RepositoryError::corrupt("signing key", &row.kid, column);
        Ok(Self {
            algorithm: row.algorithm.parse().map_err(|_| wrong("algorithm"))?,
            public: Jwk::parse(&row.public_jwk).map_err(|_| wrong("public_jwk"))?,
            private: Sealed(row.private_key),
            created_at: row.created_at,
            kid: row.kid,
        })
    }
}
