//! Private keys that OpenSSL encrypted in its own way (RFC 1421's headers, `openssl rsa -aes256 -traditional`), as Go's
//! `x509.DecryptPEMBlock` reads them.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use md5::{Digest as _, Md5};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::pem;

/// `key` in PEM and not encrypted.
///
/// # Errors
/// When it is encrypted in a way that isn't read, or by another passphrase. Nothing of either is shown.
pub(super) fn opened(key: &[u8], passphrase: Option<&SecretString>) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = std::str::from_utf8(key).map_err(|_| "it isn't text; expected PEM".to_owned())?;
    let block = pem::first(text).ok_or("there is no PEM in it")?;
    if block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(
            "it is encrypted as PKCS #8 does it, which OPA doesn't read, either; write it anew with `openssl rsa -traditional -aes256`"
                .to_owned(),
        );
    }
    let Some(info) = block.header("DEK-Info") else {
        return Ok(Zeroizing::new(key.to_vec()));
    };
    let passphrase = passphrase.ok_or("it is encrypted; name its passphrase by `private_key_passphrase`")?;
    let (cipher, iv) = info
        .split_once(',')
        .ok_or("its header DEK-Info has no initial vector")?;
    let (algorithm, key_length) = algorithm(cipher).ok_or_else(|| {
        "it is encrypted by another cipher than AES-128, -192 and -256 in CBC; write it anew with `openssl rsa -traditional -aes256`"
            .to_owned()
    })?;
    let iv = <[u8; 16]>::try_from(bytes(iv).ok_or("its initial vector isn't hexadecimal")?)
        .map_err(|_| "its initial vector isn't of 16 bytes".to_owned())?;
    let key = derived(passphrase, &iv, key_length);
    let der = decrypted(&block.der, &key, algorithm, iv);
    let der = der.ok_or("it can't be decrypted; is `private_key_passphrase` another's?")?;
    let text = pem::encoded(&block.label, &der);
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// The cipher, and how long its keys are.
fn algorithm(cipher: &str) -> Option<(&'static Algorithm, usize)> {
    match cipher {
        "AES-128-CBC" => Some((&AES_128, 16)),
        "AES-192-CBC" => Some((&AES_192, 24)),
        "AES-256-CBC" => Some((&AES_256, 32)),
        _ => None,
    }
}

fn decrypted(
    encrypted: &[u8],
    key: &[u8],
    algorithm: &'static Algorithm,
    iv: [u8; 16],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut text = Zeroizing::new(encrypted.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut text, context).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// OpenSSL's `EVP_BytesToKey` with MD5, one round, and half of the initial vector for salt. Weak, but it is what such files
/// are encrypted by.
fn derived(passphrase: &SecretString, iv: &[u8; 16], length: usize) -> Zeroizing<Vec<u8>> {
    let (salt, _) = iv.split_at(8);
    let mut key = Zeroizing::new(Vec::new());
    let mut last = Zeroizing::new(Vec::new());
    while key.len() < length {
        let mut hash = Md5::new();
        hash.update(&*last);
        hash.update(passphrase.expose_secret().as_bytes());
        hash.update(salt);
        *last = hash.finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    digits.collect()
}
