//! The keys of bundles, from files: a private one to sign with, a public one to verify with. Never prints either.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use postern_jose::{Algorithm, LocalSigner, Signer as _};
use postern_policy::{Verification, VerificationKey};
use zeroize::Zeroizing;

/// What a public key is good for, where nothing else is said: the first that fits its kind.
const BY_KIND: [Algorithm; 5] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::EdDSA,
    Algorithm::RS256,
];

/// The flags that say what to sign with.
#[derive(Clone, Debug, clap::Args)]
pub struct SigningArgs {
    /// The private key: PEM, PKCS#8, unencrypted. EC P-256 signs ES256, RSA signs RS256.
    #[arg(long, value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
    /// The id by which those who verify know the key [default: the key's RFC 7638 thumbprint].
    #[arg(long, value_name = "ID", requires = "signing_key")]
    pub key_id: Option<String>,
}

impl SigningArgs {
    /// Reads the key, where one is given.
    pub fn signer(&self) -> anyhow::Result<Option<LocalSigner>> {
        let Some(path) = &self.signing_key else {
            return Ok(None);
        };
        let pem = fs::read_to_string(path).map(Zeroizing::new);
        let pem = pem.with_context(|| format!("reading --signing-key {}", path.display()))?;
        let signer = LocalSigner::from_pkcs8_pem(self.key_id.as_deref(), &pem);
        signer
            .map(Some)
            .with_context(|| format!("--signing-key {}", path.display()))
    }
}

/// Reads a public key that bundles must be signed with.
pub fn verification(path: &Path, key_id: &str, algorithm: Option<Algorithm>) -> anyhow::Result<Verification> {
    let pem = fs::read_to_string(path).with_context(|| format!("reading --key {}", path.display()))?;
    let candidates: Vec<Algorithm> = algorithm.map_or_else(|| BY_KIND.to_vec(), |one| vec![one]);
    let mut refusal = None;
    for candidate in candidates {
        match VerificationKey::from_pem(key_id, candidate, &pem) {
            Ok(key) => return Ok(Verification::keys([key])?),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    let refusal = refusal.map_or_else(|| "no algorithm fits".to_owned(), |error| error.to_string());
    anyhow::bail!("--key {}: {refusal}", path.display())
}

/// Says under which id a bundle was signed.
pub fn key_id(signer: &LocalSigner) -> &str {
    signer.key_id()
}
