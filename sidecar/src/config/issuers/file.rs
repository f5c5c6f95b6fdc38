//! `issuers:` of the file, key by key.

use std::fmt;

use postern_jose::Algorithm;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::config::claims::RequiredClaims;
use crate::config::introspection::Introspection;

/// An issuer of tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `iss` of its tokens, exactly.
    pub issuer: String,
    /// Where its keys are published, http or https. Either this or `discovery`.
    pub jwks_uri: Option<String>,
    /// Find its keys by OpenID Connect Discovery: the document under `issuer` + `/.well-known/openid-configuration` must name
    /// this very issuer, and its `jwks_uri` is read again every hour and after each fetch that fails. Default false.
    #[serde(default)]
    pub discovery: bool,
    /// A token must be for one of these (`aud`), or is refused (`token_wrong_audience`).
    pub audiences: Vec<String>,
    /// Algorithms that it may sign with: RS, PS and ES with 256, 384 and 512, and EdDSA; with others tokens are refused
    /// (`token_algorithm_refused`). Default: all of them.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Asymmetric>,
    /// Accepted `typ` of its tokens (RFC 9068); another is `token_wrong_type`. Default `at+jwt`.
    #[serde(default = "types")]
    pub types: Vec<String>,
    /// Claims that its tokens must have besides `iss`, `aud` and `exp`: a list of names, or a map from names to the values
    /// that will do (`tenant: [acme, beta]`). A claim that is a list has each of its values. Refused with
    /// `token_missing_claim` and `token_claim_mismatch`. Default none.
    #[serde(default)]
    pub required_claims: RequiredClaims,
    /// How far its clock may be from ours, in seconds, 0 to 60. Beyond, `token_expired` and `token_not_yet_valid`. Default 30.
    #[serde(default = "clock_leeway_seconds")]
    pub clock_leeway_seconds: u64,
    /// Where its tokens are looked for: `authorization`, `cookie: NAME`, `header: NAME` and `query: NAME`. A request with
    /// two different tokens is refused (`invalid_request`). Default `authorization`; tokens in queries end up in logs (RFC 6750 §2.3).
    #[serde(default = "token_sources")]
    pub token_sources: Vec<TokenSource>,
    /// How often its keys are fetched, in seconds, 1 to 86400. Default 60.
    #[serde(default = "refresh_seconds")]
    pub refresh_seconds: u64,
    /// The least time between two fetches that tokens with unknown keys cause, in seconds, 1 to 3600. Default 5.
    #[serde(default = "refetch_cooldown_seconds")]
    pub refetch_cooldown_seconds: u64,
    /// For how long keys count that could not be confirmed, from disk or in memory, in seconds, 1 to 2592000, and not below
    /// `refresh_seconds`. Then its tokens are refused (503 `keys_unavailable`). Default 86400.
    pub max_staleness_seconds: Option<u64>,
    /// What a token with an unknown key does (`token_key_unknown`): `refuse` it while the keys are fetched in the background, or
    /// `wait_ms: N` for that fetch, 1 to 400, below Envoy's timeout. Default `refuse`.
    #[serde(default)]
    pub on_unknown_kid: OnUnknownKid,
    /// How it is asked about tokens that are no JWTs (RFC 7662). Default: it isn't, and they are refused.
    pub introspection: Option<Introspection>,
}

/// An algorithm for signatures with a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asymmetric(pub(crate) Algorithm);

impl<'de> Deserialize<'de> for Asymmetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.starts_with("HS") {
            return Err(D::Error::custom(format!(
                "`{name}` is HMAC, which mixes with no public key: whoever has read the key set could sign; remove it"
            )));
        }
        name.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A place where tokens are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// The Authorization header, scheme Bearer or DPoP.
    Authorization,
    /// A cookie.
    Cookie(String),
    /// A header that holds the token and nothing else.
    Header(String),
    /// A parameter of the query.
    Query(String),
}

const SOURCES: &[&str] = &["authorization", "cookie", "header", "query"];

impl<'de> Deserialize<'de> for TokenSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Source)
    }
}

struct Source;

/// `{}`: a source without details.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<'de> Visitor<'de> for Source {
    type Value = TokenSource;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`authorization`, or a map with one key of cookie, header and query and a name")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<TokenSource, E> {
        match word {
            "authorization" => Ok(TokenSource::Authorization),
            _ => Err(E::unknown_variant(word, SOURCES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TokenSource, A::Error> {
        let Some(kind) = map.next_key::<String>()? else {
            return Err(A::Error::custom(
                "expected one key: authorization, cookie, header or query",
            ));
        };
        let source = match kind.as_str() {
            "authorization" => map
                .next_value::<Option<Nothing>>()
                .map(|_| TokenSource::Authorization)?,
            "cookie" => TokenSource::Cookie(map.next_value()?),
            "header" => TokenSource::Header(map.next_value()?),
            "query" => TokenSource::Query(map.next_value()?),
            _ => return Err(A::Error::unknown_field(&kind, SOURCES)),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom(
                "expected one key; several sources are several items",
            ));
        }
        Ok(source)
    }
}

/// What a token with an unknown key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknownKid {
    /// It is refused.
    #[default]
    Refuse,
    /// It waits so many milliseconds.
    Wait(u64),
}

impl<'de> Deserialize<'de> for OnUnknownKid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Choice)
    }
}

struct Choice;

/// `{ wait_ms: 200 }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// How long a check waits for that fetch, in milliseconds, 1 to 400.
    wait_ms: u64,
}

impl<'de> Visitor<'de> for Choice {
    type Value = OnUnknownKid;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`refuse`, or a map with `wait_ms`")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<OnUnknownKid, E> {
        match word {
            "refuse" => Ok(OnUnknownKid::Refuse),
            _ => Err(E::unknown_variant(word, &["refuse", "{ wait_ms: N }"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OnUnknownKid, A::Error> {
        let wait = Wait::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(OnUnknownKid::Wait(wait.wait_ms))
    }
}

fn algorithms() -> Vec<Asymmetric> {
    Algorithm::ALL.into_iter().map(Asymmetric).collect()
}

fn types() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

fn token_sources() -> Vec<TokenSource> {
    vec![TokenSource::Authorization]
}

const fn clock_leeway_seconds() -> u64 {
    30
}

const fn refresh_seconds() -> u64 {
    60
}

const fn refetch_cooldown_seconds() -> u64 {
    5
}
