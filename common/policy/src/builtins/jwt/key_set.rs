//! The keys in an operand: of a certificate or public key in PEM, a JWK or a set of them. What was read lately is kept,
//! since policies verify many tokens with few keys.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use postern_rego::{BuiltinError, Context};
use quick_cache::sync::Cache;

use super::super::keys::Material;
use super::super::{fail, pem, x509};
use super::TEXT_FACTOR;
use super::algorithm::Algorithm;
use super::jwk::{self, Private};
use super::{sign, within};

/// One key to verify with.
#[derive(Clone)]
pub(super) struct Key {
    /// Nothing for a key that is no JWK.
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) material: Material,
    /// Of a private JWK: it verifies in `io.jwt.decode_verify`, and nowhere else.
    pub(super) is_private: bool,
}

/// How many texts are remembered, and how long one may be.
const MAX_ENTRIES: usize = 64;
const MAX_BYTES: usize = 64 * 1024;

/// By the digest of the text. A text always has the same keys, so nothing here gets old.
static KNOWN: LazyLock<Cache<[u8; 32], Arc<[Key]>>> = LazyLock::new(|| Cache::new(MAX_ENTRIES));

/// The keys in `text`.
pub(super) fn keys(context: &mut Context<'_>, text: &str) -> Result<Arc<[Key]>, BuiltinError> {
    context.spend(text.len().saturating_mul(4))?;
    context.build(text.len().saturating_mul(TEXT_FACTOR))?;
    if text.len() > MAX_BYTES {
        return read(text);
    }
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    if let Some(known) = KNOWN.get(&name) {
        return Ok(known);
    }
    let keys = read(text)?;
    KNOWN.insert(name, keys.clone());
    Ok(keys)
}

fn read(text: &str) -> Result<Arc<[Key]>, BuiltinError> {
    if let Some((block, rest)) = pem::decode(text.as_bytes()) {
        if !rest.is_empty() {
            return fail("extra data after a PEM certificate block");
        }
        let material = match block.label {
            b"CERTIFICATE" => {
                let certificate = x509::parse_certificate(&block.bytes);
                certificate
                    .map_err(within("failed to parse a PEM certificate"))?
                    .key
                    .into_material()
            }
            b"PUBLIC KEY" => {
                let key = x509::parse_public_key(&block.bytes);
                key.map_err(within("failed to parse a PEM public key"))?
                    .into_material()
            }
            _ => return fail("failed to extract a Key from the PEM certificate"),
        };
        let key = Key {
            alg: String::new(),
            kid: String::new(),
            material,
            is_private: false,
        };
        return Ok(Arc::from([key]));
    }
    let mut keys = Vec::new();
    for jwk in jwk::parse(text).map_err(within("failed to parse a JWK key (set)"))? {
        check_private(&jwk)?;
        // Others, such as those to encrypt with, are passed over.
        if jwk.alg.is_empty() || Algorithm::of(&jwk.alg).is_some() {
            keys.push(Key {
                is_private: jwk.private.is_some(),
                alg: jwk.alg,
                kid: jwk.kid,
                material: jwk.material,
            });
        }
    }
    Ok(keys.into())
}

/// A private key must be whole, although only its public half is used.
fn check_private(jwk: &jwk::Jwk) -> Result<(), BuiltinError> {
    match &jwk.private {
        Some(Private::Rsa(numbers)) => match (&numbers.p, &numbers.q) {
            (Some(_), Some(_)) => Ok(()),
            (_, None) => fail("missing \"q\" value"),
            (None, _) => fail("missing \"p\" value"),
        },
        Some(Private::Ed25519(seed)) => sign::check_ed25519(seed, &jwk.material),
        Some(Private::Ec(_) | Private::Other) | None => Ok(()),
    }
}
