//! The service's tables: rows in, domain values out. It decides nothing, and nobody else names these tables.

use postern_store::{DatabaseError, Migrations};

pub(crate) mod api_keys;
pub(crate) mod clients;

/// What makes this service's tables.
pub const MIGRATIONS: Migrations = Migrations {
    service: "identity",
    steps: &[
        (
            1,
            "clients",
            include_str!("../migrations/sqlite/0001_clients.sql"),
        ),
        (
            2,
            "api_keys",
            include_str!("../migrations/sqlite/0002_api_keys.sql"),
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
    pub(crate) fn corrupt(what: &'static str, id: &str, column: &'static str) -> Self {
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
