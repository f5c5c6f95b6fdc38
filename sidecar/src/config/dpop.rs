//! What all routes share of DPoP: memory for proofs, and how long a nonce is good.

use postern_config::{ConfigError, Document};
use postern_decide::routes::DpopRule;
use postern_decide::{CacheLimits, Routes, Settings};
use serde::Deserialize;

use super::within;

/// What all routes share of DPoP (RFC 9449).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedDpop {
    /// How many used proofs are remembered, so that none counts twice, 100 to 10000000. While all of them are still good,
    /// further proofs are refused (`dpop_proof_replayed`): allow for the requests of one `iat_window_seconds`, twice. Default 100000.
    #[serde(default = "replay_cache_entries")]
    pub replay_cache_entries: u64,
    /// How long a nonce is good, in seconds, 10 to 3600, then it is `use_dpop_nonce`; proofs are told a new one before. Default 300.
    #[serde(default = "nonce_lifetime_seconds")]
    pub nonce_lifetime_seconds: u64,
}

impl Default for SharedDpop {
    fn default() -> Self {
        Self {
            replay_cache_entries: replay_cache_entries(),
            nonce_lifetime_seconds: nonce_lifetime_seconds(),
        }
    }
}

const fn replay_cache_entries() -> u64 {
    100_000
}

fn nonce_lifetime_seconds() -> u64 {
    u64::from(Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS)
}

/// The lifetime of a nonce, in seconds.
pub(super) fn nonce_lifetime(document: &Document, file: &SharedDpop) -> Result<u32, ConfigError> {
    let path = &["dpop", "nonce_lifetime_seconds"];
    let seconds = within(document, path, file.nonce_lifetime_seconds, 10, 3_600)?;
    Ok(u32::try_from(seconds).unwrap_or(Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS))
}

/// The bounds of the caches: proofs are remembered for as long as the most patient route takes them.
pub(super) fn cache_limits(
    document: &Document,
    file: &SharedDpop,
    token_bytes: u64,
    routes: &Routes,
) -> Result<CacheLimits, ConfigError> {
    let path = &["dpop", "replay_cache_entries"];
    let proofs = within(document, path, file.replay_cache_entries, 100, 10_000_000)?;
    Ok(CacheLimits {
        token_bytes,
        dpop_proofs: usize::try_from(proofs).unwrap_or(usize::MAX),
        dpop_window_seconds: routes
            .iter()
            .map(|(_, route)| route.dpop.iat_window_seconds)
            .max()
            .unwrap_or(DpopRule::DEFAULT_IAT_WINDOW_SECONDS),
    })
}
