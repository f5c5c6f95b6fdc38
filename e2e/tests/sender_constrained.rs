//! Tokens bound to a client's key (DPoP, RFC 9449), through a real Envoy: a proof counts once, for one request, for one token
//! and one key, whatever the request says of its own host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use aws_lc_rs::digest::{SHA256, digest};
use postern_e2e::stack::{AUDIENCE, Answer, Mesh, Stack, TestIssuer, wait_until};
use postern_jose::{Algorithm, LocalSigner, Signer, base64url};
use serde_json::{Value, json};

const ORIGIN: &str = "https://api.example";

/// A client: its key, and a token that is bound to it.
struct Client {
    key: LocalSigner,
    token: String,
    now: i64,
}

impl Client {
    fn new(issuer: &TestIssuer, audience: &str) -> Self {
        let key = LocalSigner::generate(Algorithm::ES256).unwrap();
        let mut claims = issuer.claims(audience);
        claims["cnf"] = json!({ "jkt": key.public_jwk().thumbprint() });
        Self {
            token: issuer.sign(&claims),
            now: claims["iat"].as_i64().unwrap(),
            key,
        }
    }

    /// The claims of a good proof for `GET <ORIGIN>/orders`; tests spoil them.
    fn claims(&self, jti: &str) -> Value {
        json!({
            "jti": jti, "htm": "GET", "htu": format!("{ORIGIN}/orders"), "iat": self.now,
            "ath": sha256(&self.token),
        })
    }

    fn sign(&self, claims: &Value) -> String {
        let mut jwk = self.key.public_jwk().to_object();
        jwk.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let input = [&header, claims]
            .map(|part| base64url::encode(part.to_string().as_bytes()))
            .join(".");
        let signature = self.key.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }
}

fn sha256(text: &str) -> String {
    base64url::encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// `GET /orders?page=2` with this token and proof, and further headers.
async fn ask(mesh: &Mesh, token: &str, proof: &str, more: &[(&str, &str)]) -> Answer {
    let authorization = format!("DPoP {token}");
    let headers = [
        [("authorization", authorization.as_str()), ("dpop", proof)].as_slice(),
        more,
    ]
    .concat();
    mesh.ask("GET", "/orders?page=2", &headers).await
}

fn said(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

async fn mesh() -> Mesh {
    let route = json!({ "name": "api", "public_origin": ORIGIN, "policy": "off" });
    Mesh::builder()
        .await
        .sidecar(json!({ "routes": [route] }))
        .start()
        .await
}

#[tokio::test]
async fn a_proof_counts_for_its_own_request_token_and_time_alone() {
    let mesh = mesh().await;
    let client = Client::new(&mesh.issuer, AUDIENCE);
    let good = client.sign(&client.claims("good"));
    let answer = ask(&mesh, &client.token, &good, &[]).await;
    assert_eq!(
        (
            answer.status,
            answer.upstream_header("x-postern-subject").as_str()
        ),
        (200, "tester")
    );
    let again = ask(&mesh, &client.token, &good, &[]).await;
    assert_eq!(said(&again), (401, "dpop_proof_replayed".to_owned()));

    let other = Client::new(&mesh.issuer, AUDIENCE);
    for (member, value) in [
        ("htm", json!("POST")),
        ("htu", json!(format!("{ORIGIN}/orders/1"))),
        ("htu", json!("https://evil.example/orders")),
        ("htu", json!("http://api.example/orders")),
        ("htu", Value::Null),
        ("ath", json!(sha256(&other.token))),
        ("ath", Value::Null),
        ("iat", json!(client.now - 1000)),
        ("iat", json!(client.now + 1000)),
        ("jti", Value::Null),
    ] {
        let mut claims = client.claims(&format!("{member} {value}"));
        claims[member] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(member);
        }
        let answer = ask(&mesh, &client.token, &client.sign(&claims), &[]).await;
        assert_eq!(
            said(&answer),
            (401, "dpop_proof_invalid".to_owned()),
            "{member} {value}"
        );
    }
    let last = client.sign(&client.claims("after all that"));
    assert_eq!(ask(&mesh, &client.token, &last, &[]).await.status, 200);
}

#[tokio::test]
async fn a_bound_token_is_useless_without_its_key_or_as_a_bearer_token() {
    let mesh = mesh().await;
    let client = Client::new(&mesh.issuer, AUDIENCE);
    let thief = Client::new(&mesh.issuer, AUDIENCE);
    let mut claims = thief.claims("1");
    claims["ath"] = json!(sha256(&client.token));
    let answer = ask(&mesh, &client.token, &thief.sign(&claims), &[]).await;
    assert_eq!(said(&answer), (401, "invalid_token".to_owned()));
    assert!(mesh.sidecar_log().contains("token_binding_mismatch"));

    let dpop = format!("DPoP {}", client.token);
    let without = mesh.ask("GET", "/orders", &[("authorization", &dpop)]).await;
    assert_eq!(said(&without), (401, "dpop_proof_missing".to_owned()));

    let bearer = format!("Bearer {}", client.token);
    let proof = client.sign(&client.claims("2"));
    for headers in [
        &[("authorization", bearer.as_str())][..],
        &[("authorization", bearer.as_str()), ("dpop", proof.as_str())],
    ] {
        let answer = mesh.ask("GET", "/orders", headers).await;
        assert_eq!(said(&answer), (401, "invalid_token".to_owned()), "{headers:?}");
    }
    assert_eq!(
        ask(&mesh, &client.token, &proof, &[]).await.status,
        200,
        "what was refused before its proof was looked at has used up none"
    );
}

#[tokio::test]
async fn what_a_request_says_of_its_own_origin_changes_nothing() {
    let mesh = mesh().await;
    let client = Client::new(&mesh.issuer, AUDIENCE);
    let forged = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("host", "evil.example"),
    ];
    let mut claims = client.claims("1");
    let good = client.sign(&claims);
    claims["jti"] = json!("2");
    claims["htu"] = json!("https://evil.example/orders");
    let stolen = client.sign(&claims);
    let answer = ask(&mesh, &client.token, &stolen, &forged).await;
    assert_eq!(said(&answer), (401, "dpop_proof_invalid".to_owned()));
    assert_eq!(ask(&mesh, &client.token, &good, &forged).await.status, 200);
}

#[tokio::test]
async fn a_route_with_nonces_hands_one_out_and_takes_it() {
    let mut stack = Stack::start().await;
    let issuer = TestIssuer::start().await;
    let audience = "urn:postern:demo";
    stack.trust(&issuer, audience).await;
    stack.reconfigure(|config| {
        config["routes"] = json!([{
            "name": "api", "public_origin": ORIGIN, "policy": "off", "dpop": { "nonce": true, "required": true },
        }]);
    });
    let client = Client::new(&issuer, audience);
    let authorization = format!("DPoP {}", client.token);
    let ask = async |claims: &Value| {
        let proof = client.sign(claims);
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", proof.as_str()),
        ];
        stack.ask("GET", "/orders", &headers).await
    };
    wait_until("the route counts", std::time::Duration::from_secs(10), || async {
        let answer = ask(&client.claims("asking")).await;
        !answer.header("dpop-nonce").is_empty()
    })
    .await;
    let answer = ask(&client.claims("1")).await;
    assert_eq!(said(&answer), (401, "use_dpop_nonce".to_owned()));
    assert!(
        answer
            .header("www-authenticate")
            .contains("error=\"use_dpop_nonce\""),
        "{answer:?}"
    );
    let nonce = answer.header("dpop-nonce").to_owned();
    let with_nonce = |jti: &str, nonce: &str| {
        let mut claims = client.claims(jti);
        claims["nonce"] = json!(nonce);
        claims
    };
    let answer = ask(&with_nonce("2", "made-up")).await;
    assert_eq!(said(&answer), (401, "use_dpop_nonce".to_owned()));
    let answer = ask(&with_nonce("3", &nonce)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        !answer.header("dpop-nonce").is_empty(),
        "one for the next request"
    );
    let bearer = stack.token("reader").await;
    assert_eq!(
        stack.get("/orders", &bearer).await.status,
        401,
        "the route wants bound tokens"
    );
}
