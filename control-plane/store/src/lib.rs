//! Storage infrastructure of the control plane: the data folder, the database pool and its migrations, the log of changes
//! that sidecars follow, sealed secrets, and the two ambient things that everything else takes as arguments, time and randomness.
//!
//! It knows no service. Each service owns its tables: it hands its own [`Migrations`], kept in a ledger of its own,
//! to [`Database::migrate`], and nobody else's SQL names those tables.
//!
//! SQL is what PostgreSQL and SQLite share: `$1` parameters, `ON CONFLICT`, `RETURNING`, integers for time (seconds
//! since the epoch), text for ids. Only what creates tables differs, so migrations live in `migrations/sqlite`.

mod change_log;
mod clock;
mod credential;
mod database;
mod entropy;
mod folder;
mod private_file;
mod repository_error;
mod seal;

#[cfg(feature = "testing")]
pub mod testing;

pub use change_log::{Change, ChangeLog, MIGRATIONS as CHANGE_LOG_MIGRATIONS, Position};
pub use clock::{Clock, SystemClock};
pub use credential::{Credential, Role};
pub use database::{Database, DatabaseError, Migrations, Tx};
pub use entropy::{Entropy, SystemEntropy, random_bytes, random_token};
pub use folder::{DataFolder, FORMAT, FolderError};
pub use repository_error::RepositoryError;
pub use seal::{SealError, Sealed, Sealer};
