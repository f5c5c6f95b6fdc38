//! Evaluates what a route accepts. `any` tries in the order written, `all` needs each. What was presented and is wrong ends
//! it; what wasn't presented, or is another kind than the part at hand wants, goes on to the next part.

use std::sync::Arc;

use postern_telemetry::Code;

use super::Judging;
use super::presented::{self, Scheme};
use crate::accept::{Accept, ApiKeyAccept, JwtAccept};
use crate::api_keys::ApiKey;
use crate::caches::TokenHash;
use crate::caller::{Caller, Methods};
use crate::header;
use crate::peer;
use crate::refusal::Refusal;
use crate::routes::PeerRules;
use crate::token::{authenticate, hash_of};

/// How the token was shown, for what is still to be proved about its sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) scheme: Scheme,
    pub(crate) sha256: TokenHash,
}

/// A caller that satisfies the expression.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) caller: Caller,
    pub(crate) token_cached: bool,
    pub(crate) shown: Option<Shown>,
}

/// The caller, if it satisfies `accept`.
///
/// # Errors
/// What is wrong with what was presented, or else what is missing first.
pub(crate) fn prove(accept: &Accept, judging: &Judging<'_>) -> Result<Proved, Refusal> {
    let mut attempt = Attempt {
        judging,
        proved: Proved {
            caller: Caller {
                peer: judging.peer.id.clone(),
                ..Caller::default()
            },
            token_cached: false,
            shown: None,
        },
        presented: false,
        missing: None,
    };
    if attempt.satisfies(accept)? {
        return Ok(attempt.proved);
    }
    Err(attempt
        .missing
        .unwrap_or_else(|| Refusal::new(Code::Unauthenticated, "the route accepts nothing")))
}

struct Attempt<'j> {
    judging: &'j Judging<'j>,
    proved: Proved,
    /// Whether a token or an API key was presented, good or not for the part that looked at it.
    presented: bool,
    /// Why the first part that wasn't satisfied wasn't.
    missing: Option<Refusal>,
}

impl Attempt<'_> {
    fn satisfies(&mut self, accept: &Accept) -> Result<bool, Refusal> {
        match accept {
            // Who presented something doesn't want to be nobody.
            Accept::Anonymous if self.presented => Ok(false),
            Accept::Anonymous => Ok(self.by(Methods::ANONYMOUS)),
            Accept::Jwt(jwt) => self.token(jwt),
            Accept::Mtls(rules) => Ok(self.peer(rules)),
            Accept::ApiKey(accept) => self.api_key(accept),
            Accept::Any(parts) => {
                for part in parts.iter() {
                    if self.satisfies(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Accept::All(parts) => self.all(parts),
        }
    }

    /// Each part is looked at, also when one before wasn't satisfied: what is presented and wrong must not depend on the
    /// order.
    fn all(&mut self, parts: &[Accept]) -> Result<bool, Refusal> {
        let before = self.proved.caller.clone();
        let mut satisfied = !parts.is_empty();
        for part in parts {
            satisfied &= self.satisfies(part)?;
        }
        if !satisfied {
            // What the parts that were satisfied have proved proves nothing by itself.
            self.proved.caller = before;
        }
        Ok(satisfied)
    }

    fn by(&mut self, method: Methods) -> bool {
        let caller = &mut self.proved.caller;
        caller.methods = caller.methods.and(method);
        true
    }

    fn lacks(&mut self, refusal: impl FnOnce() -> Refusal) -> bool {
        self.missing.get_or_insert_with(refusal);
        false
    }

    fn token(&mut self, accept: &JwtAccept) -> Result<bool, Refusal> {
        let judging = self.judging;
        let http = &judging.request.http;
        let Some(presented) = presented::token(&http.headers, http.path, &accept.sources)? else {
            return Ok(self.lacks(|| Refusal::missing_token("the request presents no token")));
        };
        self.presented = true;
        let sha256 = hash_of(presented.token)?;
        let authenticated = authenticate(
            judging.snapshot,
            judging.caches,
            presented.token,
            &sha256,
            accept.introspects.as_ref(),
            judging.now,
        )?;
        if !accept.takes(authenticated.caller.issuer()) {
            return Ok(self.lacks(|| {
                Refusal::new(
                    Code::TokenWrongIssuer,
                    "the route doesn't accept tokens of this issuer",
                )
            }));
        }
        if !authenticated.caller.may_come_from(presented.source) {
            return Err(Refusal::new(
                Code::TokenWrongIssuer,
                "tokens of this issuer aren't accepted in the place where this one was",
            ));
        }
        self.proved.caller.token = Some(authenticated.caller);
        self.proved.token_cached = authenticated.cached;
        self.proved.shown = Some(Shown {
            scheme: presented.scheme,
            sha256,
        });
        Ok(self.by(Methods::JWT))
    }

    fn peer(&mut self, rules: &PeerRules) -> bool {
        let judging = self.judging;
        match &judging.peer.id {
            Some(id) if rules.admits(id) => self.by(Methods::MTLS),
            Some(_) => self.lacks(|| {
                Refusal::new(
                    Code::PeerUntrusted,
                    "the peer is none of those that the route accepts",
                )
            }),
            None => self.lacks(|| peer::required(judging.peer)),
        }
    }

    fn api_key(&mut self, accept: &ApiKeyAccept) -> Result<bool, Refusal> {
        let judging = self.judging;
        let Some(text) = judging.request.http.headers.value(&accept.header) else {
            return Ok(self.lacks(|| Refusal::new(Code::Unauthenticated, "the request presents no API key")));
        };
        self.presented = true;
        match judging.snapshot.api_keys.find(text, judging.now) {
            Ok(key) if !can_be_told(key) => Err(Refusal::new(
                Code::ApiKeyInvalid,
                "the API key's subject or scopes can't be told to an upstream",
            )),
            Ok(key) => {
                self.proved.caller.api_key = Some(Arc::clone(key));
                Ok(self.by(Methods::API_KEY))
            }
            Err(error) => Err(Refusal::new(Code::ApiKeyInvalid, error.to_string())),
        }
    }
}

/// Whether what the upstream is told of a key can be a header.
fn can_be_told(key: &ApiKey) -> bool {
    header::is_value(&key.id)
        && header::is_value(&key.subject)
        && key.scopes.iter().all(|scope| header::is_value(scope))
}
