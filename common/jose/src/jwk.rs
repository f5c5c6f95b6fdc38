//! One public key as JSON (RFC 7517, RFC 7518 §6, RFC 8037). A [`Jwk`] is always sound and only ever public: private
//! members are refused when it is read, and there is no field that could hold one.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::der;
use crate::material::{Curve, Material};
use crate::pem::{self, PUBLIC_KEY};
use crate::strict_json;
use crate::verifier::Verifier;

/// Why a key is refused. Never quotes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not a JSON object, or an ambiguous one (duplicate members, too deep).
    #[error("not one JSON object with each member once")]
    NotAnObject,
    /// A private or secret member is there (`d`, `p`, `q`, `dp`, `dq`, `qi`, `oth`, `priv`, or `k` outside `oct`).
    #[error("holds private key material; publish public keys only, and replace this key")]
    PrivateMaterial,
    /// `kty` is `oct`: a shared secret, which verifies nothing here.
    #[error("a symmetric key (kty `oct`); only public keys verify tokens")]
    Symmetric,
    /// `kty` or `crv` is missing or not one of RSA, EC P-256/P-384/P-521, OKP Ed25519.
    #[error("not a supported key type; use RSA, EC P-256, P-384 or P-521, or OKP Ed25519")]
    UnsupportedType,
    /// The named member is missing or not what its RFC says.
    #[error("member `{0}` is missing or malformed")]
    Member(&'static str),
    /// An RSA key outside 2048 to 8192 bits.
    #[error("an RSA key must have 2048 to 8192 bits")]
    RsaSize,
    /// Numbers that make no sound key, such as a point that isn't on the curve.
    #[error("the numbers are not a sound public key")]
    UnsoundKey,
    /// `use` or `key_ops` says that the key isn't for verifying signatures.
    #[error("not for signatures (`use` is not `sig`, or `key_ops` lacks `verify`)")]
    NotForSignatures,
    /// `alg` is one that this kind of key can't do.
    #[error("`alg` is not an algorithm of this kind of key")]
    AlgorithmMismatch,
    /// Not a PEM `PUBLIC KEY`.
    #[error("{0}")]
    Pem(#[from] pem::PemError),
    /// The DER inside a PEM `PUBLIC KEY` is not a supported `SubjectPublicKeyInfo`.
    #[error("not a SubjectPublicKeyInfo of a supported key: RSA, EC P-256, P-384 or P-521, or Ed25519")]
    NotSpki,
}

/// A sound public key for verifying signatures, with the algorithms that it may be used with. Cheap to clone.
#[derive(Clone)]
pub struct Jwk {
    key_id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Arc<Material>,
    verifiers: Arc<[(Algorithm, Verifier)]>,
}

impl Jwk {
    /// Reads a JWK from JSON text.
    ///
    /// # Errors
    /// [`JwkError`] says which rule the key breaks.
    pub fn parse(json: &str) -> Result<Self, JwkError> {
        Self::from_object(&strict_json::parse_object(json).ok_or(JwkError::NotAnObject)?)
    }

    /// Reads a JWK from an object whose members are known to be unique.
    pub(crate) fn from_object(object: &Map<String, Value>) -> Result<Self, JwkError> {
        refuse_private_members(object)?;
        let material = material(object)?;
        check_purpose(object)?;
        let algorithm = match object.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(name.parse().map_err(|_| JwkError::AlgorithmMismatch)?),
            Some(_) => return Err(JwkError::Member("alg")),
        };
        let key_id = match object.get("kid") {
            None => None,
            Some(Value::String(key_id)) => Some(key_id.clone()),
            Some(_) => return Err(JwkError::Member("kid")),
        };
        Self::new(key_id, algorithm, material)
    }

    pub(crate) fn new(
        key_id: Option<String>,
        algorithm: Option<Algorithm>,
        material: Material,
    ) -> Result<Self, JwkError> {
        let verifiers = match algorithm {
            Some(algorithm) => Arc::from([(algorithm, material.verifier(algorithm)?)]),
            None => material
                .algorithms()
                .iter()
                .map(|a| Ok((*a, material.verifier(*a)?)))
                .collect::<Result<_, JwkError>>()?,
        };
        Ok(Self {
            key_id,
            algorithm,
            material: Arc::new(material),
            verifiers,
        })
    }

    /// Reads a PEM `PUBLIC KEY` (RFC 7468 §13); the key has no id and no narrower algorithm than its kind.
    ///
    /// # Errors
    /// [`JwkError::Pem`] or [`JwkError::NotSpki`] when it isn't one, else why the key isn't sound.
    pub fn from_spki_pem(text: &str) -> Result<Self, JwkError> {
        Self::from_spki_der(&pem::decode(PUBLIC_KEY, text)?)
    }

    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    ///
    /// # Errors
    /// [`JwkError::NotSpki`] when it isn't one, else why the key isn't sound.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, JwkError> {
        let jwk = Self::new(None, None, der::public_key(der).ok_or(JwkError::NotSpki)?)?;
        // One key, one encoding: whatever the reader let through that DER forbids shows here.
        if jwk.material.to_spki()? != der {
            Err(JwkError::NotSpki)
        } else {
            Ok(jwk)
        }
    }

    /// The key as PEM `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`JwkError::UnsoundKey`] when aws-lc can't encode the key, which a sound key doesn't cause.
    pub fn to_spki_pem(&self) -> Result<String, JwkError> {
        Ok(pem::encode(PUBLIC_KEY, &self.material.to_spki()?).to_string())
    }

    /// `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// `alg`, when the key is bound to one algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The algorithms that this key may verify: its `alg`, or all of its kind.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.verifiers.iter().map(|(algorithm, _)| *algorithm)
    }

    /// The same key under another `kid`.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// The same key bound to `algorithm`.
    ///
    /// # Errors
    /// [`JwkError::AlgorithmMismatch`] when this kind of key can't do it.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, JwkError> {
        Self::new(self.key_id, Some(algorithm), Arc::unwrap_or_clone(self.material))
    }

    /// The SHA-256 thumbprint of RFC 7638, base64url: the same for one key however its JWK is written.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let members: Vec<String> = self
            .material
            .members()
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{value}\""))
            .collect();
        base64url::encode(digest(&SHA256, format!("{{{}}}", members.join(",")).as_bytes()).as_ref())
    }

    /// The key as a JSON object with `use: sig`.
    #[must_use]
    pub fn to_object(&self) -> Map<String, Value> {
        let mut object: Map<String, Value> = self
            .material
            .members()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        object.insert("use".to_owned(), "sig".into());
        if let Some(algorithm) = self.algorithm {
            object.insert("alg".to_owned(), algorithm.as_str().into());
        }
        if let Some(key_id) = &self.key_id {
            object.insert("kid".to_owned(), key_id.as_str().into());
        }
        object
    }

    pub(crate) fn verifiers(&self) -> &[(Algorithm, Verifier)] {
        &self.verifiers
    }

    /// Whether both are the same key, whatever they are called.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.key_id == other.key_id && self.algorithm == other.algorithm && self.same_key(other)
    }
}

impl Eq for Jwk {}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .field("thumbprint", &self.thumbprint())
            .finish()
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_object().serialize(serializer)
    }
}

/// Whatever the type, known or not: what is private stays private (RFC 7517 §9.2).
fn refuse_private_members(object: &Map<String, Value>) -> Result<(), JwkError> {
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"]
        .iter()
        .any(|name| object.contains_key(*name));
    let symmetric = object.get("kty").and_then(Value::as_str) == Some("oct");
    if private || (!symmetric && object.contains_key("k")) {
        return Err(JwkError::PrivateMaterial);
    }
    Ok(())
}

fn material(object: &Map<String, Value>) -> Result<Material, JwkError> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let octets = |name: &'static str| {
        text(name)
            .and_then(base64url::decode)
            .ok_or(JwkError::Member(name))
    };
    match text("kty").ok_or(JwkError::Member("kty"))? {
        "RSA" => Ok(Material::Rsa {
            n: octets("n")?,
            e: octets("e")?,
        }),
        "EC" => {
            let curve =
                Curve::named(text("crv").ok_or(JwkError::Member("crv"))?).ok_or(JwkError::UnsupportedType)?;
            Ok(Material::Ec {
                curve,
                x: octets("x")?,
                y: octets("y")?,
            })
        }
        "OKP" if text("crv") == Some("Ed25519") => Ok(Material::Ed25519 { x: octets("x")? }),
        "oct" => Err(JwkError::Symmetric),
        _ => Err(JwkError::UnsupportedType),
    }
}

/// `use` (RFC 7517 §4.2) and `key_ops` (§4.3), where they are there, must both allow verifying.
fn check_purpose(object: &Map<String, Value>) -> Result<(), JwkError> {
    if object.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(JwkError::NotForSignatures);
    }
    match object.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(_) => Err(JwkError::NotForSignatures),
    }
}
