//! Keys as OPA's configuration has them (`keys`, `--verification-key`): text and an algorithm's name, read when a signature
//! is proved with them (OPA's `v1/bundle/verify.go`, `parseVerificationKey`).

use super::super::keys::Material;
use super::super::pem;
use super::super::x509::{self, PublicKey};
use super::algorithm::Algorithm;

/// Whether `signature` is one of `message` by the key: a public key or a certificate in PEM, or HMAC's secret.
///
/// # Errors
/// When the key isn't what the algorithm takes, or nothing here can tell.
pub fn is_signature_by(key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
    let known =
        Algorithm::of(algorithm).ok_or_else(|| format!("unknown signature algorithm: {algorithm}"))?;
    let material = match known {
        // Anybody can sign with it.
        Algorithm::Hmac(_) if key.is_empty() => return Err("there is no key to verify with".to_owned()),
        Algorithm::Hmac(_) => Material::Secret(key.as_bytes().to_vec()),
        _ => in_pem(key)?.into_material(),
    };
    known
        .is_signature(&material, message, signature)
        .map_err(|error| error.to_string())
}

fn in_pem(text: &str) -> Result<PublicKey, String> {
    let (block, _) = pem::decode(text.as_bytes()).ok_or("failed to parse PEM block containing the key")?;
    let bytes = block.bytes.as_slice();
    let key = match block.label {
        b"PUBLIC KEY" => x509::parse_public_key(bytes),
        b"RSA PUBLIC KEY" => x509::parse_rsa_public_key(bytes),
        b"CERTIFICATE" => x509::parse_certificate(bytes).map(|certificate| certificate.key),
        b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" | b"PRIVATE KEY" => {
            return Err(
                "it is a private key; give the public one, which is all that verifying takes".to_owned(),
            );
        }
        _ => return Err("failed to parse PEM block containing the key".to_owned()),
    };
    key.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn an_empty_secret_verifies_nothing() {
        let signed = |secret: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"message");
        assert_eq!(
            is_signature_by("", "HS256", b"message", signed(b"").as_ref()),
            Err("there is no key to verify with".to_owned())
        );
        assert_eq!(
            is_signature_by("s", "HS256", b"message", signed(b"s").as_ref()),
            Ok(true)
        );
        assert_eq!(
            is_signature_by("s", "HS256", b"message", signed(b"").as_ref()),
            Ok(false)
        );
    }
}
