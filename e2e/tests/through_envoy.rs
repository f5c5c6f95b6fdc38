//! Requests through a real Envoy: who may pass, what the upstream learns, what the others are told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::sync::OnceLock;

use postern_e2e::stack::{Answer, Stack, TestIssuer};
use postern_jose::{Algorithm, Jwk, LocalSigner, Signer as _};
use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(token: &str, index: usize) -> Value {
    serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(token.split('.').nth(index).unwrap())
            .unwrap(),
    )
    .unwrap()
}

/// Signs exactly this header and payload.
fn signed(signer: &LocalSigner, header: &Value, payload: &Value) -> String {
    let input = format!("{}.{}", encoded(header), encoded(payload));
    let signature = signer.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_good_token_passes_and_the_upstream_learns_who_called() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let claims = decoded(&token, 1);
    let answer = stack.get("/orders", &token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.upstream_header("x-postern-subject"), claims["sub"]);
    assert_eq!(answer.upstream_header("x-postern-client"), claims["client_id"]);
    assert_eq!(answer.upstream_header("x-postern-scope"), "orders:read");
    assert_eq!(answer.upstream_header("x-postern-decision-id").len(), 36);
}

#[tokio::test]
async fn what_a_client_sends_under_our_names_never_arrives() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let authorization = format!("Bearer {token}");
    let answer = stack
        .ask(
            "GET",
            "/orders",
            &[
                ("authorization", &authorization),
                ("x-postern-subject", "root"),
                ("X-Postern-Subject", "admin"),
                ("x-postern-scope", "everything"),
                ("x-postern-decision-id", "mine"),
                ("x-postern-anything", "1"),
            ],
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut ours: Vec<_> = answer
        .upstream_header_names()
        .into_iter()
        .filter(|name| name.starts_with("x-postern-"))
        .collect();
    ours.sort();
    assert_eq!(
        ours,
        [
            "x-postern-auth",
            "x-postern-client",
            "x-postern-decision-id",
            "x-postern-route",
            "x-postern-scope",
            "x-postern-subject"
        ]
    );
    assert_eq!(
        answer.upstream_header("x-postern-subject"),
        decoded(&token, 1)["sub"]
    );
    assert_eq!(answer.upstream_header("x-postern-scope"), "orders:read");
    assert_ne!(answer.upstream_header("x-postern-decision-id"), "mine");
}

#[tokio::test]
async fn without_a_token_the_answer_is_401_with_a_challenge_and_a_problem_document() {
    let stack = Stack::start().await;
    let answer = stack.ask("GET", "/orders", &[]).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\""), "{challenge}");
    assert!(
        !challenge.contains("error="),
        "RFC 6750 §3.1: no error code where no token came: {challenge}"
    );
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    for member in ["type", "title", "status", "code", "correlation_id"] {
        assert!(problem.get(member).is_some(), "no {member}: {problem}");
    }
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(401), &json!("missing_token"))
    );
}

/// One way to spoil a token.
type Forgery = (&'static str, String);

fn forgeries(good: &str, public: &Jwk, attacker: &LocalSigner) -> Vec<Forgery> {
    let (header, claims) = (decoded(good, 0), decoded(good, 1));
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("no token: {good}")
    };
    let with = |value: &Value, member: &str, new: Value| {
        let mut value = value.clone();
        value[member] = new;
        value
    };
    let more = with(&claims, "scope", json!("orders:read orders:write"));
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let own_jwk: Value = Value::Object(attacker.public_jwk().to_object());
    let pem = public.to_spki_pem().unwrap();
    let der = STANDARD
        .decode(
            pem.lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>(),
        )
        .unwrap();
    let hmac = |key: &[u8]| {
        let input = format!(
            "{}.{}",
            encoded(&with(&header, "alg", json!("HS256"))),
            encoded(&claims)
        );
        format!(
            "{input}.{}",
            URL_SAFE_NO_PAD.encode(hmac_sha256(key, input.as_bytes()))
        )
    };
    vec![
        (
            "a changed payload",
            format!("{head}.{}.{signature}", encoded(&more)),
        ),
        (
            "a changed signature",
            format!("{head}.{payload}.{flipped}{}", &signature[1..]),
        ),
        ("no signature", format!("{head}.{payload}.")),
        (
            "alg none",
            format!("{}.{payload}.", encoded(&with(&header, "alg", json!("none")))),
        ),
        (
            "alg none, signature kept",
            format!(
                "{}.{payload}.{signature}",
                encoded(&with(&header, "alg", json!("none")))
            ),
        ),
        ("HS256 keyed with the public key, DER", hmac(&der)),
        (
            "HS256 keyed with the public key, PEM",
            hmac(pem.trim_end().as_bytes()),
        ),
        (
            "HS256 keyed with the public key, PEM and newline",
            hmac(format!("{}\n", pem.trim_end()).as_bytes()),
        ),
        (
            "an embedded jwk that signed it",
            signed(attacker, &with(&header, "jwk", own_jwk), &claims),
        ),
        (
            "somebody else's key under the real kid",
            signed(attacker, &header, &claims),
        ),
        (
            "an unknown kid",
            signed(attacker, &with(&header, "kid", json!("nobody's")), &claims),
        ),
        ("not a token", "abc".to_owned()),
    ]
}

/// HMAC-SHA-256 (RFC 2104), for forging only: the product has none.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
}

fn assert_refused(name: &str, answer: &Answer) {
    assert_eq!(answer.status, 401, "{name}: {answer:?}");
    assert!(
        answer
            .header("www-authenticate")
            .contains("error=\"invalid_token\""),
        "{name}: {answer:?}"
    );
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{name}"
    );
    assert!(answer.json()["correlation_id"].is_string(), "{name}: {answer:?}");
}

#[tokio::test]
async fn no_forged_token_passes() {
    let stack = Stack::start().await;
    let good = stack.token("reader").await;
    assert_eq!(
        stack.get("/orders", &good).await.status,
        200,
        "the good one passes"
    );
    let jwks = stack
        .fetch(&format!("{}/.well-known/jwks.json", stack.url("issuer")))
        .await
        .json();
    let public = Jwk::parse(&jwks["keys"][0].to_string()).unwrap();
    let attacker = LocalSigner::generate(Algorithm::ES256).unwrap();
    for (name, token) in forgeries(&good, &public, &attacker) {
        assert_refused(name, &stack.get("/orders", &token).await);
    }
    let huge = stack.get("/orders", &"a".repeat(20_480)).await;
    assert_refused("20 KiB of token", &huge);
    assert_eq!(
        stack.get("/orders", &good).await.status,
        200,
        "the good one still passes"
    );
}

#[tokio::test]
async fn a_token_that_a_trusted_key_signed_must_still_be_current_and_meant_for_us() {
    let mut stack = Stack::start().await;
    let issuer = TestIssuer::start().await;
    let audience = "urn:tests";
    stack.trust(&issuer, audience).await;
    let good = issuer.claims(audience);
    assert_eq!(
        stack.get("/orders", &issuer.sign(&good)).await.status,
        200,
        "an unspoilt one passes"
    );

    let iat = good["iat"].as_i64().unwrap();
    let spoilt = |spoil: &dyn Fn(&mut Value)| {
        let mut claims = good.clone();
        spoil(&mut claims);
        issuer.sign(&claims)
    };
    for (name, token) in [
        ("expired", spoilt(&|claims| claims["exp"] = json!(iat - 60))),
        (
            "not yet valid",
            spoilt(&|claims| claims["nbf"] = json!(iat + 3_600)),
        ),
        (
            "without exp",
            spoilt(&|claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ),
        (
            "another audience",
            spoilt(&|claims| claims["aud"] = json!("urn:others")),
        ),
        (
            "the audience of another issuer",
            spoilt(&|claims| claims["aud"] = stack_audience()),
        ),
        (
            "without an audience",
            spoilt(&|claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
        ),
        (
            "an unknown issuer",
            spoilt(&|claims| claims["iss"] = json!("https://issuer.example")),
        ),
        (
            "the name of another issuer",
            spoilt(&|claims| claims["iss"] = stack.info["issuer"].clone()),
        ),
        ("an ID token's type", issuer.sign_typed("JWT", &good)),
    ] {
        assert_refused(name, &stack.get("/orders", &token).await);
    }
}

/// The audience that the demo's own issuer is trusted for.
fn stack_audience() -> Value {
    static AUDIENCE: OnceLock<Value> = OnceLock::new();
    AUDIENCE.get_or_init(|| json!("urn:postern:demo")).clone()
}

#[tokio::test]
async fn a_valid_token_without_the_scope_is_told_which_one_is_missing() {
    let stack = Stack::start().await;
    let (reader, writer) = (stack.token("reader").await, stack.token("writer").await);
    let bearer = |token: &str| format!("Bearer {token}");
    let refused = stack
        .ask("POST", "/orders", &[("authorization", &bearer(&reader))])
        .await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"orders:write\""), "{challenge}");
    let problem = refused.json();
    assert_eq!(problem["code"], "insufficient_scope");
    assert_eq!(
        problem["decision_id"].as_str().map(str::len),
        Some(36),
        "{problem}"
    );
    assert_eq!(
        stack
            .ask("POST", "/orders", &[("authorization", &bearer(&writer))])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_repeated_authorization_header_is_refused_and_not_chosen_from() {
    let stack = Stack::start().await;
    let token = stack.token("reader").await;
    let good = format!("Bearer {token}");
    for pair in [[good.as_str(), "Bearer other"], ["Bearer other", good.as_str()]] {
        let headers = [("authorization", pair[0]), ("authorization", pair[1])];
        let answer = stack.ask("GET", "/orders", &headers).await;
        assert_refused("two Authorization headers", &answer);
    }
}
