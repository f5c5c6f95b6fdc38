//! `crypto.x509.parse_keypair`: certificates with the private key of the first, as Go's `tls.X509KeyPair` puts them
//! together.

use postern_rego::{BuiltinError, Value, host};

use super::super::{fail, pem};
use super::certificate::parse_certificate;
use super::{json, private_key};

const BEGIN: &[u8] = b"-----BEGIN ";

/// The pair as Go's `encoding/json` writes `tls.Certificate`.
pub(super) fn parse(certificate: &str, key: &str) -> Result<Value, BuiltinError> {
    let (certificate, key) = (unpacked(certificate)?, unpacked(key)?);
    let mut chain = Vec::new();
    if certificate.starts_with(BEGIN) {
        let mut rest = certificate.as_slice();
        while let Some((block, after)) = pem::decode(rest) {
            if block.label == b"CERTIFICATE" {
                chain.push(block.bytes);
            }
            rest = after;
        }
    } else {
        chain.push(certificate);
    }
    let Some(first) = chain.first() else {
        return fail("tls: failed to find any PEM data in certificate input");
    };
    let key = if key.starts_with(BEGIN) {
        private_block(&key)?
    } else {
        key
    };
    let leaf = parse_certificate(first)?;
    let key = private_key::of_any_form(&key)?;
    if !key.fits(&leaf.key) {
        return fail("tls: private key does not match public key");
    }
    Ok(json::object(vec![
        (
            "Certificate",
            Value::from(chain.iter().map(|der| json::bytes(der)).collect::<Vec<_>>()),
        ),
        ("PrivateKey", key.to_json()?),
        ("SupportedSignatureAlgorithms", Value::Null),
        ("OCSPStaple", Value::Null),
        ("SignedCertificateTimestamps", Value::Null),
        ("Leaf", json::certificate(&leaf, false)?),
    ]))
}

/// What doesn't begin as PEM is base64.
fn unpacked(text: &str) -> Result<Vec<u8>, BuiltinError> {
    if text.as_bytes().starts_with(BEGIN) {
        Ok(text.as_bytes().to_vec())
    } else {
        host::base64_std(text)
    }
}

/// The first block that is a private key of any kind.
fn private_block(text: &[u8]) -> Result<Vec<u8>, BuiltinError> {
    let mut rest = text;
    while let Some((block, after)) = pem::decode(rest) {
        if block.label == b"PRIVATE KEY" || block.label.ends_with(b" PRIVATE KEY") {
            return Ok(block.bytes);
        }
        rest = after;
    }
    fail("tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input")
}
