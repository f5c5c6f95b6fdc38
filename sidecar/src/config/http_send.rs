//! What a policy may ask of whom (`http.send`), and what that may cost.

use std::path::PathBuf;
use std::time::Duration;

use postern_config::{ConfigError, Document};
use serde::Deserialize;

use super::within;
use crate::http_send::{AllowedHost, HostPattern, HttpSendPlan, Scheme};

/// What the policy may ask over HTTP (`http.send`). Without it a policy that calls `http.send` is refused when it is loaded,
/// and with it requests are made on routes that say `http_send: true` alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSend {
    /// The hosts that may be asked, at least one and at most a hundred. A request to another denies (`policy_error`).
    pub hosts: Vec<HttpSendHost>,
    /// How long all requests of one decision may take together, in milliseconds, 1 to 10000; after that it is denied
    /// (`policy_error`). Below Envoy's own timeout for a check, or Envoy gives up first. Default 50.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// The largest answer, in KiB, 1 to 4096; a larger one denies (`policy_error`). Default 256.
    #[serde(default = "max_response_kib")]
    pub max_response_kib: u64,
    /// A file with certificates (PEM) of authorities that are trusted besides the system's. Read when the configuration is.
    pub ca_file: Option<PathBuf>,
}

/// A host that may be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSendHost {
    /// `api.example.com`, `api.example.com:8443`, or `*.example.com` for all below it; an address, too. Without a port it is
    /// 443.
    pub host: String,
    /// `https`, or `http`, which wants a port in `host`. Default `https`.
    #[serde(default)]
    pub scheme: HttpScheme,
    /// Whether its address may be private, of this host or of its link. Otherwise a request to such an address denies
    /// (`policy_error`), whatever DNS says. Default false.
    #[serde(default)]
    pub allow_private: bool,
}

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpScheme {
    /// With TLS.
    #[default]
    Https,
    /// In plain text.
    Http,
}

const fn timeout_ms() -> u64 {
    50
}

const fn max_response_kib() -> u64 {
    256
}

/// The section, checked.
pub(super) fn checked(document: &Document, file: HttpSend) -> Result<HttpSendPlan, ConfigError> {
    let at = |key: &'static str| ["policy", "http_send", key];
    if !(1..=100).contains(&file.hosts.len()) {
        return Err(document.invalid(
            &at("hosts"),
            "expected 1 to 100 hosts; leave `http_send` out to have it off",
        ));
    }
    let mut hosts = Vec::with_capacity(file.hosts.len());
    for (index, host) in file.hosts.into_iter().enumerate() {
        let scheme = match host.scheme {
            HttpScheme::Https => Scheme::Https,
            HttpScheme::Http => Scheme::Http,
        };
        let pattern = HostPattern::parse(&host.host, scheme).map_err(|expected| {
            let index = index.to_string();
            document.invalid(&["policy", "http_send", "hosts", &index, "host"], expected)
        })?;
        hosts.push(AllowedHost {
            pattern,
            allow_private: host.allow_private,
        });
    }
    let authorities = match file.ca_file {
        None => None,
        Some(path) => {
            let path = document.resolve(&path);
            let pem = std::fs::read(&path)
                .map_err(|error| document.invalid(&at("ca_file"), format!("{}: {error}", path.display())))?;
            Some((path, pem))
        }
    };
    let timeout = within(document, &at("timeout_ms"), file.timeout_ms, 1, 10_000)?;
    let kib = within(document, &at("max_response_kib"), file.max_response_kib, 1, 4_096)?;
    Ok(HttpSendPlan {
        hosts,
        timeout: Duration::from_millis(timeout),
        max_response: usize::try_from(kib << 10).unwrap_or(usize::MAX),
        authorities,
    })
}
