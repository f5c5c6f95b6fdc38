//! `io.jwt.*`: JSON Web Tokens in compact form (RFC 7515, RFC 7519), verified and signed as OPA does it.

mod algorithm;
mod cache;
mod configured_key;
mod constraints;
mod decode;
mod decode_verify;
mod jwk;
mod key_set;
mod raw_header;
mod sign;
mod time;
mod verify;

#[cfg(test)]
mod tests;

pub use cache::CacheCounts;
pub use configured_key::is_signature_by;
pub(super) use decode::decode;
pub(super) use decode_verify::decode_verify;
pub(super) use sign::{encode_sign, encode_sign_raw};
pub(super) use verify::{
    eddsa, es256, es384, es512, hs256, hs384, hs512, ps256, ps384, ps512, rs256, rs384, rs512,
};

use std::collections::BTreeSet;

use postern_rego::{BuiltinError, Object, Value, host};

use super::fail;

/// How often `io.jwt.decode` and `io.jwt.decode_verify` were answered from what this process remembers of tokens, and
/// how much that is.
#[must_use]
pub fn cache_counts() -> CacheCounts {
    cache::counts()
}

/// What reading a token or a set of keys takes, for each byte of text: what is decoded of it, and the values within.
const TEXT_FACTOR: usize = 24;

/// The three parts of a token, as they were written.
#[derive(Clone, Copy)]
struct Token<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What is signed: header and payload with the point between them.
    signed: &'a str,
}

impl<'a> Token<'a> {
    fn split(text: &'a str) -> Result<Self, BuiltinError> {
        // One more than a token has, and no more of what isn't one.
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        match parts.as_slice() {
            [header, payload, signature] => Ok(Self {
                header,
                payload,
                signature,
                signed: text.get(..header.len() + 1 + payload.len()).unwrap_or_default(),
            }),
            [_] => fail("encoded JWT had no period separators"),
            _ => {
                let count = text.split('.').count();
                fail(format!("encoded JWT must have 3 sections, found {count}"))
            }
        }
    }

    fn header(&self) -> Result<Object, BuiltinError> {
        let header = host::base64url(self.header).map_err(within("JWT header had invalid encoding"))?;
        let header = host::parse_json_object(&host::lossy_text(&header)).map_err(within("bad JWT header"))?;
        if header.get_str("enc").is_some() {
            return fail("JWT is a JWE object, which is not supported");
        }
        Ok(header)
    }

    fn payload(&self) -> Result<String, BuiltinError> {
        let payload = host::base64url(self.payload).map_err(within("JWT payload had invalid encoding"))?;
        Ok(host::lossy_text(&payload))
    }

    fn signature(&self) -> Result<Vec<u8>, BuiltinError> {
        host::base64url(self.signature)
    }
}

fn within(context: &'static str) -> impl Fn(BuiltinError) -> BuiltinError {
    move |error| match error {
        BuiltinError::Lenient(message) => BuiltinError::Lenient(format!("{context}: {message}")),
        other => other,
    }
}

/// The members of a header (RFC 7515, 4.1) that matter.
#[derive(Default)]
struct Header {
    alg: String,
    kid: String,
    cty: String,
    /// Whether it names as critical what isn't understood here.
    has_unknown_critical: bool,
}

impl Header {
    fn of(header: &Object) -> Result<Self, BuiltinError> {
        let mut read = Self::default();
        let mut critical = BTreeSet::new();
        let mut unknown = Vec::new();
        for (name, value) in header {
            let name = name.as_str().unwrap_or_default();
            match name {
                "alg" => read.alg = text(name, value)?,
                "kid" => read.kid = text(name, value)?,
                "cty" => read.cty = text(name, value)?,
                "typ" => drop(text(name, value)?),
                "crit" => {
                    let Value::Array(names) = value else {
                        return fail("crit: must be a list");
                    };
                    // What comes after something that isn't a string isn't looked at.
                    critical = names.iter().map_while(Value::as_str).collect();
                    if critical.is_empty() {
                        return fail("crit: must be a nonempty list");
                    }
                }
                _ => unknown.push(name),
            }
        }
        read.has_unknown_critical = unknown.iter().any(|name| critical.contains(name));
        Ok(read)
    }

    /// RFC 7515, 4.1.1 and 4.1.11.
    fn is_valid(&self) -> bool {
        !self.alg.is_empty() && !self.has_unknown_critical
    }
}

fn text(name: &str, value: &Value) -> Result<String, BuiltinError> {
    match value {
        Value::String(text) => Ok(text.as_ref().to_owned()),
        _ => fail(format!("{name}: must be a string")),
    }
}
