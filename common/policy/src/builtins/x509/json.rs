//! A certificate as Go's `encoding/json` writes its struct: every field, by its name.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;
use postern_rego::{BuiltinError, Number, Object, Value};

use super::super::keys::Curve;
use super::super::{calendar, refuse};
use super::certificate::Certificate;
use super::extensions::{Extension, Mapping};
use super::general_names::{GoUri, Names, Subtrees};
use super::name::Attribute;
use super::public_key::PublicKey;

/// The longest number that is written out, in bytes.
const MAX_NUMBER_BYTES: usize = 2048;

type Members = Vec<(&'static str, Value)>;

pub(super) fn object(members: Members) -> Value {
    let members = members
        .into_iter()
        .map(|(name, value)| (Value::from(name), value));
    Value::from(members.collect::<Object>())
}

/// A nil slice is null.
fn list<T>(items: &[T], to_value: impl Fn(&T) -> Value) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        Value::from(items.iter().map(to_value).collect::<Vec<_>>())
    }
}

fn texts(items: &[String]) -> Value {
    list(items, |text| Value::from(text.as_str()))
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::from(STANDARD.encode(bytes))
}

fn oid(numbers: &[u32]) -> Value {
    Value::from(
        numbers
            .iter()
            .map(|number| Value::from(*number))
            .collect::<Vec<_>>(),
    )
}

fn dotted(numbers: &[u32]) -> Value {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Value::from(numbers.join("."))
}

/// A number that is big-endian and not negative.
pub(super) fn number(bytes: &[u8]) -> Result<Value, BuiltinError> {
    if bytes.len() > MAX_NUMBER_BYTES {
        return refuse("a number of more than 16384 bits");
    }
    let text = BigUint::from_bytes_be(bytes).to_string();
    match Number::from_source(&text) {
        Some(number) => Ok(Value::from(number)),
        None => refuse("this number"),
    }
}

/// RFC 3339.
fn time(seconds: i64) -> Value {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = calendar::date(days);
    Value::from(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    ))
}

fn ip(bytes: &[u8]) -> Value {
    let text = match bytes {
        [a, b, c, d] | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => {
            Ipv4Addr::new(*a, *b, *c, *d).to_string()
        }
        other => {
            <[u8; 16]>::try_from(other).map_or_else(|_| String::new(), |ip| Ipv6Addr::from(ip).to_string())
        }
    };
    Value::from(text)
}

fn uri(uri: &GoUri) -> Value {
    let url = &uri.url;
    object(vec![
        ("Scheme", url.scheme.as_str().into()),
        ("Opaque", url.opaque.as_str().into()),
        ("User", Value::Null),
        ("Host", url.host.as_str().into()),
        ("Path", url.path.as_str().into()),
        ("Fragment", "".into()),
        ("RawQuery", url.raw_query.as_str().into()),
        ("RawPath", url.raw_path.as_str().into()),
        ("RawFragment", "".into()),
        ("ForceQuery", url.force_query.into()),
        ("OmitHost", url.omit_host.into()),
    ])
}

/// DNS names, addresses and so on, under the names that certificates and requests have for them.
pub(super) fn names(names: &Names) -> Members {
    vec![
        ("DNSNames", texts(&names.dns)),
        ("EmailAddresses", texts(&names.emails)),
        ("IPAddresses", list(&names.ips, |bytes| ip(bytes))),
        ("URIs", list(&names.uris, uri)),
    ]
}

pub(super) fn name(attributes: &[Attribute]) -> Value {
    let values = |kind: u32| {
        attributes
            .iter()
            .filter(move |attribute| attribute.kind == [2, 5, 4, kind])
            .map(|attribute| Value::from(attribute.value.as_str()))
            .collect::<Vec<_>>()
    };
    let all = |kind| list(&values(kind), Value::clone);
    let last = |kind| values(kind).pop().unwrap_or_else(|| Value::from(""));
    let attribute = |attribute: &Attribute| {
        object(vec![
            ("Type", oid(&attribute.kind)),
            ("Value", attribute.value.as_str().into()),
        ])
    };
    object(vec![
        ("Country", all(6)),
        ("Organization", all(10)),
        ("OrganizationalUnit", all(11)),
        ("Locality", all(7)),
        ("Province", all(8)),
        ("StreetAddress", all(9)),
        ("PostalCode", all(17)),
        ("SerialNumber", last(5)),
        ("CommonName", last(3)),
        ("Names", list(attributes, attribute)),
        ("ExtraNames", Value::Null),
    ])
}

pub(super) fn extensions(extensions: &[Extension]) -> Value {
    list(extensions, |extension| {
        object(vec![
            ("Id", oid(&extension.id)),
            ("Critical", extension.critical.into()),
            ("Value", bytes(&extension.value)),
        ])
    })
}

pub(super) fn curve_point(curve: Curve, point: &[u8]) -> Result<Members, BuiltinError> {
    let coordinates = point.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at_checked(curve.bytes()).unwrap_or_default();
    Ok(vec![
        ("Curve", object(Vec::new())),
        ("X", number(x)?),
        ("Y", number(y)?),
    ])
}

pub(super) fn public_key(key: &PublicKey) -> Result<Value, BuiltinError> {
    Ok(match key {
        PublicKey::Rsa { n, e } => object(vec![("N", number(n)?), ("E", (*e).into())]),
        PublicKey::Ec { curve, point } => object(curve_point(*curve, point)?),
        PublicKey::Ed25519(key) => bytes(key),
        PublicKey::Dsa { y, p, q, g } => object(vec![
            ("P", number(p)?),
            ("Q", number(q)?),
            ("G", number(g)?),
            ("Y", number(y)?),
        ]),
        PublicKey::X25519 => object(Vec::new()),
        PublicKey::Unknown => Value::Null,
    })
}

fn ranges(subtrees: &Subtrees) -> Value {
    list(&subtrees.ips, |(address, mask)| {
        object(vec![("IP", ip(address)), ("Mask", bytes(mask))])
    })
}

/// The certificate; with `extended`, the texts of its URIs, too, which is OPA's addition.
pub(super) fn certificate(certificate: &Certificate, extended: bool) -> Result<Value, BuiltinError> {
    let read = &certificate.read;
    let mapping = |(issuer, subject): &Mapping| {
        object(vec![
            ("IssuerDomainPolicy", dotted(issuer)),
            ("SubjectDomainPolicy", dotted(subject)),
        ])
    };
    let number_and_zero =
        |value: Option<i64>| (Value::from(value.unwrap_or(0)), Value::from(value == Some(0)));
    let (inhibit_any, inhibit_any_zero) = number_and_zero(read.inhibit_any_policy);
    let (inhibit_mapping, inhibit_mapping_zero) = number_and_zero(read.inhibit_policy_mapping);
    let (explicit, explicit_zero) = number_and_zero(read.require_explicit_policy);
    let mut members = vec![
        ("Raw", bytes(&certificate.raw)),
        ("RawTBSCertificate", bytes(&certificate.raw_tbs)),
        ("RawSubjectPublicKeyInfo", bytes(&certificate.raw_key)),
        ("RawSubject", bytes(&certificate.raw_subject)),
        ("RawIssuer", bytes(&certificate.raw_issuer)),
        ("Signature", bytes(&certificate.signature)),
        ("SignatureAlgorithm", certificate.signature_algorithm.into()),
        ("PublicKeyAlgorithm", certificate.key_algorithm.into()),
        ("PublicKey", public_key(&certificate.key)?),
        ("Version", certificate.version.into()),
        ("SerialNumber", number(&certificate.serial)?),
        ("Issuer", name(&certificate.issuer)),
        ("Subject", name(&certificate.subject)),
        ("NotBefore", time(certificate.not_before)),
        ("NotAfter", time(certificate.not_after)),
        ("KeyUsage", read.key_usage.into()),
        ("Extensions", extensions(&certificate.extensions)),
        ("ExtraExtensions", Value::Null),
        (
            "UnhandledCriticalExtensions",
            list(&read.unhandled_critical, |id| oid(id)),
        ),
        (
            "ExtKeyUsage",
            list(&read.ext_key_usage, |usage| Value::from(*usage)),
        ),
        (
            "UnknownExtKeyUsage",
            list(&read.unknown_ext_key_usage, |id| oid(id)),
        ),
        ("BasicConstraintsValid", read.basic_constraints.into()),
        ("IsCA", read.is_ca.into()),
        ("MaxPathLen", read.max_path_len.into()),
        (
            "MaxPathLenZero",
            (read.basic_constraints && read.max_path_len == 0).into(),
        ),
        ("SubjectKeyId", read.subject_key_id.as_deref().map(bytes).into()),
        (
            "AuthorityKeyId",
            read.authority_key_id.as_deref().map(bytes).into(),
        ),
        ("OCSPServer", texts(&read.ocsp_servers)),
        ("IssuingCertificateURL", texts(&read.issuing_urls)),
        ("PermittedDNSDomainsCritical", read.permitted_critical.into()),
        ("PermittedDNSDomains", texts(&read.permitted.dns)),
        ("ExcludedDNSDomains", texts(&read.excluded.dns)),
        ("PermittedIPRanges", ranges(&read.permitted)),
        ("ExcludedIPRanges", ranges(&read.excluded)),
        ("PermittedEmailAddresses", texts(&read.permitted.emails)),
        ("ExcludedEmailAddresses", texts(&read.excluded.emails)),
        ("PermittedURIDomains", texts(&read.permitted.uris)),
        ("ExcludedURIDomains", texts(&read.excluded.uris)),
        ("CRLDistributionPoints", texts(&read.crl_distribution_points)),
        (
            "PolicyIdentifiers",
            read.policies
                .as_ref()
                .map(|policies| Value::from(policies.iter().map(|id| oid(id)).collect::<Vec<_>>()))
                .into(),
        ),
        (
            "Policies",
            list(read.policies.as_deref().unwrap_or_default(), |policy| {
                dotted(policy)
            }),
        ),
        ("InhibitAnyPolicy", inhibit_any),
        ("InhibitAnyPolicyZero", inhibit_any_zero),
        ("InhibitPolicyMapping", inhibit_mapping),
        ("InhibitPolicyMappingZero", inhibit_mapping_zero),
        ("RequireExplicitPolicy", explicit),
        ("RequireExplicitPolicyZero", explicit_zero),
        ("PolicyMappings", list(&read.policy_mappings, mapping)),
    ];
    members.extend(names(&read.names));
    if extended {
        let texts = list(&read.names.uris, |uri| Value::from(uri.text.as_str()));
        members.push(("URIStrings", texts));
    }
    Ok(object(members))
}
