//! The sidecar in front of a real foreign issuer, node-oidc-provider: found by discovery, its keys followed as they rotate,
//! its tokens revoked by the control plane, its opaque
//! ones asked about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::time::Duration;

use postern_e2e::stack::{Mesh, OidcProvider, Stack, binary, wait_until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

async fn mesh(provider: &OidcProvider, more: Value) -> Mesh {
    let mut issuer = json!({
        "issuer": provider.issuer, "discovery": true, "audiences": [provider.audience],
    });
    issuer
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Mesh::builder()
        .await
        .sidecar(json!({ "issuers": [issuer] }))
        .start()
        .await
}

async fn status(mesh: &Mesh, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    mesh.ask("GET", "/orders", &[("authorization", &authorization)])
        .await
        .status
}

/// The same token with another signature.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

#[tokio::test]
async fn tokens_of_a_discovered_issuer_are_accepted_and_forged_ones_are_not() {
    let provider = OidcProvider::start().await;
    let mesh = mesh(&provider, json!({})).await;
    let token = provider.token().await;
    let authorization = format!("Bearer {token}");
    let answer = mesh
        .ask("GET", "/orders", &[("authorization", &authorization)])
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.upstream_header("x-postern-client"), "shop");
    assert_eq!(answer.upstream_header("x-postern-scope"), "orders:read");
    assert_eq!(status(&mesh, &forged(&token)).await, 401);
    assert_eq!(
        status(&mesh, &mesh.issuer.sign(&mesh.issuer.claims(&provider.audience))).await,
        401
    );
}

#[tokio::test]
async fn a_new_key_is_fetched_once_for_many_tokens_and_an_old_one_ends_with_its_publication() {
    let provider = OidcProvider::start().await;
    let mesh = mesh(
        &provider,
        json!({ "refresh_seconds": 3600, "refetch_cooldown_seconds": 1 }),
    )
    .await;
    let old = provider.token().await;
    assert_eq!(status(&mesh, &old).await, 200);
    let before = provider.requests("/jwks").await;

    provider.rotate().await;
    let new = provider.token().await;
    wait_until("the new key is known", LIMIT, || async {
        status(&mesh, &new).await == 200
    })
    .await;
    assert_eq!(status(&mesh, &old).await, 200, "the old key is still published");
    assert!(provider.requests("/jwks").await > before);

    provider.retire().await;
    provider.rotate().await;
    // A key that is gone is noticed at the next fetch, which an unknown key brings about.
    let newest = provider.token().await;
    wait_until("the newest key is known", LIMIT, || async {
        status(&mesh, &newest).await == 200
    })
    .await;
    assert_eq!(status(&mesh, &old).await, 401, "its key is published no more");
    assert_eq!(status(&mesh, &new).await, 200);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_the_issuer_one_fetch_for_each_cooldown() {
    let provider = OidcProvider::start().await;
    let mesh = mesh(
        &provider,
        json!({ "refresh_seconds": 3600, "refetch_cooldown_seconds": 3600 }),
    )
    .await;
    let before = provider.requests("/jwks").await;
    let mut claims = mesh.issuer.claims(&provider.audience);
    claims["iss"] = json!(provider.issuer);
    // Signed with a key that the provider doesn't publish.
    for n in 0..300 {
        claims["jti"] = json!(n.to_string());
        assert_eq!(status(&mesh, &mesh.issuer.sign(&claims)).await, 401);
    }
    assert!(provider.requests("/jwks").await <= before + 1);
    assert_eq!(status(&mesh, &provider.token().await).await, 200);
}

#[tokio::test]
async fn the_control_plane_revokes_a_token_of_a_foreign_issuer() {
    let provider = OidcProvider::start().await;
    let stack = Stack::start().await;
    let issuer = json!({
        "issuer": provider.issuer, "discovery": true, "audiences": [provider.audience],
    });
    stack.reconfigure(|config| config["issuers"].as_array_mut().unwrap().push(issuer));
    let (one, other) = (provider.token().await, provider.token().await);
    for token in [&one, &other] {
        wait_until("the issuer is trusted", LIMIT, || async {
            stack.get("/orders", token).await.status == 200
        })
        .await;
    }
    let revoked = tokio::process::Command::new(binary("postern"))
        .args(["revoke", "--token", &one, "--data-dir"])
        .arg(stack.folder())
        .output()
        .await
        .unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
    wait_until("it is revoked", Duration::from_secs(1), || async {
        stack.get("/orders", &one).await.status == 401
    })
    .await;
    assert_eq!(stack.get("/orders", &other).await.status, 200);
}

#[tokio::test]
async fn an_opaque_token_passes_as_long_as_its_issuer_says_so() {
    let provider = OidcProvider::start().await;
    let builder = Mesh::builder().await;
    let secret = builder.folder().join("introspection.secret");
    std::fs::write(&secret, &provider.client_secret).unwrap();
    let mesh = builder
        .sidecar(json!({ "issuers": [{
            "issuer": provider.issuer, "discovery": true, "audiences": [provider.audience],
            "introspection": {
                "url": format!("{}/token/introspection", provider.issuer),
                "client_id": provider.client_id, "client_secret_file": secret, "cache_seconds": 1,
            },
        }]}))
        .start()
        .await;
    let token = provider.opaque_token().await;
    assert!(!token.contains('.'), "no JWT: {token}");
    for _ in 0..5 {
        assert_eq!(status(&mesh, &token).await, 200);
    }
    let asked = provider.requests("/token/introspection").await;
    assert!(
        (1..=2).contains(&asked),
        "remembered for a second: asked {asked} times"
    );
    assert_eq!(status(&mesh, "made-up").await, 401);

    provider.revoke(&token).await;
    wait_until("its issuer revoked it", LIMIT, || async {
        status(&mesh, &token).await == 401
    })
    .await;
}
