//! How long the salt in an RSASSA-PSS signature (RFC 8017, 9.1.2) is, which Go finds out and aws-lc has to be told. Says
//! nothing about whether the signature is good.

use aws_lc_rs::digest::{Algorithm, Context};
use num_bigint::BigUint;

use super::keys::bits;

/// The length of the salt that the signature was made with, if its form is that of PSS at all.
pub(super) fn salt_length(
    (n, e): (&[u8], &[u8]),
    algorithm: &'static Algorithm,
    signature: &[u8],
) -> Option<usize> {
    let modulus = BigUint::from_bytes_be(n);
    let number = BigUint::from_bytes_be(signature);
    if signature.len() != n.len() || number >= modulus {
        return None;
    }
    let encoded = number.modpow(&BigUint::from_bytes_be(e), &modulus).to_bytes_be();
    let encoded_bits = bits(n).checked_sub(1)?;
    let length = encoded_bits.div_ceil(8);
    let mut message = vec![0; length.checked_sub(encoded.len())?];
    message.extend(encoded);
    let message = message.strip_suffix(&[0xbc])?;
    let (masked, hash) = message.split_at_checked(message.len().checked_sub(algorithm.output_len())?)?;
    let mut unmasked: Vec<u8> = masked
        .iter()
        .zip(mask(algorithm, hash, masked.len()))
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    let unused = length.saturating_mul(8).checked_sub(encoded_bits)?;
    let first = unmasked.first_mut()?;
    *first &= 0xff_u8.checked_shr(u32::try_from(unused).ok()?).unwrap_or(0);
    let one = unmasked.iter().position(|byte| *byte != 0)?;
    if unmasked.get(one) != Some(&1) {
        return None;
    }
    unmasked.len().checked_sub(one)?.checked_sub(1)
}

/// MGF1 (RFC 8017, B.2.1).
fn mask(algorithm: &'static Algorithm, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length.saturating_add(algorithm.output_len()));
    let mut counter = 0_u32;
    while mask.len() < length {
        let mut context = Context::new(algorithm);
        context.update(seed);
        context.update(&counter.to_be_bytes());
        mask.extend_from_slice(context.finish().as_ref());
        counter = counter.wrapping_add(1);
    }
    mask
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::SHA256;
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaPssSaltLength};

    use super::salt_length;
    use crate::builtins::keys::{Hash, Material, Padding, verify_rsa};
    use crate::builtins::x509::parse_public_key;

    #[test]
    fn a_salt_of_any_length_is_found_and_then_verified() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: PublicKeyX509Der<'static> = pair.public_key().as_der().unwrap();
        let Material::Rsa { n, e } = parse_public_key(der.as_ref()).unwrap().into_material() else {
            panic!("not RSA");
        };
        let mut signature = vec![0; n.len()];
        for length in [0, 1, 20, 32, 222] {
            let encoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(length));
            let encoding: &'static _ = Box::leak(Box::new(encoding));
            pair.sign(encoding, &SystemRandom::new(), b"message", &mut signature)
                .unwrap();
            assert_eq!(
                salt_length((&n, &e), &SHA256, &signature),
                Some(usize::from(length))
            );
            let verified = |padding, message: &[u8]| {
                verify_rsa((&n, &e), (padding, Hash::Sha256), message, &signature).unwrap()
            };
            assert!(verified(Padding::PssOfAnyLength, b"message"));
            assert!(!verified(Padding::PssOfAnyLength, b"massage"));
            assert_eq!(verified(Padding::Pss, b"message"), length == 32);
        }
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            b"message",
            &mut signature,
        )
        .unwrap();
        assert_eq!(salt_length((&n, &e), &SHA256, &signature), None);
        assert_eq!(salt_length((&n, &e), &SHA256, &signature[1..]), None);
    }
}
