//! What the tests of this crate share: an issuer that signs, a policy that says what it is told to, a request.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use postern_decide::{
    ActivePolicy, Answer, CacheLimits, Caches, Decision, Deny, Entropy, HeaderPrefix, Headers, HttpView,
    IssuerRules, Issuers, Now, PeerView, RequestView, Revocations, Route, Routes, Settings, Snapshot,
    TrustedIssuer, settle,
};
use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner, UnixTime, base64url, sign_compact};
use postern_policy::{Engine, EngineError, Entrypoint, Env, Stopped, Value};
use serde_json::{Value as Json, json};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "urn:api";
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// A policy that answers with one document whatever it is asked, or fails.
pub(crate) enum Says {
    This(Json),
    Undefined,
    Failure,
    /// The input, as it came, under `dynamic_metadata`.
    Input,
}

impl Engine for Says {
    fn revision(&self) -> &str {
        "r1"
    }

    fn entrypoints(&self) -> Vec<String> {
        vec!["test".to_owned()]
    }

    fn entrypoint(&self, _path: &str) -> Option<Entrypoint> {
        Some(Entrypoint::from_index(0))
    }

    fn evaluate(&self, _: Entrypoint, input: Option<&Value>, _: &Env) -> Result<Option<Value>, EngineError> {
        match self {
            Self::This(json) => Ok(Some(Value::from(json.clone()))),
            Self::Undefined => Ok(None),
            Self::Failure => Err(EngineError::Evaluation(Stopped::internal(
                "rules conflict at secret.rego:1",
            ))),
            Self::Input => Ok(Some(Value::object_from([
                ("allowed", Value::from(true)),
                (
                    "dynamic_metadata",
                    Value::object_from([("input", input.cloned().unwrap_or(Value::Null))]),
                ),
            ]))),
        }
    }
}

pub(crate) struct World {
    pub(crate) signer: LocalSigner,
    pub(crate) snapshot: Snapshot,
    pub(crate) caches: Caches,
}

impl World {
    /// One trusted issuer with one key, and a policy.
    pub(crate) fn with_policy(policy: Says) -> Self {
        let signer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let settings = Settings {
            realm: "postern".to_owned(),
            prefix: HeaderPrefix::new(HeaderPrefix::DEFAULT).unwrap(),
            max_upstream_headers: Settings::DEFAULT_MAX_UPSTREAM_HEADERS,
            dpop_nonce_lifetime_seconds: Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS,
        };
        let snapshot = Snapshot::initial(
            settings,
            Arc::new(Routes::catch_all(Route::named("default"))),
            Issuers::new([trusted([&signer])]),
            Revocations::without_stream(),
        )
        .with_policy(active(policy));
        Self {
            signer,
            snapshot,
            caches: Caches::new(CacheLimits {
                token_bytes: 1 << 20,
                ..CacheLimits::default()
            }),
        }
    }

    pub(crate) fn allowing() -> Self {
        Self::with_policy(Says::This(json!(true)))
    }

    /// A token of the trusted issuer with these claims over the usual ones; `null` takes a claim away.
    pub(crate) fn token(&self, claims: &Json) -> String {
        sign(&self.signer, claims)
    }

    /// A request with this token and these further headers.
    pub(crate) fn ask(&self, token: &str, headers: &[(&str, &str)]) -> Decision {
        let authorization = format!("Bearer {token}");
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.ask_with(&all)
    }

    /// A request with these headers and no others.
    pub(crate) fn ask_with(&self, headers: &[(&str, &str)]) -> Decision {
        self.ask_at(NOW, headers)
    }

    pub(crate) fn ask_at(&self, now: UnixTime, headers: &[(&str, &str)]) -> Decision {
        self.settle(&request(headers), now)
    }

    /// A request with these headers from a workload with this certificate.
    pub(crate) fn ask_from(&self, certificate: &str, headers: &[(&str, &str)]) -> Decision {
        let source = PeerView {
            certificate,
            ..PeerView::default()
        };
        let request = RequestView {
            source: Some(source),
            ..request(headers)
        };
        self.settle(&request, NOW)
    }

    pub(crate) fn settle(&self, request: &RequestView<'_>, now: UnixTime) -> Decision {
        *settle(
            &self.snapshot,
            &self.caches,
            request,
            Now::at_second(now),
            &entropy(),
            &mut (),
        )
    }

    /// The same world with its one route changed.
    pub(crate) fn where_route(mut self, change: impl FnOnce(&mut Route)) -> Self {
        let mut route = Route::named("default");
        change(&mut route);
        self.snapshot.routes = Arc::new(Routes::catch_all(route));
        self
    }

    /// The same world with its issuer's rules changed.
    pub(crate) fn where_issuer(mut self, change: impl FnOnce(&mut IssuerRules)) -> Self {
        let mut rules = IssuerRules::new(expectations());
        change(&mut rules);
        let keys = JwkSet::new([self.signer.public_jwk()]);
        let keys = Arc::new(KeySet::from_jwks(&keys));
        let issuer = TrustedIssuer::with_keys(Arc::new(rules), keys, NOW);
        self.snapshot.issuers = Issuers::new([Arc::new(issuer)]);
        self
    }
}

/// `GET http://api.example/orders?a=1` with these headers.
pub(crate) fn request<'a>(headers: &[(&'a str, &'a str)]) -> RequestView<'a> {
    RequestView {
        http: HttpView {
            method: "GET",
            path: "/orders?a=1",
            host: "api.example",
            scheme: "http",
            protocol: "HTTP/1.1",
            headers: Headers::from_raw(headers.iter().map(|(name, value)| (*name, value.as_bytes()))),
            ..HttpView::default()
        },
        ..RequestView::default()
    }
}

/// A certificate with this URI, URL-encoded as Envoy sends it, and its `x5t#S256`.
pub(crate) fn certificate(uri: &str) -> (String, String) {
    let mut params = rcgen::CertificateParams::default();
    params
        .subject_alt_names
        .push(rcgen::SanType::URI(uri.try_into().unwrap()));
    let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let encoded = certificate
        .pem()
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
        .replace(' ', "%20")
        .replace('\n', "%0A");
    (encoded, base64url::encode(&sha256(certificate.der())))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

pub(crate) fn entropy() -> Entropy {
    let mut next = 0u8;
    Entropy::draw(|bytes| {
        for byte in bytes {
            next = next.wrapping_add(1);
            *byte = next;
        }
    })
}

pub(crate) fn expectations() -> Expectations {
    Expectations {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: Algorithm::ALL.to_vec(),
        types: vec!["at+jwt".to_owned()],
        leeway_seconds: 30,
        required_claims: Vec::new(),
    }
}

pub(crate) fn rules() -> Arc<IssuerRules> {
    Arc::new(IssuerRules::new(expectations()))
}

pub(crate) fn trusted<'a>(signers: impl IntoIterator<Item = &'a LocalSigner>) -> Arc<TrustedIssuer> {
    let set = JwkSet::new(signers.into_iter().map(LocalSigner::public_jwk));
    Arc::new(TrustedIssuer::with_keys(
        rules(),
        Arc::new(KeySet::from_jwks(&set)),
        NOW,
    ))
}

pub(crate) fn active(policy: Says) -> Arc<ActivePolicy> {
    Arc::new(ActivePolicy::new(Arc::new(policy), Entrypoint::from_index(0)))
}

pub(crate) fn sign(signer: &LocalSigner, claims: &Json) -> String {
    sign_as(signer, "at+jwt", claims)
}

pub(crate) fn sign_as(signer: &LocalSigner, typ: &str, claims: &Json) -> String {
    let mut payload = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop", "scope": "orders:read orders:write",
        "iat": NOW.0 - 10, "exp": NOW.0 + 600, "jti": "1",
    });
    let members = payload.as_object_mut().unwrap();
    for (name, value) in claims.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    sign_compact(signer, Some(typ), payload.to_string().as_bytes()).unwrap()
}

pub(crate) fn denied(decision: &Decision) -> &Deny {
    match &decision.answer {
        Answer::Deny(deny) => deny,
        Answer::Allow(_) | Answer::Failed(_) => panic!("not denied: {decision:?}"),
    }
}

pub(crate) fn allowed(decision: &Decision) -> &postern_decide::Allow {
    match &decision.answer {
        Answer::Allow(allow) => allow,
        Answer::Deny(_) | Answer::Failed(_) => panic!("not allowed: {decision:?}"),
    }
}

pub(crate) fn header<'d>(headers: &'d [postern_decide::Header], name: &str) -> Option<&'d str> {
    headers
        .iter()
        .find(|header| header.name() == name)
        .map(postern_decide::Header::value)
}

pub(crate) fn body(deny: &Deny) -> Json {
    serde_json::from_str(&deny.body).unwrap()
}
