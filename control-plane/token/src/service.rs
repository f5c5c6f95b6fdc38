//! The use cases of the token service: issue a token, show the key set. It speaks domain types only.

use std::sync::Arc;

use postern_jose::{SignError, UnixTime, sign_compact};
use postern_store::{Clock, Entropy, random_bytes};
use secrecy::SecretString;
use uuid::Builder;

use crate::model::{Grant, KeyDocument, KeyRing};

/// `typ` of an access token (RFC 9068 §2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// What holds for every token, from configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPolicy {
    /// `iss`.
    pub issuer: String,
    /// How long a token lives, in seconds, unless the grant says otherwise.
    pub ttl_seconds: u32,
}

/// The token service; clones share it.
#[derive(Clone)]
pub struct Tokens {
    policy: Arc<TokenPolicy>,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A token that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The compact JWS.
    pub access_token: SecretString,
    /// Seconds from now until `exp`.
    pub expires_in: u32,
    /// `jti`: names the token in logs.
    pub jti: String,
}

/// Why a token could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The key, or what holds it, failed.
    #[error("signing failed: {0}")]
    Sign(#[from] SignError),
    /// The claims are no JSON; a bug.
    #[error("the claims can't be written: {0}")]
    Claims(#[from] serde_json::Error),
}

impl Tokens {
    /// The service with these keys.
    pub fn new(policy: TokenPolicy, keys: KeyRing, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            policy: Arc::new(policy),
            keys: Arc::new(keys),
            clock,
            entropy,
        }
    }

    /// An access token for `grant`, signed with the current key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, grant: &Grant) -> Result<Issued, IssueError> {
        let now = UnixTime(self.clock.unix_seconds());
        let jti = Builder::from_random_bytes(random_bytes(&*self.entropy))
            .into_uuid()
            .to_string();
        let (claims, expires_in) =
            grant.access_token(&self.policy.issuer, self.policy.ttl_seconds, now, jti.clone());
        let payload = serde_json::to_vec(&claims)?;
        let access_token = sign_compact(self.keys.current(), Some(ACCESS_TOKEN_TYPE), &payload)?;
        Ok(Issued {
            access_token: access_token.into(),
            expires_in,
            jti,
        })
    }

    /// `iss` of every token.
    pub fn issuer(&self) -> &str {
        &self.policy.issuer
    }

    /// The key set that verifies what [`Tokens::issue`] signs.
    pub fn key_document(&self) -> &Arc<KeyDocument> {
        self.keys.document()
    }
}

#[cfg(test)]
mod tests {
    use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner, TokenError, TokenRef, verify};
    use postern_store::testing::{ManualClock, SeededEntropy};
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn tokens(algorithm: Algorithm) -> Tokens {
        let signer = LocalSigner::generate(algorithm).unwrap();
        let public = signer.public_jwk();
        Tokens::new(
            TokenPolicy {
                issuer: "https://issuer.example".into(),
                ttl_seconds: 900,
            },
            KeyRing::new(Box::new(signer), [public]),
            Arc::new(ManualClock::at(NOW)),
            Arc::new(SeededEntropy::new(1)),
        )
    }

    fn expectations(algorithm: Algorithm, audience: &str) -> Expectations {
        Expectations {
            issuer: "https://issuer.example".into(),
            audiences: vec![audience.to_owned()],
            algorithms: vec![algorithm],
            types: vec!["at+jwt".into()],
            leeway_seconds: 0,
            required_claims: ["sub", "client_id", "iat", "jti"].map(String::from).to_vec(),
        }
    }

    fn keys(tokens: &Tokens) -> KeySet {
        KeySet::from_jwks(&JwkSet::parse(tokens.key_document().json.as_bytes()).unwrap())
    }

    fn grant() -> Grant {
        Grant::parse(
            "sub".into(),
            "client".into(),
            vec!["urn:a".into()],
            vec!["a".into()],
            0,
        )
        .unwrap()
    }

    #[test]
    fn a_token_verifies_with_the_published_keys_until_it_expires() {
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
            let tokens = tokens(algorithm);
            let issued = tokens.issue(&grant()).unwrap();
            let check = |now| {
                let token = TokenRef::parse(issued.access_token.expose_secret())?;
                verify(
                    &token,
                    &keys(&tokens),
                    &expectations(algorithm, "urn:a"),
                    UnixTime(now),
                )
            };
            assert_eq!(
                check(NOW).unwrap().jti(),
                Some(issued.jti.as_str()),
                "{algorithm}"
            );
            assert!(check(NOW + 899).is_ok());
            assert!(
                matches!(check(NOW + 900), Err(TokenError::Expired)),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn no_two_tokens_have_the_same_jti() {
        let tokens = tokens(Algorithm::ES256);
        assert_ne!(
            tokens.issue(&grant()).unwrap().jti,
            tokens.issue(&grant()).unwrap().jti
        );
    }

    #[test]
    fn another_services_keys_verify_nothing_of_ours() {
        let issued = tokens(Algorithm::ES256).issue(&grant()).unwrap();
        let others = keys(&tokens(Algorithm::ES256));
        let token = TokenRef::parse(issued.access_token.expose_secret()).unwrap();
        assert!(
            verify(
                &token,
                &others,
                &expectations(Algorithm::ES256, "urn:a"),
                UnixTime(NOW)
            )
            .is_err()
        );
    }

    proptest! {
        /// R2.7: what goes in comes out, whatever characters it has.
        #[test]
        fn nothing_of_a_grant_is_lost_on_the_way_through_a_token(
            subject in "[^\\p{Cc}]{1,100}",
            client_id in "[^\\p{Cc}]{1,100}",
            audience in prop::collection::vec("[^\\p{Cc}]{1,100}", 1..4),
            scope in prop::collection::vec("[!#-\\[\\]-~]{1,40}", 0..8),
            ttl_seconds in 1_u32..86_400,
        ) {
            let tokens = tokens(Algorithm::ES256);
            let grant = Grant::parse(
                subject.clone(), client_id.clone(), audience.clone(), scope.clone(), ttl_seconds,
            ).unwrap();
            let issued = tokens.issue(&grant).unwrap();
            prop_assert_eq!(issued.expires_in, ttl_seconds);
            for audience in &audience {
                let token = TokenRef::parse(issued.access_token.expose_secret()).unwrap();
                let expectations = expectations(Algorithm::ES256, audience);
                let verified = verify(&token, &keys(&tokens), &expectations, UnixTime(NOW)).unwrap();
                prop_assert_eq!(verified.subject(), Some(subject.as_str()));
                prop_assert_eq!(verified.client_id(), Some(client_id.as_str()));
                prop_assert_eq!(verified.scopes().collect::<Vec<_>>(), scope.iter().map(String::as_str).collect::<Vec<_>>());
                prop_assert_eq!(verified.expires_at(), UnixTime(NOW + i64::from(ttl_seconds)));
            }
        }
    }
}
