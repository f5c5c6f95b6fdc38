//! A certificate, read as Go's `x509.ParseCertificate` reads it: what it refuses is refused.

use std::collections::BTreeSet;

use postern_rego::BuiltinError;

use super::super::fail;
use super::der::{Der, SEQUENCE, constructed, context};
use super::extensions::{Extension, Extensions};
use super::name::{self, Attribute};
use super::public_key::{self, PublicKey, algorithm_identifier, right_aligned};
use super::signature;

/// Everything that Go knows of a certificate.
#[derive(Clone, Debug)]
pub(in super::super) struct Certificate {
    pub(super) raw: Vec<u8>,
    pub(super) raw_tbs: Vec<u8>,
    pub(super) raw_key: Vec<u8>,
    pub(super) raw_subject: Vec<u8>,
    pub(super) raw_issuer: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// Go's number.
    pub(super) signature_algorithm: i64,
    /// Go's number.
    pub(super) key_algorithm: i64,
    pub(in super::super) key: PublicKey,
    /// From 1.
    pub(super) version: i64,
    /// Big-endian; never negative.
    pub(super) serial: Vec<u8>,
    pub(super) issuer: Vec<Attribute>,
    pub(super) subject: Vec<Attribute>,
    /// Seconds since the Unix epoch.
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) extensions: Vec<Extension>,
    pub(super) read: Extensions,
}

/// The one certificate that the bytes are.
pub(in super::super) fn parse_certificate(bytes: &[u8]) -> Result<Certificate, BuiltinError> {
    let (certificate, rest) = parse_next(bytes)?;
    if rest.is_empty() {
        Ok(certificate)
    } else {
        fail("x509: trailing data")
    }
}

/// All certificates, one after the other.
pub(super) fn parse_all(bytes: &[u8]) -> Result<Vec<Certificate>, BuiltinError> {
    let mut certificates = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (certificate, after) = parse_next(rest)?;
        certificates.push(certificate);
        rest = after;
    }
    Ok(certificates)
}

/// `what`, or Go's complaint that it is malformed.
fn well<T>(what: Option<T>, message: &'static str) -> Result<T, BuiltinError> {
    what.ok_or_else(|| BuiltinError::Lenient(format!("x509: {message}")))
}

fn parse_next(bytes: &[u8]) -> Result<(Certificate, &[u8]), BuiltinError> {
    let mut input = Der(bytes);
    let whole = well(input.element(SEQUENCE), "malformed certificate")?;
    let rest = input.0;
    let mut input = Der(whole.contents);
    let signed = well(input.element(SEQUENCE), "malformed tbs certificate")?;
    let mut tbs = Der(signed.contents);
    let version = match well(tbs.optional(constructed(0)), "malformed version")? {
        None => 0,
        Some(mut version) => {
            let number = well(version.small_with(super::der::INTEGER), "malformed version")?;
            if !version.is_empty() {
                return fail("x509: malformed version");
            }
            number
        }
    };
    if version < 0 {
        return fail("x509: malformed version");
    }
    let version = version.saturating_add(1);
    if version > 3 {
        return fail("x509: invalid version");
    }
    let serial = well(tbs.integer(), "malformed serial number")?;
    if serial.first().is_some_and(|first| first & 0x80 != 0) {
        return fail("x509: negative serial number");
    }
    let inner = well(tbs.read(SEQUENCE), "malformed signature algorithm identifier")?;
    let outer = well(input.read(SEQUENCE), "malformed algorithm identifier")?;
    if inner.0 != outer.0 {
        return fail("x509: inner and outer signature algorithm identifiers don't match");
    }
    let signature_algorithm = signature::number(&algorithm_identifier(inner)?)?;
    let raw_issuer = well(tbs.element(SEQUENCE), "malformed issuer")?.whole;
    let issuer = name::parse(raw_issuer)?;
    let mut validity = well(tbs.read(SEQUENCE), "malformed validity")?;
    let not_before = well(validity.time()?, "malformed time")?;
    let not_after = well(validity.time()?, "malformed time")?;
    let raw_subject = well(tbs.element(SEQUENCE), "malformed issuer")?.whole;
    let subject = name::parse(raw_subject)?;
    let raw_key = well(tbs.element(SEQUENCE), "malformed spki")?;
    let mut info = Der(raw_key.contents);
    let algorithm = well(info.read(SEQUENCE), "malformed public key algorithm identifier")?;
    let algorithm = algorithm_identifier(algorithm)?;
    let (unused, bits) = well(info.bits(), "malformed subjectPublicKey")?;
    let key_algorithm = public_key::algorithm_number(&algorithm.oid);
    let key = match key_algorithm {
        0 => PublicKey::Unknown,
        _ => public_key::public_key(&algorithm, &right_aligned(unused, bits))?,
    };
    let mut extensions = Vec::new();
    if version > 1 {
        well(tbs.optional(context(1)), "malformed issuerUniqueID")?;
        well(tbs.optional(context(2)), "malformed subjectUniqueID")?;
    }
    if version == 3
        && let Some(mut list) = well(tbs.optional(constructed(3)), "malformed extensions")?
    {
        let mut list = well(list.read(SEQUENCE), "malformed extensions")?;
        let mut known = BTreeSet::new();
        while !list.is_empty() {
            let extension = Extension::parse(well(list.read(SEQUENCE), "malformed extension")?)?;
            if !known.insert(extension.id.clone()) {
                return fail("x509: certificate contains duplicate extension");
            }
            extensions.push(extension);
        }
    }
    let read = Extensions::read(&extensions)?;
    let (unused, bits) = well(input.bits(), "malformed signature")?;
    let certificate = Certificate {
        raw: whole.whole.to_vec(),
        raw_tbs: signed.whole.to_vec(),
        raw_key: raw_key.whole.to_vec(),
        raw_subject: raw_subject.to_vec(),
        raw_issuer: raw_issuer.to_vec(),
        signature: right_aligned(unused, bits),
        signature_algorithm,
        key_algorithm,
        key,
        version,
        serial: serial.to_vec(),
        issuer,
        subject,
        not_before,
        not_after,
        extensions,
        read,
    };
    Ok((certificate, rest))
}
