//! The sidecar's whole decision as one function of its arguments.
//!
//! ```text
//! decide(snapshot, caches, request, now, entropy) → Decided(answer, record, hint)
//!
//! request view → correlation and trace → peer → token → policy → answer
//! ```
//!
//! It knows no network, no clock, no log and no wire format: Envoy's `ext_authz` is its first host, not its last. What
//! can't be settled from the snapshot is denied. The last arm denies.
//!
//! | file | stage |
//! |---|---|
//! | [`view`], [`headers`] | what is read of a request |
//! | `correlation` | which request, trace and decision this is |
//! | `peer` | who connected to the proxy |
//! | `bearer`, [`token`] | who calls: where the token is, what it proves |
//! | `path`, `input`, `policy` | whether they may |
//! | `upstream`, [`refusal`], [`answer`] | what the proxy is told |
//! | [`snapshot`], [`caches`], [`settings`] | what it is decided from |

pub mod accept;
pub mod answer;
pub mod api_keys;
mod bearer;
pub mod caches;
mod caller;
mod correlation;
pub mod dpop;
mod entropy;
pub mod header;
pub mod headers;
mod input;
pub mod issuer;
mod now;
pub mod path;
mod peer;
mod policy;
pub mod refusal;
pub mod revocation;
pub mod routes;
pub mod settings;
pub mod snapshot;
mod stage;
pub mod token;
mod upstream;
pub mod view;

use std::borrow::Cow;
use std::sync::Arc;

use postern_mesh::SpiffeId;
use postern_telemetry::Code;

pub use accept::{Accept, ApiKeyAccept, JwtAccept, TokenSource};
pub use answer::{Allow, Answer, Decision, Deny, Need, Outcome, PresentedToken, Record};
pub use api_keys::{ApiKey, ApiKeyError, ApiKeys};
pub use caches::Caches;
pub use caller::{Binding, Methods};
pub use entropy::Entropy;
pub use header::{Header, HeaderError};
pub use headers::Headers;
pub use issuer::{IssuerRules, Issuers, OnUnknownKid, TrustedIssuer};
pub use now::Now;
pub use refusal::Refusal;
pub use revocation::Revocations;
pub use routes::{Route, Routes};
pub use settings::{HeaderPrefix, PrefixError, Settings};
pub use snapshot::{ActivePolicy, Snapshot};
pub use stage::{Stage, Stages};
pub use token::{Authenticated, VerifiedCaller, verify_token};
pub use view::{Address, HttpView, PeerView, RequestView, Timestamp};

use correlation::Identifiers;
use policy::{Judgement, Question};

/// Decides on one request. One snapshot serves the whole check; nothing outside of the arguments is read, and nothing is
/// changed but what `caches` remember.
pub fn decide<S: Stages>(
    snapshot: &Snapshot,
    caches: &Caches,
    request: &RequestView<'_>,
    now: Now,
    entropy: &Entropy,
    stages: &mut S,
) -> Outcome {
    Outcome::Decided(settle(snapshot, caches, request, now, entropy, stages))
}

/// Decides on one request with what is there: what the host could get for it is refused instead.
pub fn settle<S: Stages>(
    snapshot: &Snapshot,
    caches: &Caches,
    request: &RequestView<'_>,
    now: Now,
    entropy: &Entropy,
    stages: &mut S,
) -> Box<Decision> {
    let identifiers = Identifiers::of(&request.http.headers, entropy);
    let peer = peer::spiffe_id(request.source.as_ref()).map(Arc::new);
    let mut record = begin_record(snapshot, &identifiers, peer.as_ref());
    stages.passed(Stage::Peer);

    let judged = bearer::token(&request.http.headers)
        .and_then(|token| verify_token(snapshot, caches, token, now.seconds()))
        .and_then(|authenticated| {
            record.note_caller(&authenticated);
            let question = Question {
                request,
                caller: &authenticated.caller,
                peer: peer.as_deref(),
                identifiers: &identifiers,
                settings: &snapshot.settings,
            };
            policy::judge(snapshot.policy.as_deref(), &question, now, entropy)
        });

    let (answer, refetch) = match judged {
        Ok(Judgement {
            answer,
            refused: None,
        }) => {
            record.allowed = true;
            (answer, None)
        }
        Ok(Judgement {
            answer,
            refused: Some((code, reason)),
        }) => {
            record.note_refusal(code, reason);
            (answer, None)
        }
        Err(refusal) => {
            let deny = refusal.answer(&snapshot.settings, &identifiers);
            record.note_refusal(refusal.code, refusal.reason);
            (Answer::Deny(deny), refusal.refetch)
        }
    };
    Box::new(Decision {
        answer,
        refetch,
        record,
    })
}

fn begin_record(snapshot: &Snapshot, identifiers: &Identifiers, peer: Option<&Arc<SpiffeId>>) -> Record {
    Record {
        decision_id: identifiers.decision_id,
        correlation_id: identifiers.correlation_id.clone(),
        trace: identifiers.trace_parent,
        allowed: false,
        stage: Stage::Route,
        code: None,
        reason: None,
        route: None,
        methods: Methods::default(),
        binding: Binding::default(),
        subject: None,
        client_id: None,
        issuer: None,
        api_key_id: None,
        revocations_stale: false,
        peer: peer.cloned(),
        policy_revision: snapshot.policy.as_ref().map(|policy| policy.revision().clone()),
        token_cached: false,
    }
}

impl Record {
    fn note_caller(&mut self, authenticated: &Authenticated) {
        let caller = &authenticated.caller;
        self.subject = caller.subject().cloned();
        self.client_id = caller.client_id().cloned();
        self.issuer = Some(caller.issuer().clone());
        self.token_cached = authenticated.cached;
    }

    fn note_refusal(&mut self, code: Code, reason: Cow<'static, str>) {
        self.code = Some(code);
        self.reason = Some(reason);
    }
}
