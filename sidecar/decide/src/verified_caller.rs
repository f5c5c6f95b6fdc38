//! Who calls, as a token proves it: what later stages read of its claims, read once. Made by verification only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use postern_jose::{UnixTime, VerifiedToken};
use postern_rego::Value;
use postern_telemetry::Code;

use crate::accept::TokenSource;
use crate::caller::Told;
use crate::confirmation::{Confirmation, ConfirmationError};
use crate::grounds::{Grounds, Proof};
use crate::header;
use crate::issuer::Placed;
use crate::policy_claims::PolicyClaims;
use crate::refusal::Refusal;
use crate::revocation::Subject;

/// Who calls, as a token of a trusted issuer proves it. Made by verification only.
///
/// Thousands of these are looked at in turn, each long after it has left the processor's caches: what a check reads lies
/// together, and is small.
#[derive(Debug)]
pub struct VerifiedCaller {
    grounds: Grounds,
    subject: Option<Arc<str>>,
    client_id: Option<Arc<str>>,
    scope_text: Option<Arc<str>>,
    scopes: Box<[Box<str>]>,
    /// `None` for nothing, which is what most tokens are bound to.
    confirmation: Option<Box<Confirmation>>,
    claims: Value,
    claims_bytes: usize,
    /// The state of the revocations in which it was looked for last and not found; 0 for none yet. A memory of an answer
    /// that can't change, so that sharing it needs no order.
    unrevoked_in: AtomicU64,
}

static UNBOUND: Confirmation = Confirmation {
    jkt: None,
    x5t_s256: None,
};

impl VerifiedCaller {
    /// Of a token whose signature verified at `now`.
    pub(crate) fn signed(
        found: Placed<'_>,
        token: &VerifiedToken<PolicyClaims>,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let proof = Proof::Signature {
            key_id: token.shared_kid().map(Arc::clone),
            algorithm: token.algorithm(),
        };
        let claims = if token.claims_are_exact() {
            Value::Object(token.claims().clone())
        } else {
            // Policy sees numbers as they were written.
            Value::from_json_str(token.claims_json())
                .map_err(|_| Refusal::malformed("the payload is no JSON that policy could read"))?
        };
        let grounds = Grounds::new(found, proof, now, token.expires_at());
        Self::new(grounds, claims, token.claims_json().len())
    }

    /// Of a token that its issuer said at `now` is active, and will be until then.
    pub(crate) fn introspected(
        found: Placed<'_>,
        claims: Value,
        claims_bytes: usize,
        now: UnixTime,
        until: UnixTime,
    ) -> Result<Self, Refusal> {
        let grounds = Grounds::new(found, Proof::Introspection, now, until);
        Self::new(grounds, claims, claims_bytes)
    }

    fn new(grounds: Grounds, claims: Value, claims_bytes: usize) -> Result<Self, Refusal> {
        crate::claims::check(&grounds.issuer().rules().required_claims, &claims)?;
        let confirmation = Confirmation::of(&claims).map_err(|error| {
            let code = match error {
                ConfirmationError::Unknown => Code::TokenBindingRequired,
                ConfirmationError::Form | ConfirmationError::Thumbprint(_) => Code::TokenMalformed,
            };
            Refusal::new(code, error.to_string())
        })?;
        // What is also among the claims shares their text.
        let shared = |name: &str| match claims.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (scopes, scope_text) = scopes(shared("scope"));
        let caller = Self {
            grounds,
            subject: shared("sub").map(Arc::clone),
            client_id: shared("client_id").map(Arc::clone),
            scope_text,
            scopes,
            confirmation: (confirmation != UNBOUND).then(|| Box::new(confirmation)),
            claims,
            claims_bytes,
            unrevoked_in: AtomicU64::new(0),
        };
        // These become headers for the upstream, as they are or not at all: two subjects must never look the same there.
        let told = [&caller.subject, &caller.client_id, &caller.scope_text];
        if !told.into_iter().flatten().all(|text| header::is_value(text)) {
            return Err(Refusal::malformed(
                "sub, client_id or scope holds a control character or surrounding white space",
            ));
        }
        Ok(caller)
    }

    /// The same caller, of an issuer that has got other keys.
    pub(crate) fn with(&self, found: Placed<'_>) -> Self {
        Self {
            grounds: self.grounds.with(found),
            subject: self.subject.clone(),
            client_id: self.client_id.clone(),
            scope_text: self.scope_text.clone(),
            scopes: self.scopes.clone(),
            confirmation: self.confirmation.clone(),
            claims: self.claims.clone(),
            claims_bytes: self.claims_bytes,
            unrevoked_in: AtomicU64::new(self.unrevoked_in.load(Ordering::Relaxed)),
        }
    }

    /// What it was believed on.
    pub(crate) fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// `iss`.
    pub fn issuer(&self) -> &Arc<str> {
        self.grounds.issuer().name()
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&Arc<str>> {
        self.subject.as_ref()
    }

    /// `client_id`.
    pub fn client_id(&self) -> Option<&Arc<str>> {
        self.client_id.as_ref()
    }

    /// `scope`, split.
    pub fn scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    /// `scope` with one space between scopes; `None` when there is none.
    pub fn scope_text(&self) -> Option<&Arc<str>> {
        self.scope_text.as_ref()
    }

    /// What the upstream is told of the caller, where it is known.
    pub(crate) fn told(&self, what: Told) -> Option<&str> {
        match what {
            Told::Subject => self.subject.as_deref(),
            Told::Client => self.client_id.as_deref(),
            Told::Scope => self.scope_text.as_deref(),
        }
    }

    /// All claims, as policy sees them. Parsed once, when the token was verified.
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// `exp`, or when the issuer's word on the token is to be asked for again, if that is sooner.
    pub fn expires_at(&self) -> UnixTime {
        self.grounds.until()
    }

    /// How strongly the user signed in (OpenID Connect Core §2).
    pub(crate) fn acr(&self) -> Option<&str> {
        self.claims.get("acr")?.as_str()
    }

    /// When the user signed in (OpenID Connect Core §2).
    pub(crate) fn auth_time(&self) -> Option<UnixTime> {
        self.claims.get("auth_time")?.as_i64().map(UnixTime)
    }

    /// How far the issuer's clock may be from ours.
    pub(crate) fn leeway_seconds(&self) -> u32 {
        self.grounds.issuer().expectations().leeway_seconds
    }

    /// Whether its issuer's tokens are looked for there.
    pub(crate) fn may_come_from(&self, source: &TokenSource) -> bool {
        self.grounds.issuer().rules().token_sources.contains(source)
    }

    /// What the token is bound to.
    pub(crate) fn confirmation(&self) -> &Confirmation {
        self.confirmation.as_deref().unwrap_or(&UNBOUND)
    }

    /// What the claims were believed for.
    pub(crate) fn proof(&self) -> &Proof {
        self.grounds.proof()
    }

    /// What revocations look at.
    pub(crate) fn revocation_subject(&self) -> Subject<'_> {
        Subject {
            issuer: self.issuer(),
            key_id: self.grounds.key_id(),
            claims: &self.claims,
        }
    }

    /// Whether it was looked for in this state of the revocations, and not found.
    pub(crate) fn is_unrevoked_in(&self, generation: u64) -> bool {
        self.unrevoked_in.load(Ordering::Relaxed) == generation
    }

    /// Remembers that it isn't there.
    pub(crate) fn note_unrevoked_in(&self, generation: u64) {
        self.unrevoked_in.store(generation, Ordering::Relaxed);
    }

    /// About how many bytes it takes to remember this: JSON grows some six times when it becomes values.
    pub(crate) fn weight(&self) -> u64 {
        const FIXED: u64 = 640;
        const GROWTH: u64 = 6;
        FIXED + GROWTH.saturating_mul(self.claims_bytes as u64)
    }
}

/// The scopes that `scope` lists, and their text with one space between them, which nearly always is `scope` itself.
fn scopes(scope: Option<&Arc<str>>) -> (Box<[Box<str>]>, Option<Arc<str>>) {
    let Some(scope) = scope else {
        return (Box::default(), None);
    };
    let scopes: Box<[Box<str>]> = scope
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(Box::from)
        .collect();
    let spaces = scopes.len().saturating_sub(1);
    let text_bytes = scopes.iter().map(|scope| scope.len()).sum::<usize>() + spaces;
    let text = if scopes.is_empty() {
        None
    } else if text_bytes == scope.len() {
        Some(Arc::clone(scope))
    } else {
        Some(Arc::from(scopes.join(" ")))
    };
    (scopes, text)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use postern_jose::{
        Algorithm, Expectations, JwkSet, KeySet, LocalSigner, TokenRef, base64url, sign_compact, verify,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::issuer::{IssuerRules, TrustedIssuer};

    const NOW: UnixTime = UnixTime(1_000_000);
    const REGISTERED: &str = r#""iss":"https://issuer.example","aud":["x","api"],"exp":1000600.5"#;

    struct World {
        signer: LocalSigner,
        keys: Arc<KeySet>,
        issuer: Arc<TrustedIssuer>,
    }

    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let signer = LocalSigner::generate(Algorithm::EdDSA).unwrap();
        let keys = Arc::new(KeySet::from_jwks(&JwkSet::new([signer.public_jwk()])));
        let rules = IssuerRules::new(Expectations {
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["api".to_owned()],
            algorithms: vec![Algorithm::EdDSA],
            types: Vec::new(),
            leeway_seconds: 0,
            required_claims: Vec::new(),
        });
        World {
            signer,
            keys: Arc::clone(&keys),
            issuer: Arc::new(TrustedIssuer::with_keys(Arc::new(rules), keys, NOW)),
        }
    });

    /// What policy sees of a token with this payload.
    fn claims(payload: &str) -> Value {
        let token = sign_compact(&WORLD.signer, None, payload.as_bytes()).unwrap();
        let parsed = TokenRef::<PolicyClaims>::parse_into(&token).unwrap();
        let verified = verify(&parsed, &WORLD.keys, WORLD.issuer.expectations(), NOW).unwrap();
        assert_eq!(verified.claims_json(), payload);
        let issuer = &WORLD.issuer;
        VerifiedCaller::signed(Placed { issuer, place: 0 }, &verified, NOW)
            .unwrap()
            .claims
    }

    fn json_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(&["null", "true", "false", "0", "-0", "-0.0", "1E+2", "1e-400"][..])
                .prop_map(str::to_owned),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<u64>().prop_map(|number| number.to_string()),
            "-?[1-9][0-9]{18,40}",
            "[1-9]\\.[0-9]{1,30}(e[0-9]{1,2})?",
            Just(r#""\u00e9\ud83d\ude00\u0000\n""#.to_owned()),
            any::<String>().prop_map(|text| Value::from(text).to_json()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[ {}]", items.join(" ,\n"))),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| object(&members)),
            ]
        })
    }

    /// Their names made distinct.
    fn object(members: &[(String, String)]) -> String {
        let members = members.iter().enumerate();
        let members = members
            .map(|(at, (name, value))| format!("{}: {value}", Value::from(format!("{name}{at}")).to_json()));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    proptest! {
        #[test]
        fn policy_sees_the_claims_as_they_were_written(
            members in prop::collection::vec((any::<String>(), json_text()), 0..20),
            whole_seconds: bool,
        ) {
            let registered = if whole_seconds { REGISTERED.replace(".5", "") } else { REGISTERED.to_owned() };
            let payload = format!("{{{registered},\"all\":{}}}", object(&members));
            // Numbers have their text, which comparing them wouldn't show.
            let expected = Value::from_json_str(&payload).unwrap().to_json();
            prop_assert_eq!(claims(&payload).to_json(), expected);
        }

        #[test]
        fn every_form_of_claims_is_refused_and_accepted_alike(
            name in prop::sample::select(&["iss", "sub", "client_id", "jti", "exp", "nbf", "iat", "aud", "other"][..]),
            value in json_text(),
        ) {
            let payload = format!("{{\"{name}\":{value}}}");
            let token = format!("{}.{}.AAAA", base64url::encode(br#"{"alg":"EdDSA"}"#), base64url::encode(payload.as_bytes()));
            let as_map = TokenRef::parse(&token).map(|_| ());
            prop_assert_eq!(TokenRef::<PolicyClaims>::parse_into(&token).map(|_| ()), as_map);
        }
    }

    #[test]
    fn scopes_are_told_with_one_space_between() {
        for (scope, list, text) in [
            ("a", &["a"][..], Some("a")),
            ("a b:c", &["a", "b:c"], Some("a b:c")),
            (" a", &["a"], Some("a")),
            ("a ", &["a"], Some("a")),
            ("a  b", &["a", "b"], Some("a b")),
            ("a  b ", &["a", "b"], Some("a b")),
            (" ", &[], None),
            ("", &[], None),
        ] {
            let (scopes, told) = scopes(Some(&Arc::from(scope)));
            assert!(
                scopes.iter().map(|scope| &**scope).eq(list.iter().copied()),
                "{scope:?}"
            );
            assert_eq!(told.as_deref(), text, "{scope:?}");
        }
        assert_eq!(scopes(None), (Box::default(), None));
    }
}
