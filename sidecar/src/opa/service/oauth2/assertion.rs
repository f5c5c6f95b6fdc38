//! Assertions that are signed here: JWTs with what OPA puts into them.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use postern_decide::Now;
use postern_opa_config::{Assertion, Key};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json, json};

use crate::opa::service::pem;
use crate::random::Randomness;

/// For how long an assertion holds, in seconds.
const LIFETIME: i64 = 600;

/// Signs assertions with one key.
pub(super) struct AssertionSigner {
    /// In base64.
    header: String,
    claims: Map<String, Json>,
    scope: Option<String>,
    include_jti: bool,
    pair: Pair,
}

enum Pair {
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
}

impl AssertionSigner {
    /// As configured, with that key.
    ///
    /// # Errors
    /// When the key isn't one for its algorithm; nothing of it is shown.
    pub(super) fn new(configured: &Assertion, key: &Key, scopes: &[String]) -> Result<Self, String> {
        let algorithm = key.algorithm.as_str();
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if let (Some(thumbprint), Some(header)) = (&configured.thumbprint, header.as_object_mut()) {
            header.insert("x5t".to_owned(), URL_SAFE.encode(thumbprint).into());
        }
        let secret = key
            .private_key
            .as_ref()
            .ok_or("it has no private_key to sign with")?;
        Ok(Self {
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            claims: configured.additional_claims.clone(),
            scope: (!scopes.is_empty()).then(|| scopes.join(" ")),
            include_jti: configured.include_jti,
            pair: pair(algorithm, secret)?,
        })
    }

    /// An assertion of now.
    ///
    /// # Errors
    /// When the key doesn't sign.
    pub(super) fn signed(&self, now: Now, randomness: &Randomness) -> Result<SecretString, String> {
        let now = now.unix_ns.div_euclid(1_000_000_000);
        let mut claims = Map::new();
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add(LIFETIME).into());
        claims.extend(self.claims.clone());
        if let Some(scope) = &self.scope {
            claims.insert("scope".to_owned(), scope.as_str().into());
        }
        if self.include_jti {
            let id = uuid::Builder::from_random_bytes(randomness.entropy().decision_id);
            claims.insert("jti".to_owned(), id.into_uuid().to_string().into());
        }
        let claims = URL_SAFE_NO_PAD.encode(Json::Object(claims).to_string());
        let text = format!("{}.{claims}", self.header);
        let signature = URL_SAFE_NO_PAD.encode(self.signature(text.as_bytes())?);
        Ok(format!("{text}.{signature}").into())
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |_| "the signing key doesn't sign".to_owned();
        // aws-lc takes no other randomness than the system's.
        let randomness = SystemRandom::new();
        match &self.pair {
            Pair::Hmac(key) => Ok(hmac::sign(key, text).as_ref().to_vec()),
            Pair::Ecdsa(pair) => Ok(pair.sign(&randomness, text).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &randomness, text, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

fn pair(algorithm: &str, secret: &SecretString) -> Result<Pair, String> {
    let text = secret.expose_secret();
    let rsa = |encoding| rsa(text).map(|pair| Pair::Rsa(Box::new(pair), encoding));
    let ecdsa = |algorithm| ecdsa(text, algorithm).map(Pair::Ecdsa);
    let hmac = |algorithm| Some(Pair::Hmac(Box::new(hmac::Key::new(algorithm, text.as_bytes()))));
    let pair = match algorithm {
        "HS256" => hmac(hmac::HMAC_SHA256),
        "HS384" => hmac(hmac::HMAC_SHA384),
        "HS512" => hmac(hmac::HMAC_SHA512),
        "RS256" => rsa(&lc::RSA_PKCS1_SHA256),
        "RS384" => rsa(&lc::RSA_PKCS1_SHA384),
        "RS512" => rsa(&lc::RSA_PKCS1_SHA512),
        "PS256" => rsa(&lc::RSA_PSS_SHA256),
        "PS384" => rsa(&lc::RSA_PSS_SHA384),
        "PS512" => rsa(&lc::RSA_PSS_SHA512),
        "ES256" => ecdsa(&lc::ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => ecdsa(&lc::ECDSA_P384_SHA384_FIXED_SIGNING),
        "ES512" => ecdsa(&lc::ECDSA_P521_SHA512_FIXED_SIGNING),
        _ => None,
    };
    pair.ok_or_else(|| {
        format!(
            "private_key: expected a key for {algorithm} in PEM: RSA of 2048 bits and more for RS… and PS…, EC on its own \
             curve for ES…"
        )
    })
}

fn rsa(text: &str) -> Option<RsaKeyPair> {
    let block = pem::first(text)?;
    match block.label.as_str() {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&block.der).ok(),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&block.der).ok(),
        _ => None,
    }
}

fn ecdsa(text: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair> {
    let block = pem::first(text)?;
    match block.label.as_str() {
        "EC PRIVATE KEY" => EcdsaKeyPair::from_private_key_der(algorithm, &block.der).ok(),
        "PRIVATE KEY" => EcdsaKeyPair::from_pkcs8(algorithm, &block.der).ok(),
        _ => None,
    }
}
