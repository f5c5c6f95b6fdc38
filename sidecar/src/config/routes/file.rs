//! `routes:` of the file, key by key.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use crate::config::accept::Accept;
use crate::config::claims::RequiredClaims;
use crate::config::peer::Peer;

/// One route: which requests it means, and what it asks of them. The first that a request meets counts, and a request
/// that meets none is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name, for policies (`input.postern.route`), the upstream (`x-postern-route`), logs and metrics: 1 to 64 letters,
    /// digits, `.`, `_` and `-`. No two routes share one.
    pub name: String,
    /// Which requests it means. Default: all.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// `strict` refuses paths that a proxy, a policy and an upstream could read differently; `compat` takes those that
    /// have a canonical form, and passes the bytes on as they came. Refused with `ambiguous_path`. Default `strict`.
    #[serde(default)]
    pub paths: Paths,
    /// What it accepts as proof of who calls: `jwt`, `mtls`, `api_key`, `anonymous`, or `any` or `all` of a list of such.
    /// Default `jwt`: a token of any issuer.
    #[serde(default)]
    pub accept: Accept,
    /// Who the connection must come from. Default: anybody.
    #[serde(default)]
    pub peer: Peer,
    /// Claims that the caller's token must have here, beyond what its issuer asks: a list of names, or a map from names to
    /// the values that will do. Refused with `token_missing_claim` and `token_claim_mismatch`. Default none.
    #[serde(default)]
    pub required_claims: RequiredClaims,
    /// Scopes that the caller must have, each of them, or it is `insufficient_scope`. Default none.
    #[serde(default)]
    pub required_scopes: Vec<String>,
    /// Scheme, host and port that clients know this route by, such as `https://orders.example`. DPoP proofs name it.
    pub public_origin: Option<String>,
    /// How DPoP-bound tokens prove themselves (RFC 9449). Needs `public_origin`.
    pub dpop: Option<Dpop>,
    /// What authentication must have been like (RFC 9470).
    pub step_up: Option<StepUp>,
    /// How old the knowledge of revocations may be. Needs `control_plane`.
    pub revocation: Option<Revocation>,
    /// Whether the policy is asked: `enforce`; `off`, where the route's other rules are all there is; or `shadow`, which
    /// answers as `off` does and tells what the policy would have done. Default `enforce`.
    #[serde(default)]
    pub policy: AskPolicy,
    /// What happens where the policy fails (`policy_error`, `policy_timeout`, `policy_unavailable`): `deny` answers 500 or 503 with a
    /// problem document; `error` leaves it to the proxy, whose `failure_mode_allow` may let the request through: gRPC `UNKNOWN`
    /// with the message, or `DEADLINE_EXCEEDED` for a policy that was stopped at a limit, as opa-envoy-plugin has it; over
    /// HTTP a 5xx that the proxy takes for an accident. Default `deny`.
    #[serde(default)]
    pub on_policy_error: OnPolicyError,
    /// Whether the policy may have requests made (`http.send`) while a request of this route waits. Elsewhere a policy that
    /// comes to one denies (`policy_error`). Needs `policy.http_send` at the top of the file. Default false.
    #[serde(default)]
    pub http_send: bool,
}

/// Which requests a route means: those that meet every condition there is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Hosts, whatever their case and port: `orders.example`, or `*.shop.example` for all below it. Default any.
    pub hosts: Option<Vec<String>>,
    /// The path. Default any.
    pub path: Option<Path>,
    /// Methods, in capitals as they are sent. Default any.
    pub methods: Option<Vec<String>>,
    /// What Envoy's route says of the request (`context_extensions`): each of these names with its value. Default any.
    #[serde(default)]
    pub context_extensions: BTreeMap<String, String>,
}

/// A path, in one of three forms, decoded and without a query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// This path and no other.
    pub exact: Option<String>,
    /// This path and all below: `/a` means `/a` and `/a/b`, not `/ab`; `/a/` only what comes after that slash.
    pub prefix: Option<String>,
    /// Segments, of which `{name}` means any one, and `{name=**}` at the end whatever follows: `/orders/{id}/items`.
    pub template: Option<String>,
}

/// Which paths a route takes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paths {
    /// Those that all read alike.
    #[default]
    Strict,
    /// All that have a canonical form.
    Compat,
}

/// How DPoP-bound tokens prove themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dpop {
    /// Refuse tokens that aren't bound (`token_binding_mismatch`). Default false: bound ones must prove themselves, others pass as they are.
    #[serde(default)]
    pub required: bool,
    /// Ask for a nonce of ours in each proof (`use_dpop_nonce`). Needs `control_plane`, which hands out the keys. Default false.
    #[serde(default)]
    pub nonce: bool,
    /// How far a proof's `iat` may be from now, in seconds, 1 to 300; beyond, it is `dpop_proof_invalid`. Default 60.
    #[serde(default = "iat_window_seconds")]
    pub iat_window_seconds: u64,
}

/// What authentication must have been like; at least one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// `acr` must be one of these, in order of preference, or the caller must sign in again
    /// (`insufficient_user_authentication`). Default any.
    pub acr_values: Option<Vec<String>>,
    /// `auth_time` may be at most this many seconds ago, 0 to 31536000, or the caller must sign in again
    /// (`insufficient_user_authentication`). Default any.
    pub max_age_seconds: Option<u64>,
}

/// How old the knowledge of revocations may be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// For how many seconds the control plane may have been silent, 1 to 86400.
    pub max_staleness_seconds: u64,
    /// What happens after that: `serve` decides from what is known (a metric counts it), `deny` answers 503
    /// `revocations_stale`. Default
    /// `serve`.
    #[serde(default)]
    pub when_stale: WhenStale,
}

/// What happens while revocations are too old.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenStale {
    /// Checks are decided.
    #[default]
    Serve,
    /// Checks are refused.
    Deny,
}

/// What happens where the policy fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPolicyError {
    /// The request is denied.
    #[default]
    Deny,
    /// The proxy does what it does when its authorizer fails.
    Error,
}

/// Whether the policy is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AskPolicy {
    /// It decides.
    #[default]
    Enforce,
    /// It is asked, and decides nothing.
    Shadow,
    /// It isn't asked.
    Off,
}

impl<'de> Deserialize<'de> for AskPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PolicyWord)
    }
}

const ASK_POLICY: &[&str] = &["enforce", "shadow", "off"];

struct PolicyWord;

impl Visitor<'_> for PolicyWord {
    type Value = AskPolicy;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("enforce, shadow or off")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<AskPolicy, E> {
        match word {
            "enforce" => Ok(AskPolicy::Enforce),
            "shadow" => Ok(AskPolicy::Shadow),
            "off" => Ok(AskPolicy::Off),
            other => Err(E::unknown_variant(other, ASK_POLICY)),
        }
    }

    /// YAML 1.1 has `off` for a boolean, and tools that go by it (Helm, say) write `false` instead.
    fn visit_bool<E: de::Error>(self, on: bool) -> Result<AskPolicy, E> {
        if on {
            Err(E::unknown_variant("true", ASK_POLICY))
        } else {
            Ok(AskPolicy::Off)
        }
    }
}

const fn iat_window_seconds() -> u64 {
    60
}
