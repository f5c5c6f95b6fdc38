//! The service's tables: rows in, domain values out. It never opens a seal, and nobody else names these tables.

use postern_store::Migrations;
pub(crate) use postern_store::RepositoryError;

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
