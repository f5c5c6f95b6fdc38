//! The builtins that need cryptography, for `postern-rego`'s machine: digests, HMAC, JWTs, X.509, AWS's request
//! signatures. Each answers as OPA does, or stops the evaluation; aws-lc does the cryptography. Nothing here does I/O
//! or reads a clock: time and bounds come from the evaluation's [`Context`](postern_rego::Context).

mod aws;
mod calendar;
mod go_url;
mod hash;
mod jwt;
mod keys;
mod pem;
mod pss;
mod x509;

pub use jwt::{CacheCounts, cache_counts, is_signature_by};

use postern_rego::{BuiltinError, BuiltinFn, Effects, HostBuiltins, Value};

/// A host with the builtins of this module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl HostBuiltins for Host {
    fn builtin(&self, name: &str) -> Option<BuiltinFn> {
        let at = BUILTINS.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
        BUILTINS.get(at).map(|(_, function)| *function)
    }

    /// They are OPA's.
    fn effects(&self, name: &str) -> Effects {
        postern_rego::builtin_effects(name)
    }
}

/// The names of this module's builtins, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

const BUILTINS: &[(&str, BuiltinFn)] = &[
    ("crypto.hmac.equal", hash::hmac_equal),
    ("crypto.hmac.md5", hash::hmac_md5),
    ("crypto.hmac.sha1", hash::hmac_sha1),
    ("crypto.hmac.sha256", hash::hmac_sha256),
    ("crypto.hmac.sha512", hash::hmac_sha512),
    ("crypto.md5", hash::md5),
    ("crypto.parse_private_keys", x509::parse_private_keys),
    ("crypto.sha1", hash::sha1),
    ("crypto.sha256", hash::sha256),
    (
        "crypto.x509.parse_and_verify_certificates",
        x509::parse_and_verify,
    ),
    (
        "crypto.x509.parse_and_verify_certificates_with_options",
        x509::parse_and_verify_with_options,
    ),
    (
        "crypto.x509.parse_certificate_request",
        x509::parse_certificate_request,
    ),
    ("crypto.x509.parse_certificates", x509::parse_certificates),
    ("crypto.x509.parse_keypair", x509::parse_keypair),
    ("crypto.x509.parse_rsa_private_key", x509::parse_rsa_private_key),
    ("io.jwt.decode", jwt::decode),
    ("io.jwt.decode_verify", jwt::decode_verify),
    ("io.jwt.encode_sign", jwt::encode_sign),
    ("io.jwt.encode_sign_raw", jwt::encode_sign_raw),
    ("io.jwt.verify_eddsa", jwt::eddsa),
    ("io.jwt.verify_es256", jwt::es256),
    ("io.jwt.verify_es384", jwt::es384),
    ("io.jwt.verify_es512", jwt::es512),
    ("io.jwt.verify_hs256", jwt::hs256),
    ("io.jwt.verify_hs384", jwt::hs384),
    ("io.jwt.verify_hs512", jwt::hs512),
    ("io.jwt.verify_ps256", jwt::ps256),
    ("io.jwt.verify_ps384", jwt::ps384),
    ("io.jwt.verify_ps512", jwt::ps512),
    ("io.jwt.verify_rs256", jwt::rs256),
    ("io.jwt.verify_rs384", jwt::rs384),
    ("io.jwt.verify_rs512", jwt::rs512),
    ("providers.aws.sign_req", aws::sign_req),
];

/// What a builtin returns.
type Answer = Result<Option<Value>, BuiltinError>;

/// A defined result.
fn answer(value: impl Into<Value>) -> Answer {
    Ok(Some(value.into()))
}

/// A failure that leaves the call undefined.
fn fail<T>(message: impl Into<String>) -> Result<T, BuiltinError> {
    Err(BuiltinError::Lenient(message.into()))
}

/// A failure that ends the evaluation: OPA has an answer, and it isn't known here.
fn refuse<T>(what: &str) -> Result<T, BuiltinError> {
    Err(BuiltinError::Halt(format!("{what}, which is not supported")))
}

#[cfg(test)]
mod tests {
    use postern_rego::HostBuiltins as _;

    use super::{BUILTINS, Host};

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(BUILTINS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_builtin_is_found_by_its_name_and_no_other() {
        assert!(Host.builtin("crypto.sha256").is_some());
        assert!(Host.builtin("crypto.sha257").is_none());
    }
}
