//! Who calls, through a real Envoy: workloads by their certificates, tokens that are bound to those and useless to a thief, users
//! who have to sign in again, and credentials that are wrong where none would have done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{AUDIENCE, Answer, Authority, Mesh, Workload};
use rcgen::SanType;
use serde_json::{Value, json};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const CART: &str = "spiffe://prod.example/ns/shop/sa/cart";
const STRANGER: &str = "spiffe://other.example/ns/shop/sa/web";

/// The time by which the issuer makes its tokens, seconds since the epoch.
fn now(mesh: &Mesh) -> i64 {
    mesh.issuer.claims(AUDIENCE)["iat"].as_i64().unwrap()
}

/// A token of the mesh's issuer with these claims over the usual ones.
fn token(mesh: &Mesh, claims: &Value) -> String {
    let mut all = mesh.issuer.claims(AUDIENCE);
    let more = claims.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(more);
    mesh.issuer.sign(&all)
}

fn code(answer: &Answer) -> String {
    answer.json()["code"].as_str().unwrap_or_default().to_owned()
}

/// A workload with this SPIFFE ID.
fn workload(authority: &Authority, id: &str) -> Workload {
    authority.workload(vec![SanType::URI(id.try_into().unwrap())])
}

async fn ask(mesh: &Mesh, client: &reqwest::Client, path: &str, token: Option<&str>) -> Answer {
    let mut request = client.get(format!("https://{}{path}", mesh.envoy_address));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    Answer::read(request.send().await).await
}

#[tokio::test]
async fn a_workload_is_who_its_certificate_says_and_a_token_bound_to_it_counts_with_it_alone() {
    let authority = Authority::generate();
    let mesh = Mesh::builder()
        .await
        .envoy(|envoy| authority.serve_tls(envoy, true))
        .sidecar(json!({
            "routes": [
                {
                    "name": "internal", "match": { "path": { "prefix": "/internal" } }, "accept": "mtls", "policy": "off",
                    "peer": { "trust_domains": ["prod.example"], "spiffe_ids": [WEB] },
                },
                { "name": "default", "policy": "off" },
            ],
        }))
        .start()
        .await;
    let web = workload(&authority, WEB);
    let cart = workload(&authority, CART).http;
    let stranger = workload(&authority, STRANGER).http;

    let answer = ask(&mesh, &web.http, "/internal", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB);
    assert_eq!(answer.upstream_header("x-postern-auth"), "mtls");
    for other in [&cart, &stranger] {
        let answer = ask(&mesh, other, "/internal", None).await;
        assert_eq!((answer.status, code(&answer).as_str()), (403, "peer_untrusted"));
    }

    let bound = token(&mesh, &json!({ "cnf": { "x5t#S256": web.thumbprint } }));
    let answer = ask(&mesh, &web.http, "/", Some(&bound)).await;
    assert_eq!(
        (answer.status, answer.upstream_header("x-postern-peer").as_str()),
        (200, WEB)
    );
    let same_name_other_key = workload(&authority, WEB).http;
    for thief in [&cart, &same_name_other_key, &authority.nobody()] {
        let answer = ask(&mesh, thief, "/", Some(&bound)).await;
        assert_eq!((answer.status, code(&answer).as_str()), (401, "invalid_token"));
    }
    assert!(mesh.sidecar_log().contains("token_binding_mismatch"));
}

#[tokio::test]
async fn what_is_wrong_is_not_taken_for_nothing_and_who_signed_in_too_long_ago_is_told_so() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({
            "routes": [
                {
                    "name": "pages", "match": { "path": { "prefix": "/pages" } }, "policy": "off",
                    "accept": { "any": ["jwt", "anonymous"] },
                },
                {
                    "name": "transfers", "match": { "path": { "prefix": "/transfers" } }, "policy": "off",
                    "step_up": { "acr_values": ["phr", "mfa"], "max_age_seconds": 300 },
                },
            ],
        }))
        .start()
        .await;
    let nobody = mesh.ask("GET", "/pages", &[]).await;
    assert_eq!(
        (nobody.status, nobody.upstream_header("x-postern-auth").as_str()),
        (200, "anonymous")
    );
    let expired = format!("Bearer {}", token(&mesh, &json!({ "exp": now(&mesh) - 60 })));
    let answer = mesh.ask("GET", "/pages", &[("authorization", &expired)]).await;
    assert_eq!((answer.status, code(&answer).as_str()), (401, "token_expired"));
    let answer = mesh
        .ask("GET", "/elsewhere", &[("authorization", &mesh.bearer())])
        .await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "no_route"));

    let weak = format!(
        "Bearer {}",
        token(&mesh, &json!({ "acr": "pwd", "auth_time": now(&mesh) }))
    );
    let answer = mesh.ask("GET", "/transfers", &[("authorization", &weak)]).await;
    assert_eq!(
        (answer.status, code(&answer).as_str()),
        (401, "insufficient_user_authentication")
    );
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_user_authentication\"")
            && challenge.ends_with("acr_values=\"phr mfa\", max_age=\"300\""),
        "{challenge}"
    );
    let strong = format!(
        "Bearer {}",
        token(&mesh, &json!({ "acr": "mfa", "auth_time": now(&mesh) }))
    );
    let answer = mesh.ask("GET", "/transfers", &[("authorization", &strong)]).await;
    assert_eq!(answer.status, 200);
}
