//! Certificates for tests: a leaf with the names that a test asks for, signed by itself.

#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use rcgen::{Certificate, CertificateParams, CustomExtension, KeyPair, SanType};

/// The object identifier of `subjectAltName`.
pub(crate) const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());

pub(crate) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

pub(crate) fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

/// A certificate with these subject alternative names.
pub(crate) fn certificate(names: impl IntoIterator<Item = SanType>) -> Certificate {
    certificate_with(names, |_| {})
}

pub(crate) fn certificate_with(
    names: impl IntoIterator<Item = SanType>,
    change: impl FnOnce(&mut CertificateParams),
) -> Certificate {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.into_iter().collect();
    change(&mut params);
    params.self_signed(&*KEY).unwrap()
}

/// A certificate whose `subjectAltName` has this content, well-formed or not.
pub(crate) fn with_raw_names(content: &[u8]) -> Certificate {
    certificate_with([], |params| {
        let extension = CustomExtension::from_oid_content(SUBJECT_ALT_NAME, content.to_vec());
        params.custom_extensions.push(extension);
    })
}

/// As Envoy hands a certificate over: it escapes what PEM has beyond letters, digits and dashes.
pub(crate) fn envoys_encoding(pem: &str) -> String {
    let mut text = String::new();
    for character in pem.chars() {
        match character {
            '\n' | '\r' | ' ' | '+' | '/' | '=' => write!(text, "%{:02X}", u32::from(character)).unwrap(),
            other => text.push(other),
        }
    }
    text
}
