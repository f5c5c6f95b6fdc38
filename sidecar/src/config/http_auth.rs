//! Where proxies that ask over HTTP do so, and who may: never open to whoever can reach a port.

use postern_config::{ConfigError, Document, Listen};
use postern_decide::routes::AddressRange;
use serde::Deserialize;

use super::{resolved, within};
use crate::http_auth::{HttpAuthPlan, Mode};

/// Where proxies ask over HTTP instead of gRPC: Envoy's `http_service`, Traefik, Caddy, nginx. See docs/forward-auth.md.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAuth {
    /// Each `unix:/path` (mode 0660) or `address:port`.
    pub listen: Vec<Listen>,
    /// Which proxies ask: `envoy` (its HTTP service), `forward` (Traefik's forwardAuth, Caddy's forward_auth) or `nginx`
    /// (auth_request). One sidecar serves one kind.
    pub mode: Mode,
    /// Addresses and blocks of them (`10.0.0.0/8`) from which a proxy may ask over TCP; everybody else is refused
    /// (`untrusted_forwarder`), whatever they say about the request. Needed with `address:port`; whoever can open a Unix socket may ask.
    #[serde(default)]
    pub trusted_peers: Vec<String>,
    /// Connections at once over all of these listeners, 1 to 65536; further ones wait to be accepted. Default 256.
    #[serde(default = "max_connections")]
    pub max_connections: u64,
}

const fn max_connections() -> u64 {
    256
}

/// The section of the file, checked.
pub(super) fn checked(document: &Document, file: HttpAuth) -> Result<HttpAuthPlan, ConfigError> {
    if file.listen.is_empty() {
        return Err(document.invalid(
            &["http_auth", "listen"],
            "expected at least one of unix:/path and address:port",
        ));
    }
    let over_tcp = file.listen.iter().any(|listen| matches!(listen, Listen::Tcp(_)));
    if over_tcp && file.trusted_peers.is_empty() {
        return Err(document.invalid(
            &["http_auth", "trusted_peers"],
            "expected the addresses of the proxies, such as 127.0.0.1 or 10.0.0.0/8: whoever may ask over TCP says what \
             the request was",
        ));
    }
    let mut listen = Vec::with_capacity(file.listen.len());
    for (index, address) in file.listen.into_iter().enumerate() {
        let place = index.to_string();
        listen.push(resolved(document, &["http_auth", "listen", &place], address)?);
    }
    let mut trusted_peers = Vec::with_capacity(file.trusted_peers.len());
    for (index, text) in file.trusted_peers.iter().enumerate() {
        let place = index.to_string();
        let range = AddressRange::parse(text)
            .map_err(|error| document.invalid(&["http_auth", "trusted_peers", &place], error.to_string()))?;
        trusted_peers.push(range);
    }
    let connections = &["http_auth", "max_connections"];
    let max_connections = within(document, connections, file.max_connections, 1, 65_536)?;
    Ok(HttpAuthPlan {
        listen,
        mode: file.mode,
        trusted_peers,
        max_connections: usize::try_from(max_connections).unwrap_or(usize::MAX),
    })
}
