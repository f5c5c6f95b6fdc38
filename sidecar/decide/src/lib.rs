//! The sidecar's whole decision as one function of its arguments.
//!
//! ```text
//! decide(snapshot, caches, request, now, entropy) → Decided(answer, record, hint) | Needs(what the host may get)
//!
//! request view → ids → path → route → peer → credentials → revocation → step-up → policy → answer
//! ```
//!
//! It knows no network, no clock, no log and no wire format: Envoy's `ext_authz` is its first host, not its last. What
//! can't be settled from the snapshot is denied. The last arm denies.
//!
//! | file | stage |
//! |---|---|
//! | `pipeline` | the stages in order |
//! | [`view`], [`headers`] | what is read of a request |
//! | `correlation` | which request, trace and decision this is |
//! | [`path`], [`routes`], [`accept`] | what is asked of it |
//! | `peer` | who connected to the proxy |
//! | `credentials`, [`token`], [`dpop`], [`api_keys`] | who calls: where the proof is, what it proves, whose it is |
//! | `verified_caller`, `grounds`, `common_texts` | what a token proved, on what it was believed, what it shares with others |
//! | [`revocation`], `revoked`, `step_up` | whether it still counts, and whether it is enough |
//! | `input`, `policy`, `decision_cache` | whether they may, and whether that was asked before |
//! | `upstream`, [`refusal`], `challenge`, [`answer`] | what the proxy is told |
//! | [`candidate`] | what another policy would have made of a decision |
//! | [`opa_envoy`] | the other way to decide: as OPA-Envoy does, by policy alone |
//! | [`snapshot`], [`issuer`], [`caches`], [`settings`] | what it is decided from |

pub mod accept;
pub mod answer;
pub mod api_keys;
pub mod caches;
mod caller;
pub mod candidate;
mod challenge;
mod claims;
mod common_texts;
mod confirmation;
mod correlation;
mod credentials;
mod decision_cache;
pub mod dpop;
mod entropy;
mod grounds;
pub mod header;
pub mod headers;
mod http_send;
mod input;
mod introspection;
pub mod issuer;
mod now;
mod numeric_date;
pub mod opa_envoy;
pub mod path;
mod peer;
mod pipeline;
mod policy;
mod policy_claims;
pub mod refusal;
pub mod revocation;
mod revoked;
pub mod routes;
pub mod settings;
pub mod snapshot;
mod stage;
mod step_up;
mod text;
pub mod token;
mod upstream;
mod verified_caller;
pub mod view;

pub use accept::{Accept, ApiKeyAccept, JwtAccept, TokenSource};
pub use answer::{
    Allow, Answer, Decision, Deny, Failed, Need, Outcome, PresentedToken, Record, Shadow, outcome,
};
pub use api_keys::{ApiKey, ApiKeyError, ApiKeys};
pub use caches::{CacheLimits, Caches};
pub use caller::{Binding, Identity, Methods};
pub use decision_cache::{
    DecisionCache, DecisionCacheLimits, DecisionCacheUse, PlantedMistakes, PolicyCache,
};
pub use entropy::Entropy;
pub use header::{Header, HeaderError};
pub use headers::Headers;
pub use http_send::{HttpSend, MAX_HTTP_REQUESTS, Resumption};
pub use introspection::{Word, remember_introspection};
pub use issuer::{IssuerRules, Issuers, OnUnknownKid, TrustedIssuer};
pub use now::Now;
pub use opa_envoy::{OpaEnvoySettings, attempt_as_opa_envoy, decide_as_opa_envoy};
pub use pipeline::{decide, resume, settle};
pub use refusal::Refusal;
pub use revocation::Revocations;
pub use routes::{Route, Routes};
pub use settings::{HeaderPrefix, PrefixError, Settings};
pub use snapshot::{ActivePolicy, PolicyLimits, Snapshot};
pub use stage::{Stage, Stages};
pub use text::Text;
pub use token::{Authenticated, verify_token};
pub use verified_caller::VerifiedCaller;
pub use view::{Address, Extent, HttpView, PeerView, Port, RequestView, Rest, SocketAddress, Timestamp};
