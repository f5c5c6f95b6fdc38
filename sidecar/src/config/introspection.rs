//! How an issuer is asked about tokens that it alone can read (RFC 7662), and how little its troubles may cost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_config::{ConfigError, Document};
use postern_resilience::{BreakerSettings, OutgoingSettings};
use serde::Deserialize;

use super::{url, within};
use crate::introspect::IntrospectionPlan;
use crate::sync::read_credential;

/// The issuer's introspection endpoint (RFC 7662), for tokens that are no JWTs. A JWT is never sent there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// The endpoint, http or https.
    pub url: String,
    /// The client that asks.
    pub client_id: String,
    /// A file with its secret, one line, sent as `client_secret_basic`. Read when the configuration is.
    pub client_secret_file: PathBuf,
    /// How long an answer is waited for, in milliseconds, 10 to 10000. Below Envoy's own timeout for a check, or Envoy gives
    /// up first. Default 400.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How long an answer counts, in seconds, 0 to 3600: a token that is revoked meanwhile is accepted for so long, unless
    /// the control plane tells. Never beyond its `exp`; a "no" counts for 10 s at most. Default 30.
    #[serde(default = "cache_seconds")]
    pub cache_seconds: u64,
    /// How much longer an answer "active" counts while the issuer can't be asked, in seconds, 0 to 86400. 0, the default,
    /// refuses such tokens then (503 `introspection_unavailable`).
    #[serde(default)]
    pub serve_stale_seconds: u64,
    /// How many calls there may be at once.
    #[serde(default)]
    pub pool: Pool,
    /// When the issuer is left alone.
    #[serde(default)]
    pub breaker: Breaker,
}

/// How many calls to an issuer there may be at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Calls under way, 1 to 1024. Default 16.
    #[serde(default = "max_in_flight")]
    pub max_in_flight: u64,
    /// Calls that wait for one of those to end, 0 to 65536; beyond, a token is refused at once (503
    /// `introspection_unavailable`). Default 64.
    #[serde(default = "max_waiting")]
    pub max_waiting: u64,
}

/// A circuit breaker: open, it lets no call through, and answers come at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// So many failures in a row open it (no answer, a 5xx, one that is no introspection response), 1 to 1000. Default 5.
    #[serde(default = "failures_to_open")]
    pub failures_to_open: u64,
    /// So many successes close it again, 1 to 1000. Default 2.
    #[serde(default = "successes_to_close")]
    pub successes_to_close: u64,
    /// How long it stays open before it tries again, in seconds, 1 to 3600. Default 10.
    #[serde(default = "open_seconds")]
    pub open_seconds: u64,
    /// How many calls it then lets through at once, 1 to 100. Default 1.
    #[serde(default = "half_open_probes")]
    pub half_open_probes: u64,
}

const fn timeout_ms() -> u64 {
    400
}

const fn cache_seconds() -> u64 {
    30
}

const fn max_in_flight() -> u64 {
    16
}

const fn max_waiting() -> u64 {
    64
}

const fn failures_to_open() -> u64 {
    5
}

const fn successes_to_close() -> u64 {
    2
}

const fn open_seconds() -> u64 {
    10
}

const fn half_open_probes() -> u64 {
    1
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            max_in_flight: max_in_flight(),
            max_waiting: max_waiting(),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures_to_open: failures_to_open(),
            successes_to_close: successes_to_close(),
            open_seconds: open_seconds(),
            half_open_probes: half_open_probes(),
        }
    }
}

/// The section of the issuer at `place` in the file, checked.
pub(super) fn checked(
    document: &Document,
    place: &str,
    issuer: &str,
    file: Introspection,
) -> Result<IntrospectionPlan, ConfigError> {
    let section = ["issuers", place, "introspection"];
    let at = |keys: &[&'static str]| [&section[..], keys].concat();
    let number = |keys: &[&'static str], value, least, most| within(document, &at(keys), value, least, most);
    if file.client_id.is_empty() {
        return Err(document.invalid(&at(&["client_id"]), "expected the client that asks"));
    }
    let outgoing = OutgoingSettings {
        max_in_flight: count(number(
            &["pool", "max_in_flight"],
            file.pool.max_in_flight,
            1,
            1_024,
        )?),
        max_waiting: count(number(
            &["pool", "max_waiting"],
            file.pool.max_waiting,
            0,
            65_536,
        )?),
        deadline: Duration::from_millis(number(&["timeout_ms"], file.timeout_ms, 10, 10_000)?),
        breaker: breaker(document, &section, &file.breaker)?,
    };
    Ok(IntrospectionPlan {
        issuer: issuer.to_owned(),
        client_id: file.client_id,
        client_secret: secret(document, &at(&["client_secret_file"]), &file.client_secret_file)?,
        cache: Duration::from_secs(number(&["cache_seconds"], file.cache_seconds, 0, 3_600)?),
        stale: Duration::from_secs(number(
            &["serve_stale_seconds"],
            file.serve_stale_seconds,
            0,
            86_400,
        )?),
        outgoing,
        url: url(document, &at(&["url"]), file.url)?,
    })
}

fn breaker(document: &Document, section: &[&str], file: &Breaker) -> Result<BreakerSettings, ConfigError> {
    let number = |key: &str, value, most| {
        let at = [section, &["breaker", key]].concat();
        let number = within(document, &at, value, 1, most)?;
        Ok::<_, ConfigError>(u32::try_from(number).unwrap_or(u32::MAX))
    };
    let open_seconds = number("open_seconds", file.open_seconds, 3_600)?;
    BreakerSettings::new(
        number("failures_to_open", file.failures_to_open, 1_000)?,
        number("successes_to_close", file.successes_to_close, 1_000)?,
        Duration::from_secs(open_seconds.into()),
        number("half_open_probes", file.half_open_probes, 100)?,
    )
    .map_err(|error| document.invalid(&[section, &["breaker"]].concat(), error.to_string()))
}

fn secret(document: &Document, key: &[&str], path: &Path) -> Result<secrecy::SecretString, ConfigError> {
    read_credential(&document.resolve(path)).map_err(|error| document.invalid(key, error.to_string()))
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
