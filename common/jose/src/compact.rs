//! The JWS compact form (RFC 7515 §7.1): taken apart strictly, its signature checked, or made. Says nothing about what
//! is signed; claims are token.rs's.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::Jwk;
use crate::key_set::{HeldKey, KeySet};
use crate::signer::{SignError, Signer};
use crate::strict_json;
use crate::token_error::TokenError;

/// Longest compact JWS that isn't a token (a bundle's signature lists each file), 1 MiB.
pub const MAX_COMPACT_BYTES: usize = 1024 * 1024;

/// Header members by which a token would bring its own key (RFC 7515 §4.1.2, 4.1.3, 4.1.5, 4.1.6).
const KEY_CHOOSERS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// So many headers are remembered on each thread, and none that is longer: all tokens of an issuer that one key signs have
/// the same.
const REMEMBERED: usize = 8;
const MAX_REMEMBERED_BYTES: usize = 512;

thread_local! {
    /// The last headers that were well-formed, as written and as read. One text is always read as one header.
    static HEADERS: RefCell<VecDeque<(Box<str>, Header)>> = const { RefCell::new(VecDeque::new()) };
}

/// A JOSE header, well-formed but not to be believed before the signature has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    members: Arc<Map<String, Value>>,
}

impl Header {
    /// The header that `part` spells; read, where it isn't among those read last.
    fn of(part: &str) -> Result<Self, TokenError> {
        HEADERS.with(|headers| {
            let Ok(mut headers) = headers.try_borrow_mut() else {
                return Self::parse(part);
            };
            if let Some((_, header)) = headers.iter().find(|(text, _)| **text == *part) {
                return Ok(header.clone());
            }
            let header = Self::parse(part)?;
            if part.len() <= MAX_REMEMBERED_BYTES {
                headers.truncate(REMEMBERED - 1);
                headers.push_front((part.into(), header.clone()));
            }
            Ok(header)
        })
    }

    fn parse(part: &str) -> Result<Self, TokenError> {
        let malformed =
            TokenError::Malformed("the header is not base64url of a JSON object with each member once");
        let bytes = base64url::decode(part).ok_or_else(|| malformed.clone())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed.clone())?;
        let members = strict_json::parse_object(text).ok_or(malformed)?;
        for name in ["kid", "typ"] {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(TokenError::Malformed(
                    "`kid` and `typ` in the header must be strings",
                ));
            }
        }
        if !members.get("alg").is_some_and(Value::is_string) {
            return Err(TokenError::Malformed(
                "`alg` in the header must be there and a string",
            ));
        }
        Ok(Self {
            members: Arc::new(members),
        })
    }

    /// `alg` as written: may name an algorithm that is not accepted, or none at all.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.text("alg").unwrap_or_default()
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.text("kid")
    }

    /// `typ` as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.text("typ")
    }

    /// Every member.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// The algorithm, when it is an allowed one and the header asks for nothing that we refuse.
    fn permitted(&self, allowed: &[Algorithm]) -> Result<Algorithm, TokenError> {
        self.permitted_with(allowed, "")
    }

    /// The same for a format that has the member `own_key` of [`KEY_CHOOSERS`] on purpose, as DPoP has `jwk`.
    fn permitted_with(&self, allowed: &[Algorithm], own_key: &str) -> Result<Algorithm, TokenError> {
        let algorithm: Algorithm = self
            .algorithm()
            .parse()
            .map_err(|_| TokenError::AlgorithmRefused)?;
        if !allowed.contains(&algorithm) {
            return Err(TokenError::AlgorithmRefused);
        }
        if let Some(name) = KEY_CHOOSERS
            .into_iter()
            .find(|name| *name != own_key && self.members.contains_key(*name))
        {
            return Err(TokenError::KeyChoiceRefused(name));
        }
        // No extension is understood, so any `crit` is refused (RFC 7515 §4.1.11), and so is an unencoded payload that
        // forgot to be critical (RFC 7797 §6).
        let unencoded = self
            .members
            .get("b64")
            .is_some_and(|value| value != &Value::Bool(true));
        if unencoded || self.members.contains_key("crit") {
            return Err(TokenError::CritRefused);
        }
        Ok(algorithm)
    }
}

/// A compact JWS taken apart. Nothing about it has been proved.
#[derive(Clone, Debug)]
pub struct CompactRef<'a> {
    signing_input: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> CompactRef<'a> {
    /// Takes a compact JWS of at most [`MAX_COMPACT_BYTES`] apart.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`] or [`TokenError::Malformed`].
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_COMPACT_BYTES {
            return Err(TokenError::TooLarge);
        }
        let malformed = || TokenError::Malformed("expected three parts of base64url with dots between");
        let (signing_input, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(malformed)?;
        if payload.contains('.') {
            return Err(malformed());
        }
        Ok(Self {
            signing_input,
            header: Header::of(header)?,
            payload: base64url::decode(payload)
                .ok_or(TokenError::Malformed("the payload is not base64url"))?,
            signature: base64url::decode(signature)
                .ok_or(TokenError::Malformed("the signature is not base64url"))?,
        })
    }

    /// The header, unproved.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, unproved: to find out which key to verify with, no more.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, once one of `keys` is proved to have signed it with one of `algorithms`.
    ///
    /// # Errors
    /// [`TokenError`], up to and including [`TokenError::BadSignature`].
    pub fn verify(self, keys: &KeySet, algorithms: &[Algorithm]) -> Result<Vec<u8>, TokenError> {
        self.signed_by(keys, algorithms)?;
        Ok(self.payload)
    }

    /// The payload, once `key` is proved to have signed it with one of `algorithms`, whatever `kid` says: for formats
    /// that choose the key by their own rules, as OPA's bundles do.
    ///
    /// # Errors
    /// [`TokenError`], up to and including [`TokenError::BadSignature`].
    pub fn verify_with_key(self, key: &Jwk, algorithms: &[Algorithm]) -> Result<Vec<u8>, TokenError> {
        let algorithm = self.header.permitted(algorithms)?;
        self.check_signature(key, algorithm)?;
        Ok(self.payload)
    }

    /// Proves that `key`, which the header holds as its `jwk`, signed this with one of `algorithms`: whoever made it has
    /// that key, and nothing else is said.
    pub(crate) fn check_signature_of_own_key(
        &self,
        key: &Jwk,
        algorithms: &[Algorithm],
    ) -> Result<(), TokenError> {
        let algorithm = self.header.permitted_with(algorithms, "jwk")?;
        self.check_signature(key, algorithm)
    }

    fn check_signature(&self, key: &Jwk, algorithm: Algorithm) -> Result<(), TokenError> {
        key.verifiers()
            .iter()
            .find(|(held_for, _)| *held_for == algorithm)
            .ok_or(TokenError::AlgorithmRefused)?
            .1
            .verify(self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| TokenError::BadSignature)
    }

    /// The key that signed this.
    pub(crate) fn signed_by<'k>(
        &self,
        keys: &'k KeySet,
        algorithms: &[Algorithm],
    ) -> Result<(&'k HeldKey, Algorithm), TokenError> {
        let algorithm = self.header.permitted(algorithms)?;
        let key = keys.choose(self.header.key_id(), algorithm)?;
        key.verify(self.signing_input.as_bytes(), &self.signature)?;
        Ok((key, algorithm))
    }

    /// Gives the payload away, to be read as claims.
    pub(crate) fn take_payload(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.payload)
    }
}

/// The payload of a compact JWS that one of `keys` signed with one of `algorithms`. No claim is looked at.
///
/// # Errors
/// [`TokenError`], up to and including [`TokenError::BadSignature`].
pub fn verify_compact(text: &str, keys: &KeySet, algorithms: &[Algorithm]) -> Result<Vec<u8>, TokenError> {
    CompactRef::parse(text)?.verify(keys, algorithms)
}

/// Signs `payload` into a compact JWS whose header has `alg`, `kid` and, if given, `typ`.
///
/// # Errors
/// [`SignError`] when the signer can't sign.
pub fn sign_compact(signer: &dyn Signer, typ: Option<&str>, payload: &[u8]) -> Result<String, SignError> {
    let mut header = json!({ "alg": signer.algorithm().as_str(), "kid": signer.key_id() });
    if let (Some(typ), Some(members)) = (typ, header.as_object_mut()) {
        members.insert("typ".to_owned(), typ.into());
    }
    let signing_input = format!(
        "{}.{}",
        base64url::encode(header.to_string().as_bytes()),
        base64url::encode(payload)
    );
    let signature = signer.sign(signing_input.as_bytes())?;
    Ok(format!("{signing_input}.{}", base64url::encode(&signature)))
}
