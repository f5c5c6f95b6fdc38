//! What a decision is: the answer for the proxy, a hint for the host, a record for the log. Values only; nothing is sent here.

use std::borrow::Cow;
use std::sync::Arc;

use postern_rego::Value;
use postern_telemetry::{Code, CorrelationId};
use uuid::Uuid;

use crate::header::Header;

/// How far `decide` came. What can't be settled from the snapshot alone will be a variant of its own.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Settled.
    Decided(Box<Decision>),
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
}

/// The request goes on, changed like this.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Headers for the upstream. The first of a name replaces whatever came under it; further ones of that name are added.
    pub upstream_set: Vec<Header>,
    /// Names of headers that must not reach the upstream. Disjoint from those set, since Envoy removes after it has set.
    pub upstream_remove: Vec<String>,
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
    /// Trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// Whether the request was let through.
    pub allowed: bool,
    /// Why not: exactly, also where the client is told less.
    pub code: Option<Code>,
    /// Why not, in words for an operator; never for the client.
    pub reason: Option<Cow<'static, str>>,
    /// `sub` of the verified token.
    pub subject: Option<Arc<str>>,
    /// `client_id` of the verified token.
    pub client_id: Option<Arc<str>>,
    /// `iss` of the verified token.
    pub issuer: Option<Arc<str>>,
    /// SPIFFE ID of the peer.
    pub peer: Option<String>,
    /// Revision of the policy that was asked.
    pub policy_revision: Option<Arc<str>>,
    /// Whether the token had been verified before.
    pub token_cached: bool,
}
