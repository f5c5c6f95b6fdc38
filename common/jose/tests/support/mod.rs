//! What the tests of this crate share: an issuer with keys, a token it would issue, and ways to sign anything at all.

#![allow(dead_code, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_jose::{
    Algorithm, Expectations, JwkSet, KeySet, LocalSigner, Signer, TokenError, TokenRef, UnixTime,
    VerifiedToken, verify,
};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
pub(crate) const LEEWAY: i64 = 30;

/// An issuer, and what its relying party expects.
pub(crate) struct Issuer {
    pub(crate) signer: LocalSigner,
    pub(crate) keys: KeySet,
    pub(crate) expected: Expectations,
}

impl Issuer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let signer = signer(algorithm);
        let keys = KeySet::from_jwks(&JwkSet::new([signer.public_jwk()]));
        let expected = Expectations {
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["urn:a".to_owned(), "urn:b".to_owned()],
            algorithms: Algorithm::ALL.to_vec(),
            types: vec!["at+jwt".to_owned()],
            leeway_seconds: u32::try_from(LEEWAY).unwrap(),
            required_claims: vec!["sub".to_owned()],
        };
        Self {
            signer,
            keys,
            expected,
        }
    }

    pub(crate) fn header(&self) -> Map<String, Value> {
        object(
            json!({ "alg": self.signer.algorithm().as_str(), "kid": self.signer.key_id(), "typ": "at+jwt" }),
        )
    }

    pub(crate) fn claims(&self) -> Map<String, Value> {
        object(json!({
            "iss": "https://issuer.example", "aud": ["urn:other", "urn:a"], "sub": "alice", "client_id": "app",
            "scope": "orders:read orders:write", "jti": "1", "iat": NOW.0 - 10, "nbf": NOW.0 - 10, "exp": NOW.0 + 600,
        }))
    }

    /// A token that must be accepted.
    pub(crate) fn token(&self) -> String {
        signed(&self.signer, &self.header(), &self.claims())
    }

    /// The token with its claims changed, signed for real.
    pub(crate) fn with_claims(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        signed(&self.signer, &self.header(), &claims)
    }

    /// The token with its header changed, signed for real.
    pub(crate) fn with_header(&self, change: impl FnOnce(&mut Map<String, Value>)) -> String {
        let mut header = self.header();
        change(&mut header);
        signed(&self.signer, &header, &self.claims())
    }

    pub(crate) fn accept(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        verify(&TokenRef::parse(token)?, &self.keys, &self.expected, NOW)
    }
}

/// A fresh key; RSA keys, which take seconds to make, are one per test run.
pub(crate) fn signer(algorithm: Algorithm) -> LocalSigner {
    static RSA: LazyLock<Zeroizing<Vec<u8>>> = LazyLock::new(|| {
        LocalSigner::generate(Algorithm::RS256)
            .unwrap()
            .to_pkcs8()
            .unwrap()
    });
    match algorithm {
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512 | Algorithm::EdDSA => {
            LocalSigner::generate(algorithm).unwrap()
        }
        _ => LocalSigner::from_pkcs8_for(algorithm, None, &RSA).unwrap(),
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else {
        return Map::new();
    };
    object
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn to_text(object: &Map<String, Value>) -> String {
    Value::Object(object.clone()).to_string()
}

pub(crate) fn signed(
    signer: &dyn Signer,
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
) -> String {
    signed_text(signer, &to_text(header), &to_text(claims))
}

/// Signs exactly this header and payload text.
pub(crate) fn signed_text(signer: &dyn Signer, header: &str, payload: &str) -> String {
    let input = format!("{}.{}", encode(header), encode(payload));
    let signature = signer.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(signature))
}

pub(crate) fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}
