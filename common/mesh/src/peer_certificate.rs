//! What the certificate of a peer says: its SPIFFE identity and its thumbprint. Reads one certificate, strictly; never
//! verifies a chain or a validity, which the proxy did when it accepted the connection.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_jose::UnixTime;
use postern_jose::pem::{self, CERTIFICATE, MAX_PEM_BYTES, PemError};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};
use x509_cert::time::Time;

use crate::spiffe_id::{SpiffeId, SpiffeIdError};
use crate::url_encoding::{self, UrlEncodingError};

/// A certificate that a peer has shown. Whether it may be believed is the proxy's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    sha256: [u8; 32],
    uri_sans: Vec<String>,
    identity: Result<SpiffeId, IdentityError>,
    not_before: UnixTime,
    not_after: UnixTime,
}

/// Why a text is not one certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerCertificateError {
    /// Longer than a certificate can be.
    #[error("the certificate's text is longer than {MAX_PEM_BYTES} bytes")]
    TooLong,
    /// Not URL-encoded as Envoy does it.
    #[error("the certificate is not URL-encoded: {0}")]
    UrlEncoding(#[from] UrlEncodingError),
    /// Not one PEM block with a certificate. A second block, which would be a chain, is refused too: the peer is one.
    #[error("the certificate is not PEM: {0}")]
    Pem(#[from] PemError),
    /// Not the DER of an X.509 certificate (RFC 5280 §4.1), or followed by more.
    #[error("there is no X.509 certificate in DER where one should be")]
    NotX509,
    /// An extension that identity depends on is there twice or malformed (RFC 5280 §4.2); carries its name.
    #[error("the certificate's extension {0} is malformed or there twice")]
    Extension(&'static str),
}

/// The rule of the X.509-SVID standard by which a certificate gives its holder no SPIFFE identity
/// (<https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md>).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// §2: there must be one.
    #[error("the certificate has no URI among its subject alternative names")]
    NoUri,
    /// §2: and not more; carries how many there are.
    #[error(
        "the certificate has {0} URIs among its subject alternative names; a SPIFFE identity is the only one"
    )]
    SeveralUris(usize),
    /// §2: the one URI is no SPIFFE ID.
    #[error("the certificate's URI is no SPIFFE ID: {0}")]
    NotSpiffe(#[from] SpiffeIdError),
    /// §3.1 and §5.2: the ID of a leaf has a path; one without is a trust domain's own.
    #[error("the certificate's SPIFFE ID has no path, so it names a trust domain and no workload")]
    NoPath,
    /// §5.2: a certificate that may sign others (`CA:TRUE`, `keyCertSign`, `cRLSign`) authenticates nobody.
    #[error("the certificate may sign others ({0}), and such a one authenticates no workload")]
    Signing(&'static str),
}

impl PeerCertificate {
    /// Reads a certificate as Envoy hands it over (`source.certificate` of a check, `Cert` of an XFCC element): one PEM
    /// block, URL-encoded.
    ///
    /// # Errors
    /// [`PeerCertificateError`] says what the text is instead.
    pub fn parse_url_encoded_pem(text: &str) -> Result<Self, PeerCertificateError> {
        // Escaping makes three bytes of one at most.
        if text.len() > 3 * MAX_PEM_BYTES {
            return Err(PeerCertificateError::TooLong);
        }
        Self::parse_pem(&url_encoding::decode(text)?)
    }

    /// Reads a certificate from its one PEM block.
    ///
    /// # Errors
    /// [`PeerCertificateError`] says what the text is instead.
    pub fn parse_pem(text: &str) -> Result<Self, PeerCertificateError> {
        Self::parse_der(&pem::decode(CERTIFICATE, text)?)
    }

    /// Reads a certificate from DER.
    ///
    /// # Errors
    /// [`PeerCertificateError::NotX509`] or [`PeerCertificateError::Extension`].
    pub fn parse_der(der: &[u8]) -> Result<Self, PeerCertificateError> {
        let certificate = Certificate::from_der(der).map_err(|_| PeerCertificateError::NotX509)?;
        let uri_sans = uri_sans(&certificate)?;
        let identity = match signing_right(&certificate)? {
            Some(right) => Err(IdentityError::Signing(right)),
            None => only_spiffe_id(&uri_sans),
        };
        let mut sha256 = [0; 32];
        // SHA-256 gives exactly that many bytes.
        sha256.copy_from_slice(digest(&SHA256, der).as_ref());
        let validity = certificate.tbs_certificate().validity();
        Ok(Self {
            sha256,
            uri_sans,
            identity,
            not_before: unix_time(validity.not_before),
            not_after: unix_time(validity.not_after),
        })
    }

    /// The identity of the workload: the certificate's only URI, where the X.509-SVID standard lets it be one.
    ///
    /// # Errors
    /// The [`IdentityError`] that names the rule which the certificate breaks.
    pub fn spiffe_id(&self) -> Result<&SpiffeId, IdentityError> {
        self.identity.as_ref().map_err(Clone::clone)
    }

    /// Every URI among the subject alternative names, in their order, as written.
    #[must_use]
    pub fn uri_sans(&self) -> &[String] {
        &self.uri_sans
    }

    /// `x5t#S256` (RFC 7515 §4.1.8, RFC 8705 §3.1): the SHA-256 of the DER, base64url.
    #[must_use]
    pub fn thumbprint_s256(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.sha256)
    }

    /// The SHA-256 of the DER, as an XFCC element's `Hash` is the hexadecimal form of.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The first second at which the certificate is valid.
    #[must_use]
    pub const fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last second at which the certificate is valid.
    #[must_use]
    pub const fn not_after(&self) -> UnixTime {
        self.not_after
    }
}

/// The one SPIFFE ID of a workload among these URIs.
pub(crate) fn only_spiffe_id<T: AsRef<str>>(uris: &[T]) -> Result<SpiffeId, IdentityError> {
    match uris {
        [] => Err(IdentityError::NoUri),
        [uri] => {
            let id = SpiffeId::parse(uri.as_ref())?;
            if id.path().is_empty() {
                Err(IdentityError::NoPath)
            } else {
                Ok(id)
            }
        }
        several => Err(IdentityError::SeveralUris(several.len())),
    }
}

fn uri_sans(certificate: &Certificate) -> Result<Vec<String>, PeerCertificateError> {
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .map_err(|_| PeerCertificateError::Extension("subjectAltName"))?;
    let names = names.map(|(_critical, SubjectAltName(names))| names);
    Ok(names
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
            _ => None,
        })
        .collect())
}

/// What lets the certificate sign others, if anything does.
fn signing_right(certificate: &Certificate) -> Result<Option<&'static str>, PeerCertificateError> {
    let certificate = certificate.tbs_certificate();
    let constraints = certificate
        .get_extension::<BasicConstraints>()
        .map_err(|_| PeerCertificateError::Extension("basicConstraints"))?;
    if constraints.is_some_and(|(_critical, constraints)| constraints.ca) {
        return Ok(Some("CA:TRUE"));
    }
    let usage = certificate
        .get_extension::<KeyUsage>()
        .map_err(|_| PeerCertificateError::Extension("keyUsage"))?;
    Ok(usage.and_then(|(_critical, usage)| {
        if usage.key_cert_sign() {
            Some("keyCertSign")
        } else if usage.crl_sign() {
            Some("cRLSign")
        } else {
            None
        }
    }))
}

fn unix_time(time: Time) -> UnixTime {
    UnixTime(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}
