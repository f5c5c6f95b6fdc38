//! Signatures as OPA proves them by its own configuration (`keys`, `signing`, `--verification-key`; OPA's
//! `v1/bundle/verify.go`, `keys.go`, and `Reader.Read`). Not here: digests by MD5 and SHA-1, which OPA still takes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::archive::Files;
use super::{BundleError, Limits, signature};
use crate::builtins::is_signature_by;
use crate::go_match;

/// Which signatures count.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OpaVerification {
    /// By their ids.
    pub keys: BTreeMap<String, OpaKey>,
    /// The one key that counts; without it the signature names one.
    pub key_id: Option<String>,
    /// What the signature's `scope` must be; the key's own otherwise.
    pub scope: Option<String>,
    /// Files that need not be signed, as patterns of Go's `filepath.Match`.
    pub exclude_files: Vec<String>,
    /// What the files' paths begin with in the signature: the folder, where OPA is given one on its command line, with a slash
    /// at its end and none at its beginning.
    pub base: String,
    /// There must be a signature. Otherwise one that is there must be good.
    pub is_required: bool,
    /// Deltas, which have no signature, are taken even where there must be one (`allow_unsigned_delta_bundles`).
    pub takes_unsigned_deltas: bool,
}

/// One of `keys`.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaKey {
    /// A public key or a certificate in PEM, or HMAC's secret.
    pub key: String,
    /// The JWS algorithm.
    pub algorithm: String,
    /// What a signature's `scope` must be, where nothing else is said.
    pub scope: Option<String>,
}

/// Keys may be secrets.
impl std::fmt::Debug for OpaVerification {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OpaVerification")
            .field("keys", &self.keys.keys())
            .field("is_required", &self.is_required)
            .finish_non_exhaustive()
    }
}

/// As Go's `RawURLEncoding`: leftover bits may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

impl OpaVerification {
    /// Holds files to their signature. Gives the id of the key that signed; `None` where nothing is signed and nothing need
    /// be.
    pub(super) fn verify(&self, files: &Files, limits: &Limits) -> Result<Option<String>, BundleError> {
        if !signature::is_signed(files) {
            return if self.is_required {
                Err(said("bundle missing .signatures.json file"))
            } else {
                Ok(None)
            };
        }
        if self.keys.is_empty() {
            return Err(said(
                "verification key not provided: the bundle is signed; name the key that it is signed with",
            ));
        }
        let Some(token) = signature::token(files)? else {
            return Err(said("bundle missing .signatures.json file"));
        };
        let parts: Vec<&str> = token.split('.').collect();
        let &[header, payload, signed] = parts.as_slice() else {
            return Err(said("failed to split compact JWT: expected three parts"));
        };
        let decoded = |part: &str, what: &str| {
            let bytes = BASE64.decode(part);
            bytes.map_err(|error| said(format!("failed to base64 decode JWT {what}: {error}")))
        };
        let claims = signature::parse_payload(&decoded(payload, "payload")?)?;
        let named = match &self.key_id {
            Some(id) => Some(id.clone()),
            None => key_id_of(&decoded(header, "header")?)?,
        };
        let key_id = named
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| claims.keyid.clone());
        if key_id.is_empty() {
            return Err(said("verification key ID is empty"));
        }
        let key = self
            .keys
            .get(&key_id)
            .ok_or_else(|| said(format!("verification key corresponding to ID {key_id} not found")))?;
        let message = token.rsplit_once('.').map_or("", |(message, _)| message);
        let signed = decoded(signed, "signature")?;
        let is_good = is_signature_by(&key.key, &key.algorithm, message.as_bytes(), &signed)
            .map_err(|problem| said(format!("key {key_id}: {problem}")))?;
        if !is_good {
            return Err(said(format!(
                "failed to verify JWT signature: it isn't one by key {key_id} with {}",
                key.algorithm
            )));
        }
        let scope = self.scope.as_ref().or(key.scope.as_ref());
        if claims.scope != scope.map_or("", String::as_str) {
            return Err(said("scope mismatch"));
        }
        // A pattern that is none excludes nothing, as in OPA.
        let is_excluded = |path: &str| {
            let mut patterns = self.exclude_files.iter();
            patterns.any(|pattern| go_match::matches(pattern, path) == Ok(true))
        };
        signature::check_files(files, claims.files, limits, &self.base, &is_excluded)?;
        Ok(Some(key_id))
    }
}

/// The header's `kid`, if it has one.
fn key_id_of(header: &[u8]) -> Result<Option<String>, BundleError> {
    let failed =
        |problem: &dyn std::fmt::Display| said(format!("failed to extract key ID from headers: {problem}"));
    let header: serde_json::Value = serde_json::from_slice(header).map_err(|error| failed(&error))?;
    match header.get("kid") {
        None => Ok(None),
        Some(serde_json::Value::String(id)) => Ok(Some(id.clone())),
        Some(_) => Err(failed(&"`kid` is not a string")),
    }
}

fn said(text: impl Into<String>) -> BundleError {
    BundleError::AsOpa(text.into())
}
