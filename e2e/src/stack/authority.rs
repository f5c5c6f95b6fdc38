//! Certificates of a mesh: an authority, Envoy's own certificate, and those of workloads that call.

use aws_lc_rs::digest::{SHA256, digest};
use postern_jose::base64url;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use serde_json::json;

use super::EnvoyConfig;

/// An authority with its key.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A caller with a certificate.
pub struct Workload {
    /// Sends with the certificate.
    pub http: reqwest::Client,
    /// SHA-256 of the certificate, as `cnf.x5t#S256` has it (RFC 8705 §3.1).
    pub thumbprint: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// Where no key can be made.
    #[must_use]
    pub fn generate() -> Self {
        let mut params = named("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(made(CertifiedIssuer::self_signed(
            params,
            made(KeyPair::generate()),
        )))
    }

    /// A caller with a certificate for these names.
    ///
    /// # Panics
    /// Where no certificate can be made.
    #[must_use]
    pub fn workload(&self, names: Vec<SanType>) -> Workload {
        let (certificate, key) = self.issue(names, ExtendedKeyUsagePurpose::ClientAuth);
        let identity = format!("{}{}", certificate.pem(), key.serialize_pem());
        let identity = made(reqwest::Identity::from_pem(identity.as_bytes()));
        Workload {
            http: made(self.clients().identity(identity).build()),
            thumbprint: base64url::encode(digest(&SHA256, certificate.der()).as_ref()),
        }
    }

    /// A caller that trusts Envoy and has no certificate.
    ///
    /// # Panics
    /// Where no client can be made.
    #[must_use]
    pub fn nobody(&self) -> reqwest::Client {
        made(self.clients().build())
    }

    /// Has Envoy speak TLS with its clients, which may have a certificate of this authority; `handed_over`: the sidecar
    /// gets it.
    ///
    /// # Panics
    /// Where no certificate can be made.
    pub fn serve_tls(&self, envoy: &mut EnvoyConfig, handed_over: bool) {
        let loopback = SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let (certificate, key) = self.issue(vec![loopback], ExtendedKeyUsagePurpose::ServerAuth);
        let inline = |text: String| json!({ "inline_string": text });
        envoy.filter_chain()["transport_socket"] = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": false,
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": inline(certificate.pem()), "private_key": inline(key.serialize_pem()),
                    }],
                    "validation_context": { "trusted_ca": inline(self.0.pem()) },
                },
            },
        });
        envoy.ext_authz()["include_peer_certificate"] = json!(handed_over);
    }

    fn issue(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose) -> (Certificate, KeyPair) {
        let mut params = named("leaf");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        let key = made(KeyPair::generate());
        (made(params.signed_by(&key, &self.0)), key)
    }

    fn clients(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([made(reqwest::Certificate::from_pem(self.0.pem().as_bytes()))])
    }
}

/// Who has the same name as its issuer passes for its own.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn made<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("no certificate: {error}"))
}
