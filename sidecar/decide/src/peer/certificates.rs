//! Certificates that were read before, by their text: a connection sends the same one with each request. Bounded; correct
//! since a certificate's text always reads the same. Says nothing about whom to believe.

use std::sync::Arc;

use postern_mesh::{IdentityError, PeerCertificate, PeerCertificateError, SpiffeId};
use quick_cache::sync::Cache;

/// How many certificates are remembered. Each takes some 4 KiB with its text.
const ENTRIES: usize = 1024;
/// Longer texts are read each time: none of this length comes from a mesh.
const MAX_REMEMBERED_BYTES: usize = 16 * 1024;

/// Certificates by their text.
#[derive(Debug)]
pub(crate) struct PeerCertificates(Cache<Box<str>, Arc<KnownCertificate>>);

/// What a certificate says.
#[derive(Debug)]
pub(crate) struct KnownCertificate {
    sha256: [u8; 32],
    id: Result<Arc<SpiffeId>, IdentityError>,
    names_workloads: bool,
}

impl KnownCertificate {
    /// SHA-256 of its DER.
    pub(crate) fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The workload that it names.
    pub(crate) fn id(&self) -> Result<&Arc<SpiffeId>, &IdentityError> {
        self.id.as_ref()
    }

    /// Whether any of its URIs means to be a SPIFFE ID.
    pub(crate) fn names_workloads(&self) -> bool {
        self.names_workloads
    }
}

impl From<PeerCertificate> for KnownCertificate {
    fn from(certificate: PeerCertificate) -> Self {
        Self {
            sha256: *certificate.sha256(),
            names_workloads: certificate
                .uri_sans()
                .iter()
                .any(|uri| super::claimed_id(uri).is_some()),
            id: certificate.spiffe_id().cloned().map(Arc::new),
        }
    }
}

impl PeerCertificates {
    pub(crate) fn new() -> Self {
        Self(Cache::new(ENTRIES))
    }

    /// What the certificate says that Envoy sent as `text`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(&self, text: &str) -> Result<Arc<KnownCertificate>, PeerCertificateError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let known = Arc::new(KnownCertificate::from(PeerCertificate::parse_url_encoded_pem(
            text,
        )?));
        if text.len() <= MAX_REMEMBERED_BYTES {
            self.0.insert(Box::from(text), Arc::clone(&known));
        }
        Ok(known)
    }
}
