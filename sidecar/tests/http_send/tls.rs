//! Servers that speak TLS with certificates of all kinds, and the authority that most of them are of.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::authority::Authority;
use super::upstream;

const DAY: Duration = Duration::from_hours(24);

/// What is amiss with a server, or isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fine,
    /// It knows nothing newer.
    Tls12,
    OtherName,
    Expired,
    NotYet,
    /// Its certificate is of nobody else.
    SelfSigned,
    /// It wants a certificate of its clients.
    AsksForACertificate,
}

impl Authority {
    /// A server named `localhost` that says what it was sent; gives its port.
    pub(super) async fn serve(&self, kind: Kind, now: SystemTime) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(self.config(kind, now)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Most of them don't come so far.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        upstream::echo_once(stream).await;
                    }
                });
            }
        });
        port
    }

    fn config(&self, kind: Kind, now: SystemTime) -> ServerConfig {
        let name = if kind == Kind::OtherName {
            "other.example"
        } else {
            "localhost"
        };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let (from, to) = match kind {
            Kind::Expired => (now - 2 * DAY, now - DAY),
            Kind::NotYet => (now + DAY, now + 2 * DAY),
            _ => (now - DAY, now + DAY),
        };
        (params.not_before, params.not_after) = (from.into(), to.into());
        let key = KeyPair::generate().unwrap();
        let certificate = match kind {
            Kind::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.0),
        };
        let certificate = certificate.unwrap();
        let versions: &[&SupportedProtocolVersion] = match kind {
            Kind::Tls12 => &[&TLS12],
            _ => &[&TLS13, &TLS12],
        };
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_protocol_versions(versions).unwrap();
        let builder = if kind == Kind::AsksForACertificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.as_ref().der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
