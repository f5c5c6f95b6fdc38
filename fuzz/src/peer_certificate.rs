//! A peer's certificate, as DER and as the proxy hands it over. What we read of it, another parser reads too.

use std::fmt::Write as _;

use postern_jose::pem::{self, CERTIFICATE};
use postern_mesh::PeerCertificate;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Reads `data` as a certificate.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        drop(PeerCertificate::parse_url_encoded_pem(text));
        drop(PeerCertificate::parse_pem(text));
    }
    let Ok(certificate) = PeerCertificate::parse_der(data) else {
        return;
    };
    let encoded = url_encoded(&pem::encode(CERTIFICATE, data));
    // A PEM text has a limit that DER doesn't.
    if encoded.len() < pem::MAX_PEM_BYTES {
        assert_eq!(
            PeerCertificate::parse_url_encoded_pem(&encoded).as_ref(),
            Ok(&certificate)
        );
    }
    if let Ok(id) = certificate.spiffe_id() {
        assert_eq!(certificate.uri_sans(), [id.as_str()]);
        assert!(!id.path().is_empty());
    }
    if let Some(uris) = uris_as_others_read_them(data) {
        assert_eq!(certificate.uri_sans(), uris);
    }
}

/// `None` where the other parser finds no certificate.
fn uris_as_others_read_them(der: &[u8]) -> Option<Vec<String>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    assert!(rest.is_empty(), "we read a certificate with more after it");
    let names = certificate.subject_alternative_name().ok()?;
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    Some(
        names
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect(),
    )
}

fn url_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
    }
    encoded
}
