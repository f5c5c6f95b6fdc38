//! What the bench's sidecar knows: one issuer with one ES256 key, one route, the policy of a bundle.

use std::sync::Arc;

use anyhow::Context as _;
use postern_decide::{
    ActivePolicy, CacheLimits, Caches, Decision, DecisionCacheLimits, Entropy, HeaderPrefix, IssuerRules,
    Issuers, Now, Revocations, Route, Routes, Settings, Snapshot, TrustedIssuer, settle,
};
use postern_jose::{Algorithm, Expectations, JwkSet, KeySet, LocalSigner, UnixTime};
use postern_policy::alone::engine_of;
use postern_policy::input::{self, PosternParts, RequestParts};
use postern_policy::{Bundle, Env, HttpSend, Limits, Value, Verification};

use crate::request::{Issued, Request};

const ISSUER: &str = "http://127.0.0.1:1";
const AUDIENCE: &str = "urn:postern:bench";
const NOW: UnixTime = UnixTime(1_800_000_000);

pub(crate) struct World {
    snapshot: Snapshot,
    caches: Caches,
    pub(crate) requests: Vec<Request>,
    policy: Arc<ActivePolicy>,
    input: Value,
}

impl World {
    /// With as many requests, and with a memory of what the policy answered or without.
    pub(crate) fn lay(
        bundle: &[u8],
        entrypoint: &str,
        variety: usize,
        remembers: bool,
    ) -> anyhow::Result<Self> {
        let bundle = Bundle::read(bundle, &Verification::Unsigned, &Limits::default())?;
        let engine = engine_of(&bundle, HttpSend::Off)?;
        let entrypoint = engine.entrypoint(entrypoint).context("no such entrypoint")?;
        let mut policy = ActivePolicy::new(engine, entrypoint);
        if remembers {
            policy = policy.with_cache(DecisionCacheLimits::default(), [0x5a; 16]);
        }
        let policy = Arc::new(policy);

        let signer = LocalSigner::generate(Algorithm::ES256)?;
        let rules = IssuerRules::new(Expectations {
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            algorithms: vec![Algorithm::ES256],
            types: vec!["at+jwt".to_owned()],
            leeway_seconds: 30,
            required_claims: Vec::new(),
        });
        let keys = KeySet::from_jwks(&JwkSet::new([signer.public_jwk()]));
        let issuer = TrustedIssuer::with_keys(Arc::new(rules), Arc::new(keys), NOW);
        let settings = Settings {
            realm: "postern".to_owned(),
            prefix: HeaderPrefix::new(HeaderPrefix::DEFAULT)?,
            max_upstream_headers: Settings::DEFAULT_MAX_UPSTREAM_HEADERS,
            dpop_nonce_lifetime_seconds: Settings::DEFAULT_DPOP_NONCE_LIFETIME_SECONDS,
        };
        let snapshot = Snapshot::initial(
            settings,
            Arc::new(Routes::catch_all(Route::named("default"))),
            Issuers::new([Arc::new(issuer)]),
            Revocations::without_stream(),
        )
        .with_policy(Arc::clone(&policy));

        let issued = Issued {
            issuer: ISSUER,
            audience: AUDIENCE,
            at: NOW.0,
        };
        let requests = (0..variety).map(|i| Request::new(i, &signer, &issued));
        Ok(Self {
            snapshot,
            caches: Caches::new(CacheLimits::default()),
            requests: requests.collect::<Result<_, _>>()?,
            input: document(&policy)?,
            policy,
        })
    }

    /// One check, as the sidecar makes it between reading a request and writing an answer.
    pub(crate) fn check(&self, request: &Request) -> Box<Decision> {
        let view = request.view();
        let now = Now::at_second(NOW);
        settle(&self.snapshot, &self.caches, &view, now, &entropy(), &mut ())
    }

    /// One evaluation of the policy over the first request's input.
    pub(crate) fn evaluate(&self) -> Option<Value> {
        let env = Env::new(NOW.0, [7; 32]);
        let answer = self
            .policy
            .engine()
            .evaluate(self.policy.entrypoint(), Some(&self.input), &env);
        answer.ok().flatten()
    }
}

/// What the policy is handed of the first request.
fn document(policy: &ActivePolicy) -> anyhow::Result<Value> {
    let claims = Value::from_json_str(r#"{"roles":["role-00"],"sub":"user-00000"}"#)?;
    let request = RequestParts {
        method: "GET",
        path: "/orders/0",
        ..RequestParts::default()
    };
    let scopes = ["orders:read".into()];
    let proved = PosternParts {
        claims: Some(&claims),
        scopes: &scopes,
        path: "/orders/0",
        ..PosternParts::default()
    };
    let reads = policy.engine().reads(policy.entrypoint());
    input::document(reads, &request, &[][..], Some(&proved)).context("the input of the first request")
}

/// The same for each check: what they draw makes no difference to what they cost.
fn entropy() -> Entropy {
    Entropy::draw(|bytes| bytes.fill(0x5a))
}
