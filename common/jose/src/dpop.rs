//! DPoP proofs (RFC 9449 §4.2): a JWS that proves, with the key in its own header, that its maker holds that key. What
//! it was made for (method, URI, token, time, nonce) is read here, and compared by who asked for it.

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::claims_form::{ClaimsForm as _, ClaimsMap};
use crate::compact::CompactRef;
use crate::jwk::{Jwk, JwkError};
use crate::strict_json;
use crate::time::UnixTime;
use crate::token_error::TokenError;
use crate::verified::seconds;

/// Longest proof read, 8 KiB: an RSA key and signature of 8192 bits take three.
pub const MAX_DPOP_PROOF_BYTES: usize = 8 * 1024;
/// Longest `jti`, in bytes.
pub const MAX_JTI_BYTES: usize = 256;

/// The one `typ` of a proof.
const TYPE: &str = "dpop+jwt";

/// Why a text is no valid DPoP proof, whatever it was made for. Never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopProofError {
    /// Longer than [`MAX_DPOP_PROOF_BYTES`].
    #[error("the DPoP proof is longer than {MAX_DPOP_PROOF_BYTES} bytes")]
    TooLong,
    /// Not a JWS whose header and payload are JSON objects with each member once.
    #[error("the DPoP proof is malformed: {0}")]
    Malformed(&'static str),
    /// `typ` is not `dpop+jwt`.
    #[error("the DPoP proof's `typ` is not `dpop+jwt`")]
    WrongType,
    /// `jwk` is missing, or no public key.
    #[error("the DPoP proof's `jwk`: {0}")]
    Key(JwkError),
    /// A claim is missing or of the wrong JSON type; carries its name.
    #[error("the DPoP proof's claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// `jti` is empty or longer than [`MAX_JTI_BYTES`].
    #[error("the DPoP proof's `jti` is empty or longer than {MAX_JTI_BYTES} bytes")]
    JtiLength,
    /// The algorithm isn't an allowed asymmetric one or not the key's, the header asks for what is refused
    /// ([`TokenError`] says which), or the signature isn't the key's.
    #[error("the DPoP proof doesn't verify: {0}")]
    Signature(#[source] TokenError),
}

/// A well-formed proof. Nothing it says has been proved.
#[derive(Clone, Debug)]
pub struct DpopProofRef<'a> {
    compact: CompactRef<'a>,
    key: Jwk,
    claims: DpopProof,
}

impl<'a> DpopProofRef<'a> {
    /// Takes a proof apart and checks everything of its form: size, `typ`, `jwk`, the claims' JSON types.
    ///
    /// # Errors
    /// [`DpopProofError`], except [`DpopProofError::Signature`].
    pub fn parse(text: &'a str) -> Result<Self, DpopProofError> {
        if text.len() > MAX_DPOP_PROOF_BYTES {
            return Err(DpopProofError::TooLong);
        }
        let mut compact = CompactRef::parse(text).map_err(|error| malformed(&error))?;
        if compact.header().typ() != Some(TYPE) {
            return Err(DpopProofError::WrongType);
        }
        let Some(Value::Object(jwk)) = compact.header().members().get("jwk") else {
            return Err(DpopProofError::Key(JwkError::NotAnObject));
        };
        let key = Jwk::from_object(jwk).map_err(DpopProofError::Key)?;
        let claims = DpopProof::read(&compact.take_payload(), key.thumbprint())?;
        Ok(Self { compact, key, claims })
    }

    /// The thumbprint (RFC 7638) of the proof's key, to be compared with `cnf.jkt` before a signature is checked.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.claims.thumbprint
    }

    /// What the proof says, once its own key is proved to have signed it with one of `algorithms`.
    ///
    /// # Errors
    /// [`DpopProofError::Signature`].
    pub fn verify(self, algorithms: &[Algorithm]) -> Result<DpopProof, DpopProofError> {
        self.compact
            .check_signature_of_own_key(&self.key, algorithms)
            .map_err(DpopProofError::Signature)?;
        Ok(self.claims)
    }
}

/// What a proof says, signed by the key it is a proof of. Made by [`DpopProofRef::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    thumbprint: String,
    jti: String,
    htm: String,
    htu: String,
    iat: UnixTime,
    ath: Option<String>,
    nonce: Option<String>,
}

impl DpopProof {
    fn read(payload: &[u8], thumbprint: String) -> Result<Self, DpopProofError> {
        let claims = std::str::from_utf8(payload)
            .ok()
            .and_then(strict_json::parse_object)
            .ok_or(DpopProofError::Malformed(
                "the payload is not a JSON object with each member once",
            ))?;
        let jti = text(&claims, "jti")?;
        if jti.is_empty() || jti.len() > MAX_JTI_BYTES {
            return Err(DpopProofError::JtiLength);
        }
        Ok(Self {
            thumbprint,
            jti,
            htm: text(&claims, "htm")?,
            htu: text(&claims, "htu")?,
            iat: claims
                .get("iat")
                .and_then(|time| seconds(&ClaimsMap::view(time)))
                .ok_or(DpopProofError::Claim("iat"))?,
            ath: optional_text(&claims, "ath")?,
            nonce: optional_text(&claims, "nonce")?,
        })
    }

    /// The thumbprint (RFC 7638) of the key that signed, which is what `cnf.jkt` of a token holds (§6.1).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// `jti`: at most [`MAX_JTI_BYTES`], never empty.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// `htm`: the method of the request.
    #[must_use]
    pub fn htm(&self) -> &str {
        &self.htm
    }

    /// `htu`: the URI of the request, as the maker of the proof wrote it.
    #[must_use]
    pub fn htu(&self) -> &str {
        &self.htu
    }

    /// `iat`: when the proof was made.
    #[must_use]
    pub const fn iat(&self) -> UnixTime {
        self.iat
    }

    /// `ath`: the SHA-256 of the access token, base64url.
    #[must_use]
    pub fn ath(&self) -> Option<&str> {
        self.ath.as_deref()
    }

    /// `nonce`.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

fn malformed(error: &TokenError) -> DpopProofError {
    match error {
        TokenError::Malformed(what) => DpopProofError::Malformed(what),
        _ => DpopProofError::Malformed("expected three parts of base64url with dots between"),
    }
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<String, DpopProofError> {
    optional_text(claims, name)?.ok_or(DpopProofError::Claim(name))
}

fn optional_text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, DpopProofError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(DpopProofError::Claim(name)),
    }
}
