//! What several tests begin with.

use std::sync::Arc;

use postern_decide::{HeaderPrefix, Issuers, Revocations, Route, Routes, Settings, Snapshot};

/// No policy and no issuer, and one route for everything.
pub(crate) fn snapshot() -> Snapshot {
    let settings = Settings {
        realm: "postern".to_owned(),
        prefix: HeaderPrefix::new(HeaderPrefix::DEFAULT).unwrap(),
        max_upstream_headers: Settings::DEFAULT_MAX_UPSTREAM_HEADERS,
        dpop_nonce_lifetime_seconds: Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS,
    };
    Snapshot::initial(
        settings,
        Arc::new(Routes::catch_all(Route::named("default"))),
        Issuers::default(),
        Revocations::without_stream(),
    )
}
