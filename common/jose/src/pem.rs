//! PEM text around DER (RFC 7468): one block, the label that was asked for, no headers. Never encrypts or decrypts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Label of a PKCS#8 private key (RFC 7468 §10).
pub const PRIVATE_KEY: &str = "PRIVATE KEY";
/// Label of a `SubjectPublicKeyInfo` (RFC 7468 §13).
pub const PUBLIC_KEY: &str = "PUBLIC KEY";
/// Label of an X.509 certificate (RFC 7468 §5).
pub const CERTIFICATE: &str = "CERTIFICATE";

/// Longest PEM text read: an RSA key of 8192 bits takes about 6 KiB.
pub const MAX_PEM_BYTES: usize = 64 * 1024;

/// Why a text is not the PEM that was asked for. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// More than 64 KiB.
    #[error("longer than 64 KiB, so not one key or certificate in PEM")]
    TooLarge,
    /// There is no `-----BEGIN …-----` line.
    #[error("no line `-----BEGIN {expected}-----`")]
    NoBlock {
        /// The label that was asked for.
        expected: &'static str,
    },
    /// A block with another label, such as a private key where a public one was asked for.
    #[error("expected a PEM `{expected}`, found {found}")]
    WrongLabel {
        /// The label that was asked for.
        expected: &'static str,
        /// What is there and what to do, when it is a common one.
        found: &'static str,
    },
    /// The block isn't closed, holds headers or anything but base64, or is followed by another.
    #[error(
        "a damaged or ambiguous PEM block; expected one, with base64 only between its BEGIN and END lines"
    )]
    Damaged,
}

/// `der` as PEM with lines of 64 characters. Zeroized when dropped, since it may be a private key.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(der.len().saturating_mul(3) / 2 + 96));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    // 48 bytes make 64 characters, so each line is encoded by itself.
    let mut line = Zeroizing::new(String::with_capacity(64));
    for chunk in der.chunks(48) {
        line.clear();
        STANDARD.encode_string(chunk, &mut line);
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The DER in the one PEM block of `text`, which must have the label `expected`. Zeroized when dropped.
///
/// # Errors
/// [`PemError`] says what is there instead.
pub fn decode(expected: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(PemError::TooLarge);
    }
    let text = text.trim_ascii();
    let begin = text
        .strip_prefix("-----BEGIN ")
        .ok_or(PemError::NoBlock { expected })?;
    let (label, body) = begin.split_once("-----").ok_or(PemError::NoBlock { expected })?;
    if label != expected {
        return Err(PemError::WrongLabel {
            expected,
            found: describe(label),
        });
    }
    let (body, end) = body.split_once("-----END ").ok_or(PemError::Damaged)?;
    if end.strip_suffix("-----") != Some(expected) {
        return Err(PemError::Damaged);
    }
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    base64.extend(body.split_ascii_whitespace());
    let der = STANDARD
        .decode(base64.as_bytes())
        .map_err(|_| PemError::Damaged)?;
    Ok(Zeroizing::new(der))
}

fn describe(label: &str) -> &'static str {
    match label {
        PRIVATE_KEY => "a private key",
        PUBLIC_KEY => "a public key",
        "ENCRYPTED PRIVATE KEY" => "an encrypted private key; decrypt it with `openssl pkcs8`",
        "EC PRIVATE KEY" | "RSA PRIVATE KEY" => {
            "a private key of the old form; convert it with `openssl pkcs8 -topk8 -nocrypt`"
        }
        "RSA PUBLIC KEY" => {
            "a public key of the old form; convert it with `openssl rsa -RSAPublicKey_in -pubout`"
        }
        CERTIFICATE => "a certificate; take its key with `openssl x509 -pubkey -noout`",
        _ => "another kind of block",
    }
}
