//! A sidecar with one of the policies of `plans/cache.rego`, requests by numbers, and two ways to decide on each: with the
//! memory, and without.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::hmac;
use postern_decide::opa_envoy::Verdict;
use postern_decide::{
    Accept, ActivePolicy, Address, CacheLimits, Caches, Decision, DecisionCacheLimits, Entropy, Headers,
    HttpView, Issuers, JwtAccept, Now, OpaEnvoySettings, PeerView, PlantedMistakes, Port, RequestView,
    Revocations, Route, Routes, Snapshot, SocketAddress, decide_as_opa_envoy, settle,
};
use postern_jose::{Algorithm, LocalSigner, base64url};
use postern_policy::{Bundle, BundleBuilder, HttpSend, Limits, PlanEngine, Verification};
use serde_json::{Value as Json, json};

use crate::world::{NOW, World, sign, trusted};

const PLAN: &[u8] = include_bytes!("../plans/cache.plan.json");

static ENGINE: LazyLock<Arc<PlanEngine>> = LazyLock::new(|| {
    let plan = std::str::from_utf8(PLAN).unwrap();
    let archive = BundleBuilder::new("r1").plan(plan).build().unwrap();
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    Arc::new(PlanEngine::from_bundle_with(&bundle, HttpSend::On).unwrap())
});

static SIGNER: LazyLock<LocalSigner> = LazyLock::new(|| LocalSigner::generate(Algorithm::ES256).unwrap());

/// The tokens of callers: few claims, of few values.
static CALLERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut callers = Vec::new();
    for (sub, tenant, roles) in [
        ("alice", json!("acme"), json!(["admin"])),
        ("bob", json!("acme"), json!(["reader"])),
        ("alice", json!("other"), json!(["reader"])),
        ("alice", json!(null), json!([])),
    ] {
        for (level, org) in [
            (json!(1), json!({ "unit": "a", "x": 1 })),
            (json!("1"), json!({ "unit": "a", "x": 2 })),
            (json!(1.5), json!({ "unit": "b" })),
        ] {
            for (scope, client) in [("orders:read", "shop"), ("orders:read orders:write", "other")] {
                let claims = json!({
                    "sub": sub, "tenant": tenant, "roles": roles, "level": level, "org": org, "scope": scope,
                    "client_id": client, "jti": callers.len().to_string(),
                });
                callers.push(format!("Bearer {}", sign(&SIGNER, &claims)));
            }
        }
    }
    callers
});

/// Tokens that policies verify themselves, some of which come or go out of time while the test goes on.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let of = |claims: Json| {
        let part = |json: &Json| base64url::encode(json.to_string().as_bytes());
        let signed = format!(
            "{}.{}",
            part(&json!({ "alg": "HS256", "typ": "JWT" })),
            part(&claims)
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let signature = base64url::encode(hmac::sign(&key, signed.as_bytes()).as_ref());
        format!("Bearer {signed}.{signature}")
    };
    let exact = of(json!({ "sub": "a", "exp": NOW.0 + 3 }));
    vec![
        format!("{exact}x"),
        exact,
        of(json!({ "sub": "b", "exp": NOW.0 as f64 + 2.5 })),
        of(json!({ "sub": "b", "nbf": NOW.0 + 2 })),
        of(json!({ "sub": "a", "nbf": NOW.0 + 1, "exp": NOW.0 + 4 })),
        of(json!({ "sub": "a", "exp": "soon" })),
        of(json!({ "exp": 1e300 })),
        "none".to_owned(),
    ]
});

/// What is asked, by numbers: few values of each part, so that the same is often asked again.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) caller: usize,
    pub(crate) method: usize,
    pub(crate) path: usize,
    pub(crate) tenant: usize,
    pub(crate) blocked: usize,
    pub(crate) token: usize,
    pub(crate) host: usize,
    pub(crate) body: usize,
    pub(crate) source: usize,
    pub(crate) extension: usize,
    pub(crate) sni: usize,
    /// What is different in each request.
    pub(crate) id: usize,
}

/// How many values each has; those of `id` are not counted.
pub(crate) const VALUES: [usize; 11] = [25, 3, 7, 3, 2, 8, 2, 5, 4, 3, 3];

impl Asked {
    pub(crate) fn of(values: [usize; 11], id: usize) -> Self {
        let [
            caller,
            method,
            path,
            tenant,
            blocked,
            token,
            host,
            body,
            source,
            extension,
            sni,
        ] = values;
        Self {
            caller,
            method,
            path,
            tenant,
            blocked,
            token,
            host,
            body,
            source,
            extension,
            sni,
            id,
        }
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&RequestView<'_>) -> T) -> T {
        let id = self.id.to_string();
        let mut headers = vec![("x-request-id", id.as_str())];
        headers.extend(
            CALLERS
                .get(self.caller)
                .map(|token| ("authorization", token.as_str())),
        );
        headers.extend([None, Some(("x-tenant", "acme")), Some(("x-tenant", "other"))][self.tenant]);
        headers.extend([None, Some(("x-blocked", ""))][self.blocked]);
        headers.push(("x-token", &TOKENS[self.token]));
        headers.push(("x-method", ["GET", "POST"][self.host]));
        let (kind, body) = [
            ("text/plain", ""),
            ("application/json", r#"{"amount":1}"#),
            ("application/json", r#"{"amount":1.0}"#),
            ("application/json", r#"{"amount":100}"#),
            ("application/json", "{"),
        ][self.body];
        headers.push(("content-type", kind));
        let source = |address, principal, labels: &[(&'static str, &'static str)]| PeerView {
            address: Some(Address::Socket(SocketAddress {
                address,
                port: Some(Port::Number(u32::try_from(self.id).unwrap())),
                ..SocketAddress::default()
            })),
            principal,
            labels: labels.to_vec(),
            ..PeerView::default()
        };
        ask(&RequestView {
            http: HttpView {
                id: &id,
                method: ["GET", "POST", "PUT"][self.method],
                path: [
                    "/orders",
                    "/orders?a=1",
                    "/orders/alice",
                    "/orders/bob?a=1&a=2",
                    "/x?a=2",
                    "/orders?a=1;b",
                    "/x?b=%zz",
                ][self.path],
                host: ["api.example", "x.example"][self.host],
                scheme: "http",
                protocol: "HTTP/1.1",
                headers: Headers::from_text(headers),
                body,
                ..HttpView::default()
            },
            source: [
                None,
                Some(source("10.0.0.1", "spiffe://example.org/a", &[("app", "web")])),
                Some(source("10.0.0.1", "spiffe://example.org/b", &[])),
                Some(source("10.0.0.2", "spiffe://example.org/a", &[("app", "api")])),
            ][self.source]
                .clone(),
            context_extensions: [vec![], vec![("tier", "gold")], vec![("tier", "")]][self.extension].clone(),
            tls_sni: [None, Some(""), Some("api")][self.sni],
            ..RequestView::default()
        })
    }
}

/// A sidecar that remembers, and one that doesn't.
pub(crate) struct Two {
    pub(crate) remembering: Snapshot,
    evaluating: Snapshot,
    pub(crate) caches: Caches,
}

impl Two {
    pub(crate) fn of(rule: &str, limits: DecisionCacheLimits, mistakes: &PlantedMistakes) -> Self {
        let evaluating = active(rule);
        let remembering = active(rule).with_mistaken_cache(limits, [7; 16], mistakes);
        let snapshot = snapshot();
        Self {
            remembering: snapshot.with_policy(Arc::new(remembering)),
            evaluating: snapshot.with_policy(Arc::new(evaluating)),
            caches: Caches::new(CacheLimits::default()),
        }
    }

    /// The policy that remembers.
    pub(crate) fn policy(&self) -> &ActivePolicy {
        self.remembering.policy.as_ref().unwrap()
    }

    /// With the memory, and without; with the same randomness.
    pub(crate) fn ask(&self, asked: &Asked, at: Now) -> [Decision; 2] {
        let entropy = entropy(asked.id);
        asked.with(|request| {
            [&self.remembering, &self.evaluating]
                .map(|snapshot| *settle(snapshot, &self.caches, request, at, &entropy, &mut ()))
        })
    }

    /// The same, as opa-envoy-plugin decides.
    pub(crate) fn ask_as_opa_envoy(&self, asked: &Asked, at: Now) -> [Verdict; 2] {
        let (entropy, settings) = (entropy(asked.id), OpaEnvoySettings::default());
        asked.with(|request| {
            [&self.remembering, &self.evaluating].map(|snapshot| {
                decide_as_opa_envoy(snapshot.policy.as_deref(), request, &settings, None, at, &entropy)
            })
        })
    }

    /// With the memory.
    pub(crate) fn remembered(&self, asked: &Asked, at: Now) -> Decision {
        let [decision, _] = self.ask(asked, at);
        decision
    }
}

/// One of the policies, without a memory.
pub(crate) fn active(rule: &str) -> ActivePolicy {
    let entrypoint = ENGINE.require(&format!("cache/{rule}")).unwrap();
    ActivePolicy::new(Arc::clone(&ENGINE) as _, entrypoint)
}

/// Callers with a token of the issuer, and without one.
pub(crate) fn snapshot() -> Snapshot {
    let mut route = Route::named("default");
    route.accept = Accept::Any(Arc::from([
        Accept::Jwt(JwtAccept::any_issuer()),
        Accept::Anonymous,
    ]));
    Snapshot::initial(
        World::allowing().snapshot.settings.as_ref().clone(),
        Arc::new(Routes::catch_all(route)),
        Issuers::new([trusted([&*SIGNER])]),
        Revocations::without_stream(),
    )
}

/// Another for each number.
pub(crate) fn entropy(number: usize) -> Entropy {
    let mut next = number as u64;
    Entropy::draw(|bytes| {
        for byte in bytes {
            next = next
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = next.to_be_bytes()[2];
        }
    })
}
