//! Certificate requests (RFC 2986), as Go's `x509.ParseCertificateRequest` reads and shows them. What Go might read and
//! this doesn't ends the evaluation.

use std::collections::BTreeSet;

use postern_rego::{BuiltinError, Value};

use super::super::{fail, refuse};
use super::der::{BOOLEAN, Der, INTEGER, OCTET_STRING, SEQUENCE, SET, constructed};
use super::extensions::Extension;
use super::general_names::{self, Names};
use super::public_key::{self, PublicKey, algorithm_identifier, right_aligned};
use super::{json, name, signature};

const EXTENSION_REQUEST: &[u32] = &[1, 2, 840, 113_549, 1, 9, 14];
const ALTERNATIVE_NAMES: &[u32] = &[2, 5, 29, 17];

fn known<T>(what: Option<T>) -> Result<T, BuiltinError> {
    match what {
        Some(what) => Ok(what),
        None => refuse("a certificate request of this form"),
    }
}

/// The request as Go's `encoding/json` writes its struct.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, BuiltinError> {
    let mut der = Der(bytes);
    let Some(whole) = der.element(SEQUENCE) else {
        return fail("asn1: structure error: tags don't match");
    };
    if !der.is_empty() {
        return fail("asn1: syntax error: trailing data");
    }
    let mut request = Der(whole.contents);
    let signed = known(request.element(SEQUENCE))?;
    let algorithm = algorithm_identifier(known(request.read(SEQUENCE))?)?;
    let (unused, bits) = known(request.bits())?;
    let mut info = Der(signed.contents);
    let version = known(info.small_with(INTEGER))?;
    let raw_subject = known(info.element(SEQUENCE))?.whole;
    let raw_key = known(info.element(SEQUENCE))?;
    let attributes = known(info.read(constructed(0)))?;
    let subject = name::parse(raw_subject)?;
    if subject.iter().any(|attribute| attribute.is_latin_1) {
        return refuse("a request with such a string in its subject");
    }
    let mut key = Der(raw_key.contents);
    let key_algorithm = algorithm_identifier(known(key.read(SEQUENCE))?)?;
    let (key_unused, key_bits) = known(key.bits())?;
    let number = public_key::algorithm_number(&key_algorithm.oid);
    let key = match number {
        0 => PublicKey::Unknown,
        _ => public_key::public_key(&key_algorithm, &right_aligned(key_unused, key_bits))?,
    };
    let (attributes, requested) = attributes_of(attributes)?;
    let mut names = Names::default();
    for extension in requested
        .iter()
        .filter(|extension| extension.id == ALTERNATIVE_NAMES)
    {
        names = general_names::names(Der(&extension.value))?;
    }
    let mut members = vec![
        ("Raw", json::bytes(whole.whole)),
        ("RawTBSCertificateRequest", json::bytes(signed.whole)),
        ("RawSubjectPublicKeyInfo", json::bytes(raw_key.whole)),
        ("RawSubject", json::bytes(raw_subject)),
        ("Version", version.into()),
        ("Signature", json::bytes(&right_aligned(unused, bits))),
        ("SignatureAlgorithm", signature::number(&algorithm)?.into()),
        ("PublicKeyAlgorithm", number.into()),
        ("PublicKey", json::public_key(&key)?),
        ("Subject", json::name(&subject)),
        ("Attributes", attributes),
        ("Extensions", json::extensions(&requested)),
        ("ExtraExtensions", Value::Null),
    ];
    members.extend(json::names(&names));
    Ok(json::object(members))
}

/// The attributes that Go shows, and the extensions that are asked for.
fn attributes_of(mut der: Der<'_>) -> Result<(Value, Vec<Extension>), BuiltinError> {
    let mut shown = Vec::new();
    let mut requested: Vec<Extension> = Vec::new();
    let mut ids = BTreeSet::new();
    while !der.is_empty() {
        let mut attribute = known(der.read(SEQUENCE))?;
        let kind = known(attribute.oid())?;
        let values = known(attribute.read(SET))?;
        if !attribute.is_empty() {
            return refuse("a certificate request of this form");
        }
        if let Some(value) = values_of(values)? {
            let kind: Vec<Value> = kind.iter().map(|number| Value::from(*number)).collect();
            shown.push(json::object(vec![("Type", Value::from(kind)), ("Value", value)]));
        }
        if kind == EXTENSION_REQUEST && !values.is_empty() {
            let mut list = known({ values }.read(SEQUENCE))?;
            while !list.is_empty() {
                let extension = Extension::parse(known(list.read(SEQUENCE))?)?;
                if !ids.insert(extension.id.clone()) {
                    return fail("x509: certificate request contains duplicate requested extensions");
                }
                requested.push(extension);
            }
        }
    }
    let shown = if shown.is_empty() {
        Value::Null
    } else {
        Value::from(shown)
    };
    Ok((shown, requested))
}

/// Sequences of pairs of a type and a value; others, such as a password, aren't shown.
fn values_of(mut values: Der<'_>) -> Result<Option<Value>, BuiltinError> {
    let mut sequences = Vec::new();
    while !values.is_empty() {
        let Some(mut sequence) = values.read(SEQUENCE) else {
            return Ok(None);
        };
        let mut pairs = Vec::new();
        while !sequence.is_empty() {
            let mut pair = known(sequence.read(SEQUENCE))?;
            let kind = known(pair.oid())?;
            let kind: Vec<Value> = kind.iter().map(|number| Value::from(*number)).collect();
            let value = known(pair.any())?;
            let value = match (value.tag, value.contents) {
                (OCTET_STRING, contents) => json::bytes(contents),
                (BOOLEAN, [0]) => Value::from(false),
                (BOOLEAN, [0xff]) => Value::from(true),
                _ => return refuse("a certificate request with such an attribute"),
            };
            pairs.push(json::object(vec![("Type", Value::from(kind)), ("Value", value)]));
        }
        sequences.push(Value::from(pairs));
    }
    Ok(Some(Value::from(sequences)))
}
