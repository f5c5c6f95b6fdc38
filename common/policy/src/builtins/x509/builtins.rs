//! `crypto.x509.*` and `crypto.parse_private_keys`: what the operands are, and what becomes of failures.

use postern_rego::{Array, BuiltinError, Context, Object, Value, host};

use super::super::{Answer, answer, fail, pem, refuse};
use super::certificate::{self, Certificate};
use super::verify::{self, Options};
use super::{json, key_pair, private_key, request};

/// The longest operand: certificates of a whole trust store fit.
const MAX_BYTES: usize = 512 * 1024;

/// What a certificate takes as a value besides what it says: the names of its members, and those that are empty.
const CERTIFICATE_BYTES: usize = 8 * 1024;

const BEGIN: &[u8] = b"-----BEGIN";

/// An operand of bounded length, and what it costs to look at it.
pub(super) fn text<'a>(
    context: &mut Context<'_>,
    operands: &'a [Value],
    position: usize,
) -> Result<&'a str, BuiltinError> {
    let text = host::string(operands, position)?;
    if text.len() > MAX_BYTES {
        return refuse("an operand of more than 512 KiB");
    }
    context.spend(text.len().saturating_mul(16))?;
    context.build(text.len().saturating_mul(16))?;
    Ok(text)
}

/// The certificates in PEM, in base64 of that, or in base64 of DER.
fn certificates(text: &str) -> Result<Vec<Certificate>, BuiltinError> {
    if text.as_bytes().starts_with(BEGIN) {
        return of_pem(text.as_bytes());
    }
    let bytes = host::base64_std(text)?;
    if bytes.starts_with(BEGIN) {
        return of_pem(&bytes);
    }
    certificate::parse_all(&bytes)
}

fn of_pem(text: &[u8]) -> Result<Vec<Certificate>, BuiltinError> {
    let mut rest = text;
    let mut bytes = Vec::new();
    while let Some((block, after)) = pem::decode(rest) {
        if block.label != b"CERTIFICATE" {
            let label = String::from_utf8_lossy(block.label);
            return fail(format!("PEM block type is '{label}', expected CERTIFICATE"));
        }
        bytes.extend(block.bytes);
        rest = after;
    }
    certificate::parse_all(&bytes)
}

pub(in super::super) fn parse_certificates(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let certificates = certificates(text(context, operands, 1)?)?;
    answer(shown(context, certificates.iter(), true)?)
}

/// The values of certificates.
fn shown<'a>(
    context: &mut Context<'_>,
    certificates: impl Iterator<Item = &'a Certificate>,
    extended: bool,
) -> Result<Vec<Value>, BuiltinError> {
    let mut shown = Vec::new();
    for certificate in certificates {
        context.build(CERTIFICATE_BYTES)?;
        shown.push(json::certificate(certificate, extended)?);
    }
    Ok(shown)
}

pub(in super::super) fn parse_and_verify(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = text(context, operands, 1)?;
    verified(context, certificates(text), || Ok(Options::default()), true)
}

pub(in super::super) fn parse_and_verify_with_options(
    context: &mut Context<'_>,
    operands: &[Value],
) -> Answer {
    let text = text(context, operands, 1)?;
    let members = host::object(operands, 2)?;
    verified(context, certificates(text), || options(members), false)
}

/// `[valid, chain]`; what can't be read isn't valid.
fn verified(
    context: &mut Context<'_>,
    certificates: Result<Vec<Certificate>, BuiltinError>,
    options: impl FnOnce() -> Result<Options, BuiltinError>,
    extended: bool,
) -> Answer {
    let invalid = || answer(vec![Value::from(false), Value::from(Array::default())]);
    let certificates = match certificates {
        Ok(certificates) => certificates,
        Err(BuiltinError::Lenient(_)) => return invalid(),
        Err(other) => return Err(other),
    };
    let options = options()?;
    let Some(chain) = verify::chain(context, &certificates, &options)? else {
        return invalid();
    };
    let links = chain.iter().filter_map(|at| certificates.get(*at));
    let links = shown(context, links, extended)?;
    answer(vec![Value::from(true), Value::from(links)])
}

fn options(members: &Object) -> Result<Options, BuiltinError> {
    let mut options = Options::default();
    for (name, value) in members {
        // What has no name in JSON is passed over.
        let Some(name) = name.as_str() else { continue };
        match (name, value) {
            ("DNSName", Value::String(host)) => host.trim_matches('"').clone_into(&mut options.dns_name),
            ("DNSName", _) => return fail("'DNSName' should be a string"),
            ("CurrentTime", Value::Number(time)) => match time.as_i64() {
                Some(time) => options.time_ns = Some(time),
                None => return fail("'CurrentTime' should be a valid int64 number"),
            },
            ("CurrentTime", _) => return fail("'CurrentTime' should be a number"),
            // Where it would matter, the chain is refused.
            ("MaxConstraintComparisons", Value::Number(count)) if count.as_i64().is_some() => {}
            ("MaxConstraintComparisons", Value::Number(_)) => {
                return fail("'MaxConstraintComparisons' should be a valid number");
            }
            ("MaxConstraintComparisons", _) => {
                return fail("'MaxConstraintComparisons' should be a number");
            }
            ("KeyUsages", Value::Array(usages)) => options.key_usages = key_usages(usages.iter())?,
            ("KeyUsages", Value::Set(usages)) => options.key_usages = key_usages(usages.iter())?,
            ("KeyUsages", _) => return fail("'KeyUsages' should be an Array or Set"),
            _ => return fail("invalid key option"),
        }
    }
    Ok(options)
}

/// Go's numbers of usages; what isn't a string is passed over.
fn key_usages<'a>(names: impl Iterator<Item = &'a Value>) -> Result<Vec<i64>, BuiltinError> {
    const NAMES: [&str; 14] = [
        "KeyUsageAny",
        "KeyUsageServerAuth",
        "KeyUsageClientAuth",
        "KeyUsageCodeSigning",
        "KeyUsageEmailProtection",
        "KeyUsageIPSECEndSystem",
        "KeyUsageIPSECTunnel",
        "KeyUsageIPSECUser",
        "KeyUsageTimeStamping",
        "KeyUsageOCSPSigning",
        "KeyUsageMicrosoftServerGatedCrypto",
        "KeyUsageNetscapeServerGatedCrypto",
        "KeyUsageMicrosoftCommercialCodeSigning",
        "KeyUsageMicrosoftKernelCodeSigning",
    ];
    let mut usages = Vec::new();
    let mut invalid = Vec::new();
    for name in names.filter_map(Value::as_str).map(|name| name.trim_matches('"')) {
        match NAMES.iter().zip(0..).find(|(known, _)| **known == name) {
            Some((_, number)) => usages.push(number),
            None => invalid.push(name),
        }
    }
    if invalid.is_empty() {
        Ok(usages)
    } else {
        fail(format!(
            "invalid entries for 'KeyUsages' found: [{}]",
            invalid.join(" ")
        ))
    }
}

pub(in super::super) fn parse_certificate_request(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = text(context, operands, 1)?;
    let bytes = if text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        text.as_bytes().to_vec()
    } else {
        host::base64_std(text)?
    };
    match pem::decode(&bytes) {
        Some((block, _)) if block.label != b"CERTIFICATE REQUEST" => {
            fail("invalid PEM-encoded certificate signing request")
        }
        Some((block, _)) => answer(request::parse(&block.bytes)?),
        None => answer(request::parse(&bytes)?),
    }
}

pub(in super::super) fn parse_keypair(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let certificate = text(context, operands, 1)?;
    if !matches!(host::any(operands, 2)?, Value::String(_)) {
        // OPA calls this one the first, too.
        return host::wrong_type(1, host::any(operands, 2)?, &["string"]);
    }
    let key = text(context, operands, 2)?;
    answer(key_pair::parse(certificate, key)?)
}

pub(in super::super) fn parse_private_keys(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = text(context, operands, 1)?;
    if text.is_empty() {
        return answer(Value::Null);
    }
    let keys = private_key::all(context, text)?;
    let keys = keys.iter().map(private_key::PrivateKey::to_json);
    answer(keys.collect::<Result<Vec<_>, _>>()?)
}

pub(in super::super) fn parse_rsa_private_key(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = text(context, operands, 1)?;
    if text.is_empty() {
        return fail("input PEM data was empty");
    }
    let decoded;
    let text = if text.as_bytes().starts_with(BEGIN) {
        text
    } else {
        let Ok(text) = String::from_utf8(host::base64_std(text)?) else {
            return refuse("a key in base64 of what is not text");
        };
        decoded = text;
        &decoded
    };
    match private_key::all(context, text)?.first() {
        None => answer(Value::Null),
        Some(key) => answer(key.to_jwk()?),
    }
}
