//! `io.jwt.verify_*`: whether a token's signature is a key's. They look at no claim, and the header's `alg` matters only
//! where a key has one, too.

use aws_lc_rs::hmac;
use postern_rego::{BuiltinError, Context, Value, host};

use super::super::keys::{Hash, Material, Padding, verify_ecdsa, verify_ed25519, verify_rsa};
use super::super::{Answer, answer};
use super::TEXT_FACTOR;
use super::algorithm::{hmac_algorithm, spend};
use super::key_set::{Key, keys};
use super::{Header, Token};

macro_rules! builtins {
    ($($name:ident: $verify:expr;)*) => {
        $(pub(in super::super) fn $name(context: &mut Context<'_>, operands: &[Value]) -> Answer {
            $verify(context, operands)
        })*
    };
}

builtins! {
    rs256: |c, o| asymmetric(c, o, Kind::Rsa(Padding::Pkcs1, Hash::Sha256));
    rs384: |c, o| asymmetric(c, o, Kind::Rsa(Padding::Pkcs1, Hash::Sha384));
    rs512: |c, o| asymmetric(c, o, Kind::Rsa(Padding::Pkcs1, Hash::Sha512));
    ps256: |c, o| asymmetric(c, o, Kind::Rsa(Padding::PssOfAnyLength, Hash::Sha256));
    ps384: |c, o| asymmetric(c, o, Kind::Rsa(Padding::PssOfAnyLength, Hash::Sha384));
    ps512: |c, o| asymmetric(c, o, Kind::Rsa(Padding::PssOfAnyLength, Hash::Sha512));
    es256: |c, o| asymmetric(c, o, Kind::Ecdsa(Hash::Sha256));
    es384: |c, o| asymmetric(c, o, Kind::Ecdsa(Hash::Sha384));
    es512: |c, o| asymmetric(c, o, Kind::Ecdsa(Hash::Sha512));
    eddsa: |c, o| asymmetric(c, o, Kind::EdDsa);
    hs256: |c, o| symmetric(c, o, Hash::Sha256);
    hs384: |c, o| symmetric(c, o, Hash::Sha384);
    hs512: |c, o| symmetric(c, o, Hash::Sha512);
}

#[derive(Clone, Copy)]
enum Kind {
    Rsa(Padding, Hash),
    /// On whichever curve the key is.
    Ecdsa(Hash),
    EdDsa,
}

impl Kind {
    fn verify(
        self,
        context: &mut Context<'_>,
        key: &Key,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BuiltinError> {
        spend(context, &key.material, message)?;
        match (self, &key.material) {
            _ if key.is_private => Ok(false),
            (Self::Rsa(padding, hash), Material::Rsa { n, e }) => {
                verify_rsa((n, e), (padding, hash), message, signature)
            }
            (Self::Ecdsa(hash), Material::Ec { curve, point }) => {
                let halves = signature.split_at(signature.len() / 2);
                verify_ecdsa((*curve, point), hash, message, halves)
            }
            (Self::EdDsa, Material::Ed25519(key)) => Ok(verify_ed25519(key, message, signature)),
            _ => Ok(false),
        }
    }
}

fn asymmetric(context: &mut Context<'_>, operands: &[Value], kind: Kind) -> Answer {
    let text = host::string(operands, 1)?;
    context.spend(text.len().saturating_mul(4))?;
    let token = Token::split(text)?;
    let keys = keys(context, host::string(operands, 2)?)?;
    context.build(text.len().saturating_mul(TEXT_FACTOR))?;
    let signature = token.signature()?;
    let header = Header::of(&token.header()?)?;
    let message = token.signed.as_bytes();
    // A key that the token names is the only one to try.
    let named = keys
        .iter()
        .find(|key| !header.kid.is_empty() && key.kid == header.kid);
    if let Some(key) = named {
        return answer(kind.verify(context, key, message, &signature)?);
    }
    for key in keys.iter() {
        let may_be = key.alg.is_empty() || key.alg == header.alg;
        if may_be && kind.verify(context, key, message, &signature)? {
            return answer(true);
        }
    }
    answer(false)
}

fn symmetric(context: &mut Context<'_>, operands: &[Value], hash: Hash) -> Answer {
    let text = host::string(operands, 1)?;
    let secret = host::string(operands, 2)?;
    context.spend(text.len().saturating_add(secret.len()))?;
    let token = Token::split(text)?;
    let signature = token.signature()?;
    let key = hmac::Key::new(hmac_algorithm(hash), secret.as_bytes());
    answer(hmac::verify(&key, token.signed.as_bytes(), &signature).is_ok())
}
