//! Signing: the trait that every kind of key stands behind (in memory here; KMS and HSM elsewhere), and the in-memory
//! one. A private key is never shown, logged or compared; aws-lc wipes it when it is dropped.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::der;
use crate::jwk::Jwk;
use crate::material::{Curve, Material};
use crate::pem::{self, PRIVATE_KEY, PemError};

/// Signs with one private key and one algorithm.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature.
    fn algorithm(&self) -> Algorithm;

    /// The `kid` under which the public key is published.
    fn key_id(&self) -> &str;

    /// The JWS signature (RFC 7515 §5.1) of `signing_input`, raw, before base64url.
    ///
    /// # Errors
    /// [`SignError`] when the key or its device can't sign.
    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why a key can't be made, read or used. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a PKCS#8 private key that we can sign with.
    #[error(
        "not an unencrypted PKCS#8 private key for {0}; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`"
    )]
    NotAKey(&'static str),
    /// Not a PEM `PRIVATE KEY`.
    #[error("{0}")]
    Pem(#[from] PemError),
    /// aws-lc, a KMS or an HSM refused; says at what.
    #[error("the signer failed at {0}")]
    Failed(&'static str),
}

/// A private key in this process.
pub struct LocalSigner {
    algorithm: Algorithm,
    key_id: String,
    pair: Pair,
    public: Jwk,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn lc::RsaEncoding),
}

impl LocalSigner {
    /// Makes a key from the operating system's randomness (by aws-lc, which takes no other). RSA keys have 3072 bits
    /// and take up to seconds. The key's id is its thumbprint (RFC 7638).
    ///
    /// # Errors
    /// [`SignError::Failed`] when aws-lc can't make one.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let failed = |_| SignError::Failed("making a key");
        let pair = match (ecdsa(algorithm), rsa_encoding(algorithm)) {
            (Some((parameters, _)), _) => Pair::Ecdsa(EcdsaKeyPair::generate(parameters).map_err(failed)?),
            (_, Some(encoding)) => Pair::Rsa(
                Box::new(RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?),
                encoding,
            ),
            _ => Pair::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
        };
        Self::new(algorithm, None, pair)
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5958). The algorithm is the one that its kind implies; an RSA key signs
    /// RS256 ([`from_pkcs8_for`](Self::from_pkcs8_for) chooses another). Without a `key_id`, its thumbprint is the id.
    ///
    /// # Errors
    /// [`SignError::NotAKey`].
    pub fn from_pkcs8(key_id: Option<&str>, der: &[u8]) -> Result<Self, SignError> {
        use Algorithm::{ES256, ES384, ES512, EdDSA, RS256};
        [ES256, ES384, ES512, EdDSA, RS256]
            .into_iter()
            .find_map(|algorithm| Self::from_pkcs8_for(algorithm, key_id, der).ok())
            .ok_or(SignError::NotAKey(
                "EC P-256, P-384 or P-521, Ed25519 or RSA of 2048 bits and more",
            ))
    }

    /// Reads an unencrypted PKCS#8 key that must fit `algorithm`.
    ///
    /// # Errors
    /// [`SignError::NotAKey`] when it doesn't.
    pub fn from_pkcs8_for(algorithm: Algorithm, key_id: Option<&str>, der: &[u8]) -> Result<Self, SignError> {
        let refused = |_| SignError::NotAKey(algorithm.as_str());
        let pair = match (ecdsa(algorithm), rsa_encoding(algorithm)) {
            (Some((parameters, _)), _) => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(parameters, der).map_err(refused)?)
            }
            (_, Some(encoding)) => {
                Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).map_err(refused)?), encoding)
            }
            _ => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(refused)?),
        };
        Self::new(algorithm, key_id, pair)
    }

    /// Reads a PEM `PRIVATE KEY`, else as [`from_pkcs8`](Self::from_pkcs8).
    ///
    /// # Errors
    /// [`SignError::Pem`] or [`SignError::NotAKey`].
    pub fn from_pkcs8_pem(key_id: Option<&str>, text: &str) -> Result<Self, SignError> {
        Self::from_pkcs8(key_id, &pem::decode(PRIVATE_KEY, text)?)
    }

    /// The private key as PKCS#8, to be sealed or written to a file that only its owner reads.
    ///
    /// # Errors
    /// [`SignError::Failed`] when aws-lc can't encode it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        let failed = |_| SignError::Failed("encoding the key");
        let der = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
            Pair::Rsa(pair, _) => {
                let der: Pkcs8V1Der<'static> = pair.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(der))
    }

    /// The private key as PEM `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`SignError::Failed`] when aws-lc can't encode it.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SignError> {
        Ok(pem::encode(PRIVATE_KEY, &self.to_pkcs8()?))
    }

    /// The public key, with this signer's key id and algorithm.
    #[must_use]
    pub fn public_jwk(&self) -> Jwk {
        self.public.clone()
    }

    fn new(algorithm: Algorithm, key_id: Option<&str>, pair: Pair) -> Result<Self, SignError> {
        let refused = |_| SignError::NotAKey(algorithm.as_str());
        let public = public_key(algorithm, &pair)?
            .with_algorithm(algorithm)
            .map_err(refused)?;
        let key_id = key_id.map_or_else(|| public.thumbprint(), str::to_owned);
        Ok(Self {
            algorithm,
            pair,
            public: public.with_key_id(key_id.clone()),
            key_id,
        })
    }
}

impl Signer for LocalSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |_| SignError::Failed("signing");
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&rng, signing_input).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(signing_input).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &rng, signing_input, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for LocalSigner {
    /// The public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSigner")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn public_key(algorithm: Algorithm, pair: &Pair) -> Result<Jwk, SignError> {
    let unsound = || SignError::NotAKey(algorithm.as_str());
    let material = match pair {
        Pair::Ecdsa(pair) => {
            let (_, curve) = ecdsa(algorithm).ok_or_else(unsound)?;
            der::point(curve, pair.public_key().as_ref()).ok_or_else(unsound)?
        }
        Pair::Ed25519(pair) => Material::Ed25519 {
            x: pair.public_key().as_ref().to_vec(),
        },
        Pair::Rsa(pair, _) => {
            let spki: PublicKeyX509Der<'static> = pair
                .public_key()
                .as_der()
                .map_err(|_| SignError::Failed("encoding the public key"))?;
            der::public_key(spki.as_ref()).ok_or_else(unsound)?
        }
    };
    Jwk::new(None, None, material).map_err(|_| unsound())
}

const fn ecdsa(algorithm: Algorithm) -> Option<(&'static EcdsaSigningAlgorithm, Curve)> {
    match algorithm {
        Algorithm::ES256 => Some((&lc::ECDSA_P256_SHA256_FIXED_SIGNING, Curve::P256)),
        Algorithm::ES384 => Some((&lc::ECDSA_P384_SHA384_FIXED_SIGNING, Curve::P384)),
        Algorithm::ES512 => Some((&lc::ECDSA_P521_SHA512_FIXED_SIGNING, Curve::P521)),
        _ => None,
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn lc::RsaEncoding> {
    match algorithm {
        Algorithm::RS256 => Some(&lc::RSA_PKCS1_SHA256),
        Algorithm::RS384 => Some(&lc::RSA_PKCS1_SHA384),
        Algorithm::RS512 => Some(&lc::RSA_PKCS1_SHA512),
        Algorithm::PS256 => Some(&lc::RSA_PSS_SHA256),
        Algorithm::PS384 => Some(&lc::RSA_PSS_SHA384),
        Algorithm::PS512 => Some(&lc::RSA_PSS_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 | Algorithm::EdDSA => None,
    }
}
