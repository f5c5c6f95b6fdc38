//! What a configuration file says of signatures, the same in every file that does: `verification`, or `allow_unsigned`.
//! Whoever read the file opens the ones that it names.

use std::path::{Path, PathBuf};

use postern_jose::Algorithm;
use serde::Deserialize;

use super::verification::{Verification, VerificationKey};

/// The section `verification`: the keys that bundles are signed with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationSection {
    /// At least one.
    pub keys: Vec<VerificationKeySection>,
}

/// A key that bundles may be signed with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationKeySection {
    /// Its id, as signatures name it (`keyid`).
    pub key_id: String,
    /// The one algorithm that it is good for.
    pub algorithm: Algorithm,
    /// The public key, a PEM file (`PUBLIC KEY`).
    pub public_key_file: PathBuf,
}

/// Why the sections say nothing that can be held to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", key.join("."))]
pub struct VerificationSectionError {
    /// The key that is wrong, from `verification` or `allow_unsigned` on.
    pub key: Vec<String>,
    /// What was expected.
    pub message: String,
}

impl Verification {
    /// What `verification` and `allow_unsigned` say together: exactly one of them, so that nobody accepts unsigned bundles
    /// by leaving something out. `read` opens a key's file, or says which it couldn't and why.
    ///
    /// # Errors
    /// With the key that is wrong.
    pub fn configured(
        section: Option<&VerificationSection>,
        allow_unsigned: bool,
        read: impl Fn(&Path) -> Result<String, String>,
    ) -> Result<Self, VerificationSectionError> {
        match (section, allow_unsigned) {
            (Some(section), false) => section.verification(read),
            (None, true) => Ok(Self::Unsigned),
            (None, false) => Err(wrong(
                &["verification"],
                "expected the keys that bundles are signed with, or `allow_unsigned: true`",
            )),
            (Some(_), true) => Err(wrong(
                &["allow_unsigned"],
                "expected false where `verification` has keys; remove one of them",
            )),
        }
    }
}

impl VerificationSection {
    fn verification(
        &self,
        read: impl Fn(&Path) -> Result<String, String>,
    ) -> Result<Verification, VerificationSectionError> {
        if self.keys.is_empty() {
            return Err(wrong(&["verification", "keys"], "expected at least one key"));
        }
        let mut keys = Vec::with_capacity(self.keys.len());
        for (index, key) in self.keys.iter().enumerate() {
            let index = index.to_string();
            let at = ["verification", "keys", &index, "public_key_file"];
            let pem = read(&key.public_key_file)
                .map_err(|error| wrong(&at, format!("{error}; expected a PEM public key")))?;
            let key = VerificationKey::from_pem(&key.key_id, key.algorithm, &pem)
                .map_err(|error| wrong(&at, format!("{}: {error}", key.public_key_file.display())))?;
            keys.push(key);
        }
        Verification::keys(keys).map_err(|error| wrong(&["verification", "keys"], error.to_string()))
    }
}

fn wrong(key: &[&str], message: impl Into<String>) -> VerificationSectionError {
    VerificationSectionError {
        key: key.iter().map(ToString::to_string).collect(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use postern_jose::LocalSigner;
    use serde_json::{Value, json};

    use super::*;

    fn configured(section: &Value, allow_unsigned: bool) -> Result<Verification, String> {
        let section: Option<VerificationSection> = serde_json::from_value(section.clone()).unwrap();
        let public = LocalSigner::generate(Algorithm::ES256).unwrap().public_jwk();
        let pem = public.to_spki_pem().unwrap();
        let read = |path: &Path| match path.to_str() {
            Some("good.pem") => Ok(pem.clone()),
            Some("bad.pem") => Ok("no key".to_owned()),
            other => Err(format!("{}: not found", other.unwrap_or_default())),
        };
        Verification::configured(section.as_ref(), allow_unsigned, read).map_err(|error| error.to_string())
    }

    fn key(id: &str, file: &str) -> Value {
        json!({ "key_id": id, "algorithm": "ES256", "public_key_file": file })
    }

    #[test]
    fn keys_are_read_from_their_files() {
        let section = json!({ "keys": [key("a", "good.pem"), key("b", "good.pem")] });
        let verification = configured(&section, false).unwrap();
        assert!(matches!(verification, Verification::Keys(keys) if keys.keys().eq(["a", "b"])));
    }

    #[test]
    fn unsigned_bundles_are_accepted_where_that_is_said_and_nowhere_else() {
        assert_eq!(configured(&Value::Null, true), Ok(Verification::Unsigned));
        let error = configured(&Value::Null, false).unwrap_err();
        assert!(error.starts_with("verification: expected the keys"), "{error}");
        let error = configured(&json!({ "keys": [key("a", "good.pem")] }), true).unwrap_err();
        assert!(error.starts_with("allow_unsigned: expected false"), "{error}");
    }

    #[test]
    fn a_wrong_key_is_named() {
        for (keys, expected) in [
            (json!([]), "verification.keys: expected at least one key"),
            (
                json!([key("a", "good.pem"), key("b", "none.pem")]),
                "verification.keys.1.public_key_file: none.pem: not found",
            ),
            (
                json!([key("a", "bad.pem")]),
                "verification.keys.0.public_key_file: bad.pem: key `a`",
            ),
            (
                json!([{ "key_id": "a", "algorithm": "RS256", "public_key_file": "good.pem" }]),
                "verification.keys.0.public_key_file: good.pem: key `a`: a key of its kind doesn't sign with RS256; set \
                 `algorithm` to what it signs with: ES256",
            ),
            (
                json!([key("a", "good.pem"), key("a", "good.pem")]),
                "verification.keys: key `a`: is configured twice",
            ),
        ] {
            let error = configured(&json!({ "keys": keys }), false).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
