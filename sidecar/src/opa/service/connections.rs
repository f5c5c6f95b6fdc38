//! The HTTP client of a service: whose certificates are trusted, where redirects lead, what goes through a proxy.

use std::time::Duration;

use postern_opa_config::{MinTls, ServerTls};
use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect, tls};

use super::Around;
use super::proxies::Proxies;
use crate::http_error::causes;

/// How long a connection may take to be made, as in OPA.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may stay open that nobody uses, as in OPA.
const IDLE: Duration = Duration::from_secs(90);
/// So many redirects are followed, as in OPA.
const MAX_REDIRECTS: usize = 10;

/// What is needed to make a client for a service.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    proxies: Proxies,
    /// None where the system's authorities are trusted alone.
    authorities: Option<Authorities>,
    /// Any certificate is taken.
    pub(super) allow_insecure: bool,
    min_tls: tls::Version,
}

#[derive(Clone, Debug)]
struct Authorities {
    certificates: Vec<Certificate>,
    beside_the_systems: bool,
}

impl Connections {
    /// As the configuration and the environment say.
    ///
    /// # Errors
    /// When the file of authorities holds none, or the environment names a proxy that can't be spoken to.
    pub(super) fn new(tls: &ServerTls, proxies: Proxies, around: &Around) -> Result<Self, String> {
        let host = around.host.as_ref();
        let authorities = tls.ca_cert.as_deref().map(|path| {
            let told = |problem: String| format!("tls.ca_cert: {path}: {problem}");
            let pem = host.file(path).map_err(told)?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| told(causes(&error)))?;
            if certificates.is_empty() {
                return Err(told("there is no certificate in it; expected PEM".to_owned()));
            }
            Ok(Authorities {
                certificates,
                beside_the_systems: tls.system_ca_required,
            })
        });
        Ok(Self {
            proxies,
            authorities: authorities.transpose()?,
            allow_insecure: tls.allow_insecure,
            min_tls: min_tls(around.min_tls),
        })
    }

    /// Whom the system trusts, and no other.
    pub(super) fn of_the_system(proxies: Proxies) -> Self {
        Self {
            proxies,
            authorities: None,
            allow_insecure: false,
            // Go's own, whatever the flag says of services.
            min_tls: tls::Version::TLS_1_2,
        }
    }

    /// A client, with what `more` says. Where the system has no authorities none is trusted: plain HTTP needs none.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub(super) fn client(&self, more: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
        let built = match more(self.builder()).build() {
            Err(error) if self.authorities.is_none() && !self.allow_insecure => {
                let problem = causes(&error);
                tracing::warn!(
                    problem,
                    "the system's authorities can't be read, so that none is trusted"
                );
                more(self.builder()).tls_certs_only([]).build()
            }
            built => built,
        };
        built.map_err(|error| format!("TLS can't be set up: {}", causes(&error)))
    }

    fn builder(&self) -> ClientBuilder {
        let proxies = self.proxies.clone();
        let builder = Client::builder()
            // Credentials don't go along to another server.
            .redirect(redirect::Policy::limited(MAX_REDIRECTS))
            .proxy(Proxy::custom(move |url| proxies.of_url(url)))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .tls_version_min(self.min_tls)
            .tls_danger_accept_invalid_certs(self.allow_insecure)
            .user_agent(concat!("postern-sidecar/", env!("CARGO_PKG_VERSION")));
        match &self.authorities {
            None => builder,
            Some(authorities) if authorities.beside_the_systems => {
                builder.tls_certs_merge(authorities.certificates.clone())
            }
            Some(authorities) => builder.tls_certs_only(authorities.certificates.clone()),
        }
    }
}

fn min_tls(configured: MinTls) -> tls::Version {
    match configured {
        MinTls::Tls12 => tls::Version::TLS_1_2,
        MinTls::Tls13 => tls::Version::TLS_1_3,
    }
}
