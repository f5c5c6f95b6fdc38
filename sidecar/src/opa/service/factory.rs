//! All services of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_opa_config::{Credentials, Host, Service as Configured, Services};
use secrecy::ExposeSecret;

use super::Service;
use super::connections::Connections;
use super::proxies::Proxies;
use super::server::{Server, Shown, headers};

/// How long a server may take to begin its answer where the configuration says for ever.
const LONGEST_HEADER_TIMEOUT: Duration = Duration::from_secs(600);

/// A service can't be asked as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("services.{name}: {problem}")]
pub(crate) struct ServiceError {
    name: String,
    problem: String,
}

/// All of them, by their names. Nothing is asked yet; files of certificates are read.
///
/// # Errors
/// The first that can't be asked, and why.
pub(crate) fn services(
    configured: &Services,
    host: &dyn Host,
) -> Result<BTreeMap<String, Arc<dyn Service>>, ServiceError> {
    let services = configured.iter().map(|(name, configured)| {
        let server = server(name, configured, host).map_err(|problem| ServiceError {
            name: name.clone(),
            problem,
        })?;
        Ok((name.clone(), Arc::new(server) as Arc<dyn Service>))
    });
    services.collect()
}

fn server(name: &str, configured: &Configured, host: &dyn Host) -> Result<Server, String> {
    let mut connections = Connections::new(&configured.tls, Proxies::of(host)?, host)?;
    // In OPA it is about the service's own address.
    connections.allow_insecure &= configured.url.starts_with("https://");
    let shown = match &configured.credentials {
        Credentials::None => Shown::Nothing,
        Credentials::Bearer { scheme, token } => Shown::Bearer {
            scheme: scheme.clone(),
            token: token.clone(),
        },
        Credentials::OAuth2(_) => return Err(not_yet("oauth2")),
        Credentials::ClientTls(_) => return Err(not_yet("client_tls")),
        Credentials::S3Signing(_) => return Err(not_yet("s3_signing")),
    };
    let given = configured.headers.iter();
    Ok(Server {
        name: name.to_owned(),
        url: configured.url.clone(),
        headers: headers(given.map(|(name, value)| (name.as_str(), value.expose_secret())))?,
        client: connections.client(|builder| builder)?,
        shown,
        header_timeout: match configured.response_header_timeout_seconds {
            0 => LONGEST_HEADER_TIMEOUT,
            seconds => Duration::from_secs(seconds).min(LONGEST_HEADER_TIMEOUT),
        },
    })
}

fn not_yet(what: &str) -> String {
    format!(
        "its credentials ({what}) can't be honoured here yet; without them nothing is sent there, so name another"
    )
}
