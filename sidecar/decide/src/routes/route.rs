//! What a route asks of the requests that it matches. Values only: which requests those are is `conditions`' business,
//! and each rule is held by the stage that it belongs to.

use std::sync::Arc;

use postern_rego::Value;

use super::peer_rules::PeerRules;
use crate::accept::Accept;

/// One route's rules.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name: in `input.postern.route`, logs, metrics and the header for the upstream. No two routes share one.
    pub name: Arc<str>,
    /// What paths it takes.
    pub paths: PathMode,
    /// What it accepts as proof of who calls.
    pub accept: Accept,
    /// Who the connection must come from.
    pub peer: PeerRules,
    /// Claims that the caller's token must have, beyond what its issuer asks.
    pub required_claims: Arc<[RequiredClaim]>,
    /// Scopes that the caller must have, each of them.
    pub required_scopes: Arc<[Box<str>]>,
    /// Scheme, host and port that clients know this route by, such as `https://orders.example`: what `htu` of a DPoP
    /// proof is compared with (RFC 9449 §4.3), never what a request says of itself. Without a trailing slash.
    pub public_origin: Option<Arc<str>>,
    /// How DPoP-bound tokens prove themselves here.
    pub dpop: DpopRule,
    /// What authentication must have been like (RFC 9470).
    pub step_up: Option<StepUp>,
    /// How old the knowledge of revocations may be.
    pub revocation: RevocationRule,
    /// Whether policy is asked.
    pub policy: PolicyMode,
    /// What happens where the policy fails.
    pub on_policy_error: OnPolicyError,
    /// Whether the policy may have requests made (`http.send`) while a request of this route waits.
    pub http_send: bool,
}

impl Route {
    /// A route called `name` with every rule at its default: strict paths, a token of any trusted issuer, any peer, policy
    /// enforced.
    pub fn named(name: &str) -> Self {
        Self {
            name: Arc::from(name),
            paths: PathMode::Strict,
            accept: Accept::default(),
            peer: PeerRules::default(),
            required_claims: Arc::default(),
            required_scopes: Arc::default(),
            public_origin: None,
            dpop: DpopRule::default(),
            step_up: None,
            revocation: RevocationRule::default(),
            policy: PolicyMode::Enforce,
            on_policy_error: OnPolicyError::Deny,
            http_send: false,
        }
    }
}

/// Which paths a route takes. Matching and policy see the canonical form in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathMode {
    /// Only those that every reader reads alike; others are refused with `ambiguous_path`.
    #[default]
    Strict,
    /// All that have a canonical form; the upstream gets the bytes as they came.
    Compat,
}

/// Whether policy is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PolicyMode {
    /// The policy in force decides, and without one nobody gets through.
    #[default]
    Enforce,
    /// The policy in force is asked and decides nothing: what it would have done is told, and the answer is as if it were
    /// off, also where it fails or there is none.
    Shadow,
    /// The route's other rules are all there is.
    Off,
}

/// What happens where the policy comes to no decision: there is none, it fails, it is stopped, or its answer can't be acted
/// on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPolicyError {
    /// The request is denied, with a problem document.
    #[default]
    Deny,
    /// The proxy does what it does when its authorizer fails.
    Error,
}

/// A claim that must be there, and what it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct RequiredClaim {
    /// The claim's name, at the top level of the token.
    pub name: Box<str>,
    /// The values of which it must have one; empty when any will do.
    pub one_of: Box<[Value]>,
}

/// How DPoP-bound tokens prove themselves (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DpopRule {
    /// Whether tokens that aren't bound by DPoP are refused.
    pub required: bool,
    /// Whether proofs must carry a nonce of ours (§8).
    pub nonce: bool,
    /// How far a proof's `iat` may be from now, in seconds, either way.
    pub iat_window_seconds: u32,
}

impl DpopRule {
    /// The window where none is configured, in seconds.
    pub const DEFAULT_IAT_WINDOW_SECONDS: u32 = 60;
}

impl Default for DpopRule {
    fn default() -> Self {
        Self {
            required: false,
            nonce: false,
            iat_window_seconds: Self::DEFAULT_IAT_WINDOW_SECONDS,
        }
    }
}

/// What authentication must have been like (RFC 9470). At least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// `acr` must be one of these; any, where empty. In order of preference, as the challenge lists them.
    pub acr_values: Arc<[Box<str>]>,
    /// `auth_time` may be at most this many seconds ago.
    pub max_age_seconds: Option<u32>,
}

/// How old the knowledge of revocations may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevocationRule {
    /// The control plane may have been silent for this many seconds; `None` when any silence will do.
    pub max_staleness_seconds: Option<u32>,
    /// What happens after a longer silence.
    pub when_stale: WhenStale,
}

/// What happens to checks while revocations are older than a route allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenStale {
    /// They are decided from what is known; a metric says so.
    #[default]
    Serve,
    /// They are refused with `revocations_stale`.
    Deny,
}
