//! What goes wrong between a service and its tables, whichever service it is. Never says what a row means.

use crate::database::DatabaseError;

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
    /// The row `id` of a kind, of which this column says what it can't.
    #[must_use]
    pub fn corrupt(what: &'static str, id: &str, column: &'static str) -> Self {
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
