//! A public key that is ready to verify one algorithm's signatures: parsed once, and handed signatures in the form that
//! costs aws-lc least. Accepts what JWS says (RFC 7518 §3), nothing else.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::ParsedPublicKey;

/// A key and how its signatures are verified.
#[derive(Clone)]
pub(crate) enum Verifier {
    /// `r` and `s`, each as long as a coordinate (RFC 7518 §3.4). The key is one for DER signatures: aws-lc verifies
    /// those, and is slower to turn `r` and `s` into DER (by way of big numbers) than [`der_signature`] is. For the
    /// digest it would set up a context that has to be allocated and copied.
    Ecdsa {
        key: ParsedPublicKey,
        digest: &'static digest::Algorithm,
        coordinate_bytes: usize,
    },
    /// A signature that aws-lc takes as JWS has it.
    AsItIs(ParsedPublicKey),
}

impl Verifier {
    /// The key itself.
    pub(crate) const fn key(&self) -> &ParsedPublicKey {
        match self {
            Self::Ecdsa { key, .. } | Self::AsItIs(key) => key,
        }
    }

    /// Checks that `signature` is one of `message` by this key.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        match self {
            Self::AsItIs(key) => key.verify_sig(message, signature),
            Self::Ecdsa {
                key,
                digest: algorithm,
                coordinate_bytes,
            } => {
                let (r, s) = signature.split_at_checked(*coordinate_bytes).ok_or(Unspecified)?;
                if s.len() != *coordinate_bytes {
                    return Err(Unspecified);
                }
                key.verify_digest_sig(&digest(algorithm, message), &der_signature(r, s))
            }
        }
    }
}

/// `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) in DER, of numbers of at most 66 bytes.
fn der_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    const LONG_FORM: u8 = 0x81;
    // A tag, a length and a leading zero for each number, and no more than three bytes around both.
    let mut der = Vec::with_capacity(r.len() + s.len() + 9);
    let [r, s] = [r, s].map(Magnitude::of);
    let length = r.element_bytes() + s.element_bytes();
    der.push(SEQUENCE);
    if length >= 0x80 {
        der.push(LONG_FORM);
    }
    der.push(length);
    r.push_to(&mut der);
    s.push_to(&mut der);
    der
}

/// A number's bytes as DER has them: none needlessly, but a zero before what would look negative.
struct Magnitude<'a> {
    bytes: &'a [u8],
    signed: bool,
}

impl<'a> Magnitude<'a> {
    fn of(number: &'a [u8]) -> Self {
        let mut bytes = number;
        while let [0, rest @ ..] = bytes
            && !rest.is_empty()
        {
            bytes = rest;
        }
        Self {
            bytes,
            signed: bytes.first().is_none_or(|first| *first >= 0x80),
        }
    }

    /// The length of its contents.
    fn bytes(&self) -> u8 {
        // 66 is the most; what doesn't fit makes a length that no number has, and the signature is refused.
        u8::try_from(self.bytes.len()).unwrap_or(0) + u8::from(self.signed)
    }

    /// The length of tag, length and contents.
    fn element_bytes(&self) -> u8 {
        self.bytes() + 2
    }

    fn push_to(&self, der: &mut Vec<u8>) {
        const INTEGER: u8 = 0x02;
        der.extend_from_slice(&[INTEGER, self.bytes()]);
        if self.signed {
            der.push(0);
        }
        der.extend_from_slice(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, VerificationAlgorithm,
    };

    use super::*;

    #[test]
    fn numbers_are_written_as_der_has_them() {
        let check = |r: &[u8], s: &[u8], der: &[u8]| assert_eq!(der_signature(r, s), der, "{r:x?} {s:x?}");
        check(&[0, 1], &[0x7f, 0], &[0x30, 7, 2, 1, 1, 2, 2, 0x7f, 0]);
        check(
            &[0, 0x80],
            &[0x80, 0],
            &[0x30, 9, 2, 2, 0, 0x80, 2, 3, 0, 0x80, 0],
        );
        check(&[0, 0], &[0, 0], &[0x30, 6, 2, 1, 0, 2, 1, 0]);
        let long = der_signature(&[0xff; 66], &[1; 66]);
        assert_eq!(long.get(..6), Some(&[0x30, 0x81, 137, 2, 67, 0][..]));
        assert_eq!(long.len(), 3 + 69 + 68);
    }

    /// The same verdict as aws-lc's own reading of `r` and `s`.
    fn agrees(
        signing: &'static EcdsaSigningAlgorithm,
        fixed: &'static dyn VerificationAlgorithm,
        der: &'static dyn VerificationAlgorithm,
        digest: &'static digest::Algorithm,
        coordinate_bytes: usize,
    ) {
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let point = pair.public_key().as_ref();
        let reference = ParsedPublicKey::new(fixed, point).unwrap();
        let ours = Verifier::Ecdsa {
            key: ParsedPublicKey::new(der, point).unwrap(),
            digest,
            coordinate_bytes,
        };
        let check = |signature: &[u8]| {
            let verdict = ours.verify(b"message", signature).is_ok();
            assert_eq!(
                verdict,
                reference.verify_sig(b"message", signature).is_ok(),
                "{signature:x?}"
            );
            verdict
        };
        // Enough that some numbers begin with zeros.
        for _ in 0..600 {
            let signature = pair.sign(&SystemRandom::new(), b"message").unwrap();
            let signature = signature.as_ref();
            assert!(check(signature));
            assert!(ours.verify(b"massage", signature).is_err());
            let (r, s) = signature.split_at(coordinate_bytes);
            for wrong in [
                &[][..],
                r,
                &[r, s, &[0]].concat(),
                &[&[0], r, s].concat(),
                &[&[0], r, &[0], s].concat(),
                &[s, r].concat(),
                &[r, &vec![0; coordinate_bytes]].concat(),
                &[&vec![0; coordinate_bytes], s].concat(),
                &[r, &vec![0xff; coordinate_bytes]].concat(),
                &vec![0; 2 * coordinate_bytes],
                &der_signature(r, s),
            ] {
                assert!(!check(wrong));
            }
        }
    }

    #[test]
    fn ecdsa_is_verified_as_aws_lc_verifies_it() {
        agrees(
            &lc::ECDSA_P256_SHA256_FIXED_SIGNING,
            &lc::ECDSA_P256_SHA256_FIXED,
            &lc::ECDSA_P256_SHA256_ASN1,
            &digest::SHA256,
            32,
        );
        agrees(
            &lc::ECDSA_P384_SHA384_FIXED_SIGNING,
            &lc::ECDSA_P384_SHA384_FIXED,
            &lc::ECDSA_P384_SHA384_ASN1,
            &digest::SHA384,
            48,
        );
        agrees(
            &lc::ECDSA_P521_SHA512_FIXED_SIGNING,
            &lc::ECDSA_P521_SHA512_FIXED,
            &lc::ECDSA_P521_SHA512_ASN1,
            &digest::SHA512,
            66,
        );
    }
}
