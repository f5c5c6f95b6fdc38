//! An authority, and what is certified by it.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::authority::Authority;

/// A certificate and its key, in PEM and DER.
pub(super) struct Certified {
    pub(super) pem: String,
    pub(super) der: Vec<u8>,
    pub(super) key: KeyPair,
}

impl Authority {
    /// A certificate for `name`, with an RSA key, which is what Go reads encrypted.
    pub(super) fn certified(&self, name: &str) -> Certified {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certified {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            key,
        }
    }

    /// A server's side of TLS as `name`, which may ask its clients for certificates.
    pub(super) fn acceptor(&self, name: &str, asks: bool) -> TlsAcceptor {
        let certified = self.certified(name);
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.as_ref().der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(certified.key.serialize_der()).unwrap();
        let chain = vec![certified.der.into()];
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }
}
