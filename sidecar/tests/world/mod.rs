//! What the tests of the process share: an origin that serves keys and bundles as any issuer and bundle server would, the
//! real binary started on a configuration, and a client that asks it as Envoy does.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

pub(crate) mod client;
pub(crate) mod origin;
pub(crate) mod sidecar;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_jose::{Algorithm, LocalSigner, sign_compact};
use postern_policy::{BundleBuilder, Limits, bundle};
use serde_json::{Value as Json, json};

pub(crate) use client::Client;
pub(crate) use origin::Origin;
pub(crate) use sidecar::Config;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "urn:postern:test";
const PLAN: &str = include_str!("../../../cli/demo/policy/plan.json");

/// An issuer, a policy author, an origin for both, and a folder for the sidecar's files.
pub(crate) struct World {
    pub(crate) issuer: LocalSigner,
    pub(crate) author: LocalSigner,
    pub(crate) origin: Origin,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    /// Keys and the demo's policy are served.
    pub(crate) async fn new() -> Self {
        let issuer = LocalSigner::generate(Algorithm::ES256).unwrap();
        let author = LocalSigner::generate(Algorithm::ES256).unwrap();
        let origin = Origin::start().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("author.pem"),
            author.public_jwk().to_spki_pem().unwrap(),
        )
        .unwrap();
        let world = Self {
            issuer,
            author,
            origin,
            folder,
        };
        world.origin.serve_keys([&world.issuer]);
        world.origin.serve_bundle(world.bundle("r1", &demo_plan()));
        world
    }

    /// A bundle of this revision and plan, signed by the author.
    pub(crate) fn bundle(&self, revision: &str, plan: &str) -> Vec<u8> {
        signed_bundle(&self.author, revision, plan)
    }

    /// A token of the issuer with these scopes.
    pub(crate) fn token(&self, scope: &str) -> String {
        token(&self.issuer, &json!({ "scope": scope }))
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(self.folder.path(), &self.origin)
    }
}

/// The demo's policy: reading orders needs `orders:read`, all else `orders:write`.
pub(crate) fn demo_plan() -> String {
    PLAN.to_owned()
}

/// The demo's policy, changed: reading needs a scope that nobody has.
pub(crate) fn strict_plan() -> String {
    let plan = PLAN.replace("\"orders:read\"", "\"orders:nobody-has-this\"");
    assert_ne!(plan, PLAN);
    plan
}

pub(crate) fn signed_bundle(author: &LocalSigner, revision: &str, plan: &str) -> Vec<u8> {
    let archive = BundleBuilder::new(revision).plan(plan).build().unwrap();
    bundle::sign(&archive, author, "author", &Limits::default()).unwrap()
}

pub(crate) fn token(signer: &LocalSigner, claims: &Json) -> String {
    let now = now();
    let mut payload = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "shop",
        "iat": now, "exp": now + 600, "jti": now.to_string(),
    });
    payload
        .as_object_mut()
        .unwrap()
        .extend(claims.as_object().unwrap().clone());
    sign_compact(signer, Some("at+jwt"), payload.to_string().as_bytes()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens for a real process are in time by the real clock"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Asks until `done` says so; fails after `limit`.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    limit: Duration,
    what: &str,
    mut done: impl FnMut() -> F,
) {
    let asked = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(limit, asked).await.is_ok(),
        "{what}: not within {limit:?}"
    );
}
