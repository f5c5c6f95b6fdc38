//! Evaluates what a route accepts. `any` is the first in the order written, `all` needs each. What was presented and is wrong
//! ends it, also behind the first that does; what wasn't presented, or is another kind than the part at hand wants, goes on
//! to the next part.

use std::mem;
use std::sync::Arc;

use postern_telemetry::Code;

use super::Judging;
use super::binding;
use super::presented::{self, Presented, Scheme};
use crate::accept::{Accept, ApiKeyAccept, JwtAccept};
use crate::api_keys::ApiKey;
use crate::caches::TokenHash;
use crate::caller::{Caller, Methods};
use crate::header;
use crate::peer;
use crate::refusal::Refusal;
use crate::revoked;
use crate::routes::PeerRules;
use crate::token::{Authenticated, authenticate, hash_of};
use crate::verified_caller::VerifiedCaller;

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
pub(crate) fn prove<'j>(accept: &'j Accept, judging: &'j Judging<'j>) -> Result<Proved, Refusal> {
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
        token: None,
        unread: None,
        aside: None,
        missing: None,
    };
    let satisfied = attempt.satisfies(accept)?;
    if let Some(unread) = attempt.unread.take() {
        return Err(unread);
    }
    if satisfied {
        attempt.has_nothing_aside()?;
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
    /// The token that was presented.
    token: Option<&'j [u8]>,
    /// Why it is none, by the parts so far, which couldn't read it: one that has its issuer asked may.
    unread: Option<Refusal>,
    /// Whose it is, where that isn't what the caller is accepted for.
    aside: Option<(Arc<VerifiedCaller>, Shown)>,
    /// Why the first part that wasn't satisfied wasn't.
    missing: Option<Refusal>,
}

impl<'j> Attempt<'j> {
    fn satisfies(&mut self, accept: &'j Accept) -> Result<bool, Refusal> {
        match accept {
            // Who presented something doesn't want to be nobody.
            Accept::Anonymous if self.presented => Ok(false),
            Accept::Anonymous => Ok(self.by(Methods::ANONYMOUS)),
            Accept::Jwt(jwt) => self.token(jwt),
            Accept::Mtls(rules) => Ok(self.peer(rules)),
            Accept::ApiKey(accept) => self.api_key(accept),
            Accept::Any(parts) => {
                let mut satisfied = false;
                for part in parts.iter() {
                    if satisfied {
                        self.has_nothing_against(part)?;
                    } else {
                        satisfied = self.satisfies(part)?;
                    }
                }
                Ok(satisfied)
            }
            Accept::All(parts) => self.all(parts),
        }
    }

    /// Each part is looked at, also when one before wasn't satisfied: what is presented and wrong must not depend on the
    /// order.
    fn all(&mut self, parts: &'j [Accept]) -> Result<bool, Refusal> {
        let before = self.proved.caller.clone();
        let mut satisfied = !parts.is_empty();
        for part in parts {
            satisfied &= self.satisfies(part)?;
        }
        if !satisfied {
            // What the parts that were satisfied have proved proves nothing by itself.
            let failed = mem::replace(&mut self.proved.caller, before);
            self.aside = failed.identity.token.zip(self.proved.shown).or(self.aside.take());
        }
        Ok(satisfied)
    }

    /// Looks at a part that isn't needed: what is presented and wrong is refused in whatever order parts are written.
    fn has_nothing_against(&mut self, part: &'j Accept) -> Result<(), Refusal> {
        match part {
            // Nobody presents these.
            Accept::Anonymous | Accept::Mtls(_) => Ok(()),
            Accept::Jwt(accept) => {
                let looked_at = self.token;
                if let Some(presented) = self.presented_token(accept)?
                    && (looked_at != Some(presented.token) || self.unread.is_some())
                    && let Some((authenticated, shown)) = self.verified(&presented, accept)?
                {
                    self.aside = Some((authenticated.caller, shown));
                }
                Ok(())
            }
            Accept::ApiKey(accept) => self.presented_key(accept).map(drop),
            Accept::Any(parts) | Accept::All(parts) => {
                parts.iter().try_for_each(|part| self.has_nothing_against(part))
            }
        }
    }

    /// Who is accepted for something else shows no token that is revoked or stolen either.
    fn has_nothing_aside(&self) -> Result<(), Refusal> {
        let judging = self.judging;
        match &self.aside {
            Some((token, shown)) if self.proved.caller.identity.token.is_none() => {
                revoked::check_token(&judging.snapshot.revocations, token, judging.now)?;
                binding::check(token, shown, judging).map(drop)
            }
            _ => Ok(()),
        }
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

    fn token(&mut self, accept: &'j JwtAccept) -> Result<bool, Refusal> {
        let Some(presented) = self.presented_token(accept)? else {
            return Ok(self.lacks(|| Refusal::missing_token("the request presents no token")));
        };
        let Some((authenticated, shown)) = self.verified(&presented, accept)? else {
            return Ok(false);
        };
        if !accept.takes(authenticated.caller.issuer()) {
            self.aside = Some((authenticated.caller, shown));
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
        self.proved.caller.identity.token = Some(authenticated.caller);
        self.proved.token_cached = authenticated.cached;
        self.proved.shown = Some(shown);
        Ok(self.by(Methods::JWT))
    }

    /// The token that a part finds. One is all that a request presents: of two, which parts find in two places, only one
    /// would be judged.
    fn presented_token(&mut self, accept: &'j JwtAccept) -> Result<Option<Presented<'j>>, Refusal> {
        let judging = self.judging;
        let http = &judging.request.http;
        let Some(presented) = presented::token(&http.headers, http.path, &accept.sources)? else {
            return Ok(None);
        };
        if self.token.is_some_and(|earlier| earlier != presented.token) {
            return Err(Refusal::malformed("the request presents more than one token"));
        }
        self.presented = true;
        self.token = Some(presented.token);
        Ok(Some(presented))
    }

    /// Whose token it is; `None` where this part can't read it, and another may.
    fn verified(
        &mut self,
        presented: &Presented<'_>,
        accept: &JwtAccept,
    ) -> Result<Option<(Authenticated, Shown)>, Refusal> {
        let judging = self.judging;
        let sha256 = hash_of(presented.token)?;
        let shown = Shown {
            scheme: presented.scheme,
            sha256,
        };
        let authenticated = authenticate(
            judging.snapshot,
            judging.caches,
            presented.token,
            &sha256,
            accept.introspects.as_ref(),
            judging.now,
        );
        match authenticated {
            Ok(authenticated) => {
                self.unread = None;
                Ok(Some((authenticated, shown)))
            }
            Err(refusal) if refusal.code == Code::TokenMalformed && accept.introspects.is_none() => {
                self.unread.get_or_insert(refusal);
                Ok(None)
            }
            Err(refusal) => Err(refusal),
        }
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
        let Some(key) = self.presented_key(accept)? else {
            return Ok(self.lacks(|| Refusal::new(Code::Unauthenticated, "the request presents no API key")));
        };
        self.proved.caller.identity.api_key = Some(Arc::clone(key));
        Ok(self.by(Methods::API_KEY))
    }

    fn presented_key(&mut self, accept: &ApiKeyAccept) -> Result<Option<&'j Arc<ApiKey>>, Refusal> {
        let judging = self.judging;
        let Some(text) = judging.request.http.headers.value(&accept.header) else {
            return Ok(None);
        };
        self.presented = true;
        match judging.snapshot.api_keys.find(text, judging.now) {
            Ok(key) if !can_be_told(key) => Err(Refusal::new(
                Code::ApiKeyInvalid,
                "the API key's subject or scopes can't be told to an upstream",
            )),
            Ok(key) => Ok(Some(key)),
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
