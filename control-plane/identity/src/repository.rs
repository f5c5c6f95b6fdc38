//! The service's tables: rows in, domain values out. It decides nothing, and nobody else names these tables.

use postern_store::Migrations;
pub(crate) use postern_store::RepositoryError;

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
