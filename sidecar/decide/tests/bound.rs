//! Tokens that are bound to a key: useless without it, whoever has stolen them (RFC 9449, RFC 8705).

#[cfg(test)]
mod world;

use std::sync::Arc;

use postern_decide::dpop::{NonceKey, NonceKeys};
use postern_decide::{Binding, Decision};
use postern_jose::{Algorithm, LocalSigner, Signer, UnixTime, base64url};
use postern_telemetry::Code;
use serde_json::{Value as Json, json};
use world::{NOW, World, allowed, certificate, denied, header, sha256};

const ORIGIN: &str = "https://api.example";
const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";

/// A client with its key.
#[cfg(test)]
struct Client(LocalSigner);

#[cfg(test)]
impl Client {
    fn new() -> Self {
        Self(LocalSigner::generate(Algorithm::ES256).unwrap())
    }

    /// A token that is bound to the client's key.
    fn token(&self, world: &World) -> String {
        world.token(&json!({ "cnf": { "jkt": self.0.public_jwk().thumbprint() } }))
    }

    /// A proof for `GET https://api.example/orders` with this token, with claims over the usual ones.
    fn proof(&self, token: &str, jti: &str, claims: &Json) -> String {
        let mut jwk = self.0.public_jwk().to_object();
        jwk.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut payload = json!({
            "jti": jti, "htm": "GET", "htu": "https://api.example/orders", "iat": NOW.0,
            "ath": base64url::encode(&sha256(token.as_bytes())),
        });
        payload
            .as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        let parts = [header, payload].map(|part| base64url::encode(part.to_string().as_bytes()));
        let input = parts.join(".");
        let signature = self.0.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(&signature))
    }
}

#[cfg(test)]
fn world() -> World {
    World::allowing().where_route(|route| route.public_origin = Some(Arc::from(ORIGIN)))
}

#[cfg(test)]
fn send(world: &World, scheme: &str, token: &str, proof: Option<&str>) -> Decision {
    let authorization = format!("{scheme} {token}");
    let mut headers = vec![("authorization", authorization.as_str())];
    headers.extend(proof.map(|proof| ("dpop", proof)));
    world.ask_with(&headers)
}

#[cfg(test)]
fn challenges(decision: &Decision) -> Vec<&str> {
    denied(decision)
        .headers
        .iter()
        .filter(|header| header.name() == "www-authenticate")
        .map(postern_decide::Header::value)
        .collect()
}

#[test]
fn a_proof_of_the_tokens_key_proves_its_sender_once() {
    let (world, client) = (world(), Client::new());
    let token = client.token(&world);
    let proof = client.proof(&token, "1", &json!({}));
    let decision = send(&world, "DPoP", &token, Some(&proof));
    assert!(decision.record.allowed, "{:?}", decision.record);
    assert_eq!(decision.record.binding, Binding::Dpop);
    let again = send(&world, "DPoP", &token, Some(&proof));
    assert_eq!(again.record.code, Some(Code::DpopProofReplayed));
    assert!(again.record.token_cached);
    let next = client.proof(&token, "2", &json!({}));
    assert!(send(&world, "dpop", &token, Some(&next)).record.allowed);
}

#[test]
fn a_bound_token_sent_as_bearer_is_refused_with_or_without_a_proof() {
    let (world, client) = (world(), Client::new());
    let token = client.token(&world);
    let proof = client.proof(&token, "1", &json!({}));
    for proof in [None, Some(proof.as_str())] {
        let decision = send(&world, "Bearer", &token, proof);
        assert_eq!(decision.record.code, Some(Code::TokenBindingRequired));
        assert_eq!(denied(&decision).status, 401);
        let challenges = challenges(&decision);
        assert!(
            challenges[0].starts_with("Bearer realm=\"postern\", error=\"invalid_token\""),
            "{challenges:?}"
        );
        assert!(
            challenges[1].starts_with("DPoP realm=\"postern\", algs=\"") && challenges[1].contains("ES256")
        );
    }
    // The proof wasn't used up by that.
    assert!(send(&world, "DPoP", &token, Some(&proof)).record.allowed);
}

#[test]
fn each_wrong_proof_is_refused_by_its_own_code() {
    let (world, client) = (world(), Client::new());
    let token = client.token(&world);
    let check = |proof: Option<&str>, expected: Code, error: &str| {
        let decision = send(&world, "DPoP", &token, proof);
        assert_eq!(decision.record.code, Some(expected), "{:?}", decision.record);
        assert_eq!(denied(&decision).status, 401);
        let challenges = challenges(&decision);
        assert_eq!(challenges[0], "Bearer realm=\"postern\"");
        let expected = format!("DPoP realm=\"postern\", error=\"{error}\"");
        assert!(challenges[1].starts_with(&expected), "{challenges:?}");
    };
    check(None, Code::DpopProofMissing, "invalid_dpop_proof");
    check(Some("a.b.c"), Code::DpopProofInvalid, "invalid_dpop_proof");
    for claims in [
        json!({ "htm": "POST" }),
        json!({ "htu": "https://api.example/other" }),
        json!({ "htu": "http://api.example/orders" }),
        json!({ "iat": NOW.0 - 61 }),
        json!({ "iat": NOW.0 + 61 }),
        json!({ "ath": base64url::encode(&sha256(b"another token")) }),
    ] {
        let proof = client.proof(&token, "1", &claims);
        check(Some(&proof), Code::DpopProofInvalid, "invalid_dpop_proof");
    }
    let thief = Client::new().proof(&token, "1", &json!({}));
    check(Some(&thief), Code::TokenBindingMismatch, "invalid_token");
    let good = client.proof(&token, "1", &json!({}));
    assert!(send(&world, "DPoP", &token, Some(&good)).record.allowed);
}

#[test]
fn a_token_that_is_not_bound_does_not_pass_for_one() {
    let (world, client) = (world(), Client::new());
    let token = world.token(&json!({}));
    let proof = client.proof(&token, "1", &json!({}));
    let decision = send(&world, "DPoP", &token, Some(&proof));
    assert_eq!(decision.record.code, Some(Code::TokenBindingMismatch));
    assert!(send(&world, "Bearer", &token, None).record.allowed);

    let world = world.where_route(|route| {
        route.public_origin = Some(Arc::from(ORIGIN));
        route.dpop.required = true;
    });
    let decision = send(&world, "Bearer", &token, None);
    assert_eq!(decision.record.code, Some(Code::TokenBindingMismatch));
    let challenges = challenges(&decision);
    assert_eq!(challenges.len(), 1, "{challenges:?}");
    assert!(challenges[0].starts_with("DPoP realm=\"postern\", error=\"invalid_token\""));
}

#[test]
fn without_a_public_origin_no_proof_can_be_checked_and_none_counts() {
    let (world, client) = (World::allowing(), Client::new());
    let token = client.token(&world);
    let proof = client.proof(&token, "1", &json!({}));
    assert_eq!(
        send(&world, "DPoP", &token, Some(&proof)).record.code,
        Some(Code::DpopProofInvalid)
    );
    assert_eq!(
        send(&world, "Bearer", &token, None).record.code,
        Some(Code::TokenBindingRequired)
    );
}

#[test]
fn a_nonce_is_asked_for_taken_and_renewed() {
    let client = Client::new();
    let mut world = world().where_route(|route| {
        route.public_origin = Some(Arc::from(ORIGIN));
        route.dpop.nonce = true;
    });
    let token = client.token(&world);
    let without = client.proof(&token, "1", &json!({}));
    // No key, no nonce: nothing counts.
    let decision = send(&world, "DPoP", &token, Some(&without));
    assert_eq!(decision.record.code, Some(Code::KeysUnavailable));

    let keys = NonceKeys::new([NonceKey::new(&[7; 32], UnixTime(0), UnixTime(i64::MAX))]);
    world.snapshot = world.snapshot.with_nonce_keys(Arc::new(keys));
    let asked = send(&world, "DPoP", &token, Some(&without));
    assert_eq!(asked.record.code, Some(Code::UseDpopNonce));
    assert!(challenges(&asked)[1].contains("error=\"use_dpop_nonce\""));
    let nonce = header(&denied(&asked).headers, "dpop-nonce").unwrap();

    let with = client.proof(&token, "1", &json!({ "nonce": nonce }));
    let taken = send(&world, "DPoP", &token, Some(&with));
    assert!(taken.record.allowed, "{:?}", taken.record);
    let renewed = header(&allowed(&taken).response_set, "dpop-nonce").unwrap();
    let next = client.proof(&token, "2", &json!({ "nonce": renewed }));
    assert!(send(&world, "DPoP", &token, Some(&next)).record.allowed);
    let made_up = client.proof(&token, "3", &json!({ "nonce": "A".repeat(54) }));
    assert_eq!(
        send(&world, "DPoP", &token, Some(&made_up)).record.code,
        Some(Code::UseDpopNonce)
    );
    // A token that isn't bound has nothing to do with it.
    assert!(
        send(&world, "Bearer", &world.token(&json!({})), None)
            .record
            .allowed
    );
}

#[test]
fn a_token_bound_to_a_certificate_counts_with_that_certificate_alone() {
    let world = World::allowing();
    let (ours, thumbprint) = certificate(WEB);
    let (other, _) = certificate(WEB);
    let token = world.token(&json!({ "cnf": { "x5t#S256": thumbprint } }));
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let decision = world.ask_from(&ours, &headers);
    assert!(decision.record.allowed, "{:?}", decision.record);
    assert_eq!(decision.record.binding, Binding::Mtls);
    // The same workload with another certificate is another key.
    assert_eq!(
        world.ask_from(&other, &headers).record.code,
        Some(Code::TokenBindingMismatch)
    );
    assert_eq!(
        world.ask_from("", &headers).record.code,
        Some(Code::TokenBindingRequired)
    );
    assert_eq!(
        world.ask_with(&headers).record.code,
        Some(Code::TokenBindingRequired)
    );
    assert!(world.ask_from(&ours, &headers).record.allowed);
}

#[test]
fn a_token_bound_to_both_needs_both() {
    let (world, client) = (world(), Client::new());
    let (ours, thumbprint) = certificate(WEB);
    let jkt = client.0.public_jwk().thumbprint();
    let token = world.token(&json!({ "cnf": { "jkt": jkt, "x5t#S256": thumbprint } }));
    let dpop = format!("DPoP {token}");
    let proof = client.proof(&token, "1", &json!({}));
    let headers = [("authorization", dpop.as_str()), ("dpop", proof.as_str())];
    assert_eq!(
        world.ask_with(&headers).record.code,
        Some(Code::TokenBindingRequired)
    );
    let decision = world.ask_from(&ours, &headers);
    assert_eq!(
        decision.record.binding,
        Binding::DpopAndMtls,
        "{:?}",
        decision.record
    );
    assert_eq!(
        world.ask_from(&ours, &headers[..1]).record.code,
        Some(Code::DpopProofMissing)
    );
}

#[test]
fn a_token_bound_in_a_way_that_is_not_known_here_is_refused() {
    let world = World::allowing();
    let digest = base64url::encode(&[0; 32]);
    for (cnf, expected) in [
        (json!({ "jwk": {} }), Code::TokenBindingRequired),
        (json!({ "kid": "x" }), Code::TokenBindingRequired),
        (
            json!({ "x5t#S256": digest, "osc": {} }),
            Code::TokenBindingRequired,
        ),
        (json!({}), Code::TokenMalformed),
        (json!("jkt"), Code::TokenMalformed),
        (json!({ "jkt": "short" }), Code::TokenMalformed),
    ] {
        let token = world.token(&json!({ "cnf": cnf }));
        assert_eq!(world.ask(&token, &[]).record.code, Some(expected), "{cnf}");
    }
}
