//! The table `clients`: rows in, clients out. It decides nothing.

use postern_store::Database;

use super::RepositoryError;
use crate::model::{Audience, Client, ClientId, ClientName, Scope};
use crate::secret::SecretHash;

#[derive(sqlx::FromRow)]
struct Row {
    client_id: String,
    name: String,
    scopes: String,
    audience: String,
    created_at: i64,
}

/// Adds a client. `false`: its id is taken, and nothing was changed.
pub(crate) async fn insert(
    database: &Database,
    client: &Client,
    secret: &SecretHash,
) -> Result<bool, RepositoryError> {
    let scopes: Vec<&str> = client.scopes.iter().map(Scope::as_str).collect();
    let audience: serde_json::Value = client.audience.iter().map(Audience::as_str).collect();
    let result = sqlx::query(
        "INSERT INTO clients (client_id, name, scopes, audience, secret_sha256, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (client_id) DO NOTHING",
    )
    .bind(client.client_id.as_str())
    .bind(client.name.as_str())
    .bind(scopes.join(" "))
    .bind(audience.to_string())
    .bind(secret.0.as_slice())
    .bind(client.created_at)
    .execute(database.pool())
    .await?;
    Ok(result.rows_affected() == 1)
}

/// The hash of a client's secret, or `otherwise` where there is no such client: one row either way, so that both
/// cost the same.
pub(crate) async fn secret_hash(
    database: &Database,
    client_id: &ClientId,
    otherwise: &SecretHash,
) -> Result<SecretHash, RepositoryError> {
    let hash: Vec<u8> =
        sqlx::query_scalar("SELECT COALESCE((SELECT secret_sha256 FROM clients WHERE client_id = $1), $2)")
            .bind(client_id.as_str())
            .bind(otherwise.0.as_slice())
            .fetch_one(database.pool())
            .await?;
    let hash = hash
        .try_into()
        .map_err(|_| corrupt(client_id.as_str(), "secret_sha256"))?;
    Ok(SecretHash(hash))
}

/// One client.
pub(crate) async fn find(
    database: &Database,
    client_id: &ClientId,
) -> Result<Option<Client>, RepositoryError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT client_id, name, scopes, audience, created_at FROM clients WHERE client_id = $1",
    )
    .bind(client_id.as_str())
    .fetch_optional(database.pool())
    .await?;
    row.map(Client::try_from).transpose()
}

/// Up to `limit` clients in the order of their ids, those after `after`.
pub(crate) async fn list(
    database: &Database,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<Client>, RepositoryError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT client_id, name, scopes, audience, created_at FROM clients
         WHERE client_id > $1 ORDER BY client_id LIMIT $2",
    )
    .bind(after.map_or("", ClientId::as_str))
    .bind(i64::from(limit))
    .fetch_all(database.pool())
    .await?;
    rows.into_iter().map(Client::try_from).collect()
}

impl TryFrom<Row> for Client {
    type Error = RepositoryError;

    fn try_from(row: Row) -> Result<Self, RepositoryError> {
        let wrong = |column| corrupt(&row.client_id, column);
        let audience: Vec<String> = serde_json::from_str(&row.audience).map_err(|_| wrong("audience"))?;
        Ok(Self {
            client_id: ClientId::parse(&row.client_id).ok_or_else(|| wrong("client_id"))?,
            name: ClientName::parse(&row.name).ok_or_else(|| wrong("name"))?,
            scopes: row
                .scopes
                .split_ascii_whitespace()
                .map(|scope| Scope::parse(scope).ok_or_else(|| wrong("scopes")))
                .collect::<Result<_, _>>()?,
            audience: audience
                .iter()
                .map(|audience| Audience::parse(audience).ok_or_else(|| wrong("audience")))
                .collect::<Result<_, _>>()?,
            created_at: row.created_at,
        })
    }
}

fn corrupt(client_id: &str, column: &'static str) -> RepositoryError {
    RepositoryError::corrupt("client", client_id, column)
}
