//! Randomness as an argument: the trait, and the operating system's generator behind it.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// A source of cryptographically secure random bytes. Services hold an `Arc<dyn Entropy>`.
///
/// It can't fail: a process that can't get randomness can't do anything safe, so that an implementation stops it
/// rather than return something weaker.
pub trait Entropy: Send + Sync {
    /// Fills `destination` with random bytes.
    fn fill(&self, destination: &mut [u8]);
}

/// aws-lc's generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, destination: &mut [u8]) {
        if rand::fill(destination).is_err() {
            std::process::abort();
        }
    }
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// A secret of 256 random bits as 43 characters of base64url.
pub fn random_token(entropy: &dyn Entropy) -> Zeroizing<String> {
    let bytes = Zeroizing::new(random_bytes::<32>(entropy));
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_256_bits_and_differ() {
        let (one, two) = (random_token(&SystemEntropy), random_token(&SystemEntropy));
        assert_eq!(one.len(), 43);
        assert_ne!(*one, *two);
        assert_eq!(URL_SAFE_NO_PAD.decode(one.as_bytes()).unwrap().len(), 32);
    }
}
