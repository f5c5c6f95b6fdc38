//! All services of a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_opa_config::{Credentials, Keys, Service as Configured, Services};
use reqwest::redirect;
use secrecy::ExposeSecret;

use super::aws::AwsSigner;
use super::client_certificate::CertifiedClients;
use super::connections::Connections;
use super::oauth2::TokenSource;
use super::proxies::Proxies;
use super::server::{Clients, Server, Shown, headers};
use super::{Around, Service};

/// How long a server may take to begin its answer where the configuration says for ever.
const LONGEST_HEADER_TIMEOUT: Duration = Duration::from_secs(600);

/// A service can't be asked as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("services.{name}: {problem}")]
pub(crate) struct ServiceError {
    name: String,
    problem: String,
}

/// All of them, by their names; `keys` are those that they sign with. Nothing is asked yet; files of authorities are read.
///
/// # Errors
/// The first that can't be asked, and why.
pub(crate) fn services(
    configured: &Services,
    keys: &Keys,
    around: &Around,
) -> Result<BTreeMap<String, Arc<dyn Service>>, ServiceError> {
    let services = configured.iter().map(|(name, configured)| {
        let server = server(name, configured, keys, around).map_err(|problem| ServiceError {
            name: name.clone(),
            problem,
        })?;
        Ok((name.clone(), Arc::new(server) as Arc<dyn Service>))
    });
    services.collect()
}

fn server(name: &str, configured: &Configured, keys: &Keys, around: &Around) -> Result<Server, String> {
    let host = around.host.as_ref();
    let mut connections = Connections::new(&configured.tls, Proxies::of(host)?, around)?;
    let of_token_endpoint = connections.clone();
    // In OPA it is about the service's own address, but for the endpoint of its tokens.
    connections.allow_insecure &= configured.url.starts_with("https://");
    let shown = match &configured.credentials {
        Credentials::None | Credentials::ClientTls(_) => Shown::Nothing,
        Credentials::Bearer { scheme, token } => Shown::Bearer {
            scheme: scheme.clone(),
            token: token.clone(),
        },
        Credentials::OAuth2(oauth2) => {
            // What is sent there would go along.
            let client = of_token_endpoint.client(|builder| builder.redirect(redirect::Policy::none()))?;
            let source = TokenSource::new(oauth2, keys, client, around.clone());
            Shown::OAuth2(Box::new(
                source.map_err(|problem| format!("credentials.oauth2: {problem}"))?,
            ))
        }
        Credentials::S3Signing(signing) => {
            // AWS's own services are held to the system's authorities.
            let connections = Connections::of_the_system(Proxies::of(host)?);
            // What is sent for keys would go along.
            let client = connections.client(|builder| builder.redirect(redirect::Policy::none()))?;
            Shown::Aws(AwsSigner::new(signing, &client, around.clone()))
        }
    };
    let clients = match &configured.credentials {
        Credentials::ClientTls(tls) => {
            let clients = CertifiedClients::new(tls.clone(), connections, around.clone());
            Clients::Certified(Box::new(clients))
        }

        _ => Clients::Any(connections.client(|builder| builder)?),
    };
    let given = configured.headers.iter();
    Ok(Server {
        name: name.to_owned(),
        url: configured.url.clone(),
        headers: headers(given.map(|(name, value)| (name.as_str(), value.expose_secret())))?,
        clients,
        around: around.clone(),
        shown,
        header_timeout: match configured.response_header_timeout_seconds {
            0 => LONGEST_HEADER_TIMEOUT,
            seconds => Duration::from_secs(seconds).min(LONGEST_HEADER_TIMEOUT),
        },
    })
}
