//! What a decision is: the answer for the proxy, a hint for the host, a record for the log. Values only; nothing is sent here.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use postern_mesh::SpiffeId;
use postern_rego::Value;
use postern_telemetry::{Code, CorrelationId, TraceParent};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::caller::{Binding, Identity, Methods};
use crate::decision_cache::PolicyCache;
use crate::header::Header;
use crate::http_send::HttpSend;
use crate::stage::Stage;
use crate::text::Text;

/// How far `decide` came.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Settled.
    Decided(Box<Decision>),
    /// Something is missing that the host may get. It calls again when it has it, or when it is time to answer without,
    /// and then with `RequestView::may_wait` false.
    Needs(Need),
}

/// What the host may get, under a deadline below Envoy's. Only issuers and routes configured for it ever cause one.
#[derive(Debug, Clone)]
pub enum Need {
    /// An issuer's keys as they are now: a token names a key that isn't known.
    Keys {
        /// The issuer.
        issuer: Arc<str>,
        /// For how long they are worth waiting for, in milliseconds.
        wait_ms: u32,
    },
    /// An issuer's word on a token that is no JWT (RFC 7662). The host keeps it in the caches and calls again.
    Introspect {
        /// The issuer.
        issuer: Arc<str>,
        /// The token.
        token: PresentedToken,
    },
    /// The answer to a request of the policy's (`http.send`). The host goes on with it (`resume`).
    HttpSend(Box<HttpSend>),
}

/// A token that somebody presented. Nobody gets to see it by accident.
#[derive(Clone)]
pub struct PresentedToken(Zeroizing<String>);

impl PresentedToken {
    pub(crate) fn new(token: &str) -> Self {
        Self(Zeroizing::new(token.to_owned()))
    }

    /// The token, to be sent to its issuer and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresentedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PresentedToken(..)")
    }
}

/// The decision on one request.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What the proxy is told.
    pub answer: Answer,
    /// An issuer whose keys should be fetched again: a token named a key that isn't known. The host starts at most one
    /// fetch per cooldown, in the background.
    pub refetch: Option<Arc<str>>,
    /// What the log is told.
    pub record: Record,
}

/// What the proxy is told.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Send the request on.
    Allow(Allow),
    /// Answer the client.
    Deny(Deny),
    /// Nothing was decided: the policy failed on a route that leaves that to the proxy.
    Failed(Box<Failed>),
}

/// A policy that came to no decision, where the proxy is to do what it does when its authorizer fails.
#[derive(Debug, Clone)]
pub struct Failed {
    /// What failed.
    pub code: Code,
    /// What failed, in words for an operator: proxies log it, and send it to nobody.
    pub message: Cow<'static, str>,
    /// What the client would be told where this was a denial: for proxies that answer it with what they are told.
    pub deny: Deny,
}

/// The request goes on, changed like this.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Headers for the upstream. The first of a name replaces whatever came under it; further ones of that name are added.
    pub upstream_set: Vec<Header>,
    /// Names of headers that must not reach the upstream. Disjoint from those set, since Envoy removes after it has set.
    pub upstream_remove: Vec<Text>,
    /// Headers for the answer to the client.
    pub response_set: Vec<Header>,
    /// Query parameters to set.
    pub query_set: Vec<(String, String)>,
    /// Query parameters to remove.
    pub query_remove: Vec<String>,
    /// What the policy hands to later filters; an object.
    pub metadata: Option<Value>,
}

/// The client gets this answer.
#[derive(Debug, Clone)]
pub struct Deny {
    /// HTTP status, 200–599 (a policy may choose it).
    pub status: u16,
    /// Headers for the client; more than one of a name are all sent.
    pub headers: Vec<Header>,
    /// The body.
    pub body: String,
    /// What the policy hands to later filters; an object.
    pub metadata: Option<Value>,
}

/// One decision for the log. Holds no token, no header of the request, no secret.
#[derive(Debug, Clone)]
pub struct Record {
    /// Names this decision, to the log, the upstream and the client of a refusal.
    pub decision_id: Uuid,
    /// Names the request, over all hops.
    pub correlation_id: CorrelationId,
    /// The trace that the request belongs to, with the span of this hop.
    pub trace: TraceParent,
    /// Whether the request was let through.
    pub allowed: bool,
    /// Whether nothing was decided, and the proxy does what it does when its authorizer fails. Not [`Self::allowed`].
    pub left_to_proxy: bool,
    /// The stage that settled it: the one that refused, or the last.
    pub stage: Stage,
    /// Why not: exactly, also where the client is told less.
    pub code: Option<Code>,
    /// Why not, in words for an operator; never for the client.
    pub reason: Option<Cow<'static, str>>,
    /// The route's name; `None` where the check ended before one was found.
    pub route: Option<Arc<str>>,
    /// What authenticated the caller.
    pub methods: Methods,
    /// What tied the token to whoever sent it.
    pub binding: Binding,
    /// Who called, as far as that was proved.
    pub caller: Identity,
    /// SPIFFE ID of the peer.
    pub peer: Option<Arc<SpiffeId>>,
    /// Revision of the policy that was asked.
    pub policy_revision: Option<Arc<str>>,
    /// Whether the policy's answer was remembered.
    pub policy_cache: PolicyCache,
    /// What the policy would have done, on a route that asks it without acting on it.
    pub shadow: Option<Box<Shadow>>,
    /// Whether the token had been verified before.
    pub token_cached: bool,
    /// Whether this was decided though revocations are older than the route would like.
    pub revocations_stale: bool,
}

/// What a policy would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// What it would have refused with; `None` where it would have let the request through.
    pub code: Option<Code>,
    /// Why it would have refused, in words for an operator; never for the client.
    pub reason: Option<Cow<'static, str>>,
    /// Whether it fails, and the route leaves that to the proxy.
    pub left_to_proxy: bool,
}

/// What comes of a check, in one word.
pub const fn outcome(allowed: bool, left_to_proxy: bool) -> &'static str {
    match (allowed, left_to_proxy) {
        (true, _) => "allowed",
        (false, true) => "error",
        (false, false) => "denied",
    }
}

impl Record {
    /// Of a request of which nothing is known but its ids: refused before any stage, until more is said.
    pub fn begin(decision_id: Uuid, correlation_id: CorrelationId, trace: TraceParent) -> Self {
        Self {
            decision_id,
            correlation_id,
            trace,
            allowed: false,
            left_to_proxy: false,
            stage: Stage::Route,
            code: None,
            reason: None,
            route: None,
            methods: Methods::default(),
            binding: Binding::default(),
            caller: Identity::default(),
            peer: None,
            policy_revision: None,
            policy_cache: PolicyCache::default(),
            shadow: None,
            token_cached: false,
            revocations_stale: false,
        }
    }

    /// What came of it, in the word that logs, metrics and explanations have.
    pub const fn outcome(&self) -> &'static str {
        outcome(self.allowed, self.left_to_proxy)
    }

    /// Trace id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        self.trace.trace_id()
    }
}
