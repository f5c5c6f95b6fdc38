//! The service's tables: rows in, domain values out. It never opens a seal, and nobody else names these tables.

use postern_store::{DatabaseError, Migrations};

pub(crate) mod nonce_keys;
pub(crate) mod revocations;
pub(crate) mod signing_keys;

/// What makes this service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "token",
    steps: &[
        (
            1,
            "signing_keys",
            include_str!("../migrations/sqlite/0001_signing_keys.sql"),
        ),
        (
            2,
            "revocations",
            include_str!("../migrations/sqlite/0002_revocations.sql"),
        ),
        (
            3,
            "nonce_keys",
            include_str!("../migrations/sqlite/0003_nonce_keys.sql"),
        ),
    ],
};

/// Why rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row holds what no version of ours wrote.
    #[error("the {what} `{id}` has an invalid `{column}` in the database")]
    Corrupt {
        /// What the row is.
        what: &'static str,
        /// Its id.
        id: String,
        /// What is wrong.
        column: &'static str,
    },
}

impl RepositoryError {
    fn corrupt(what: &'static str, id: &str, column: &'static str) -> Self {
        Self::Corrupt {
            what,
            id: id.to_owned(),
            column,
        }
    }
}

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
