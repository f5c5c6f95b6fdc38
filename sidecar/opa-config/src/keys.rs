//! `keys`: what signatures are verified, and tokens signed, with.

use std::collections::BTreeMap;

use postern_config::ConfigError;
use secrecy::SecretString;

use crate::section::Section;

const DEFAULT_ALGORITHM: &str = "RS256";
const ALGORITHMS: [&str; 12] = [
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512", "RS256", "RS384",
    "RS512",
];

/// Keys by their ids.
pub type Keys = BTreeMap<String, Key>;

/// One of `keys`.
#[derive(Clone, Debug)]
pub struct Key {
    /// A public key in PEM, or HMAC's secret.
    pub key: Option<SecretString>,
    /// A private key in PEM, with which tokens are signed.
    pub private_key: Option<SecretString>,
    /// The JWS algorithm.
    pub algorithm: String,
    /// What a signature's `scope` must be, where `signing` doesn't say.
    pub scope: Option<String>,
}

/// Reads `keys`.
pub(crate) fn read(root: &Section<'_>) -> Result<Keys, ConfigError> {
    let sections = root.section("keys")?;
    let mut keys = Keys::new();
    for (id, section) in sections.sections()? {
        let key = section.secret("key")?;
        let private_key = section.secret("private_key")?;
        if key.is_none() && private_key.is_none() {
            return Err(section.error(
                "key",
                "missing; give a public key in PEM, HMAC's secret, or `private_key`",
            ));
        }
        let algorithm = section.word("algorithm")?;
        let algorithm = known(algorithm.as_deref().unwrap_or(DEFAULT_ALGORITHM))
            .map_err(|message| section.error("algorithm", message))?;
        let key = Key {
            key,
            private_key,
            algorithm,
            scope: section.word("scope")?,
        };
        keys.insert(id.to_owned(), key);
    }
    Ok(keys)
}

/// `algorithm`, if OPA knows it.
pub(crate) fn known(algorithm: &str) -> Result<String, String> {
    if ALGORITHMS.contains(&algorithm) {
        return Ok(algorithm.to_owned());
    }
    Err(format!("expected one of {}", ALGORITHMS.join(", ")))
}
