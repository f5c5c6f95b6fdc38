//! The HTTP client of a service: whose certificates are trusted, where redirects lead, what goes through a proxy.

use std::time::Duration;

use postern_opa_config::{MinTls, ServerTls};
use reqwest::{Certificate, Client, ClientBuilder, Proxy, Url, redirect, tls};

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
            .redirect(redirect::Policy::custom(follow))
            .referer(false)
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

/// As Go does: `Authorization` doesn't go along to another server, configured headers do. But what was asked for over TLS isn't
/// taken without, where anybody on the way could put something else in its place.
fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    match may_follow(attempt.previous(), attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(problem) => attempt.error(problem),
    }
}

fn may_follow(came_from: &[Url], to: &Url) -> Result<(), String> {
    if came_from.len() > MAX_REDIRECTS {
        return Err(format!("more than {MAX_REDIRECTS} redirects"));
    }
    let was_secure = came_from.iter().any(|url| url.scheme() == "https");
    if was_secure && to.scheme() != "https" {
        return Err("it redirects from https to http, which isn't followed".to_owned());
    }
    Ok(())
}

fn min_tls(configured: MinTls) -> tls::Version {
    match configured {
        MinTls::Tls12 => tls::Version::TLS_1_2,
        MinTls::Tls13 => tls::Version::TLS_1_3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_anywhere_but_out_of_tls_and_not_for_ever() {
        let url = |text: &str| Url::parse(text).unwrap();
        let (plain, secure) = (url("http://a/"), url("https://b/"));
        for (from, to) in [
            ("http://a/", "https://b/"),
            ("https://b/", "https://c/"),
            ("http://a/", "http://c/"),
        ] {
            assert_eq!(may_follow(&[url(from)], &url(to)), Ok(()), "{from} {to}");
        }
        let out = may_follow(&[plain.clone(), secure], &plain);
        assert!(out.is_err_and(|problem| problem.contains("from https to http")));
        assert_eq!(may_follow(&vec![plain.clone(); 10], &plain), Ok(()));
        assert!(may_follow(&vec![plain.clone(); 11], &plain).is_err());
    }
}
