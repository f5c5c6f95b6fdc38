//! A client registers, gets a token, and whoever has the published keys can verify it.

use postern_jose::{Algorithm, CompactRef, Expectations, JwkSet, KeySet, TokenRef, UnixTime, verify};
use postern_proto::identity::v1::CreateClientRequest;

use crate::support::{House, json};

#[tokio::test]
async fn a_token_of_a_registered_client_verifies_with_the_published_keys() {
    let house = House::new();
    let plane = house.start();
    let secret = plane.reader().await;
    let (status, answer) = plane
        .token("reader", &secret, "grant_type=client_credentials")
        .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 900);
    assert_eq!(answer["scope"], "orders:read");

    let metadata = json(
        plane
            .get("/.well-known/oauth-authorization-server")
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(metadata["issuer"], "https://auth.example.com");
    let jwks = plane
        .get("/.well-known/jwks.json")
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let jwks = JwkSet::parse(&jwks).unwrap();
    let expectations = Expectations {
        issuer: "https://auth.example.com".into(),
        audiences: vec!["urn:postern:demo".into()],
        algorithms: vec![Algorithm::ES256],
        types: vec!["at+jwt".into()],
        leeway_seconds: 0,
        required_claims: ["sub", "client_id", "scope", "iat", "jti"]
            .map(String::from)
            .to_vec(),
    };
    let token = TokenRef::parse(answer["access_token"].as_str().unwrap()).unwrap();
    let keys = KeySet::from_jwks(&jwks);
    assert!(
        verify(&token, &keys, &expectations, UnixTime(0)).is_err(),
        "not valid before it was issued"
    );
    // The process has a clock of its own; the token says what it showed.
    let unverified = CompactRef::parse(answer["access_token"].as_str().unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(unverified.unverified_payload()).unwrap();
    let iat = claims["iat"].as_i64().unwrap();
    let verified = verify(&token, &keys, &expectations, UnixTime(iat)).unwrap();
    assert_eq!(verified.subject(), Some("reader"));
    assert_eq!(verified.client_id(), Some("reader"));
    assert_eq!(verified.claims()["aud"], "urn:postern:demo");
    assert_eq!(verified.expires_at(), UnixTime(iat + 900));
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    let house = House::new();
    let plane = house.start();
    plane.reader().await;
    let wrong = plane
        .token("reader", "wrong", "grant_type=client_credentials")
        .await;
    let unknown = plane
        .token("nobody", "wrong", "grant_type=client_credentials")
        .await;
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong.1["error"], "invalid_client");
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn more_scope_than_registered_is_refused() {
    let house = House::new();
    let plane = house.start();
    let secret = plane.reader().await;
    let form = "grant_type=client_credentials&scope=orders%3Aread+orders%3Awrite";
    let (status, answer) = plane.token("reader", &secret, form).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_scope")));
}

#[tokio::test]
async fn documents_are_cacheable_and_304_for_whoever_has_them() {
    let house = House::new();
    let plane = house.start();
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let full = plane.get(path).send().await.unwrap();
        assert_eq!(full.status(), 200);
        assert!(
            full.headers()["cache-control"]
                .to_str()
                .unwrap()
                .starts_with("public, max-age=")
        );
        let etag = full.headers()["etag"].to_str().unwrap().to_owned();
        for tag in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let answer = plane
                .get(path)
                .header("if-none-match", &tag)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 304, "{tag}");
            assert_eq!(answer.headers()["etag"], etag.as_str());
        }
        let other = plane
            .get(path)
            .header("if-none-match", "\"x\"")
            .send()
            .await
            .unwrap();
        assert_eq!(other.status(), 200);
        let head = reqwest::Client::new()
            .head(format!("{}{path}", plane.http))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (head.status().as_u16(), head.headers()["etag"].to_str().unwrap()),
            (200, etag.as_str())
        );
    }
    let jwks = json(plane.get("/.well-known/jwks.json").send().await.unwrap()).await;
    for key in jwks["keys"].as_array().unwrap() {
        assert_eq!(key.get("d"), None);
        assert!(key["kid"].is_string() && key["alg"] == "ES256", "{key}");
    }
}

#[tokio::test]
async fn a_client_that_is_wrong_or_taken_is_refused_with_its_fields() {
    use tonic_types::StatusExt;
    let house = House::new();
    let plane = house.start();
    plane.reader().await;
    let taken = CreateClientRequest {
        client_id: "reader".into(),
        name: "Again".into(),
        audience: vec!["urn:x".into()],
        ..CreateClientRequest::default()
    };
    let status = plane.create_client(taken).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::AlreadyExists);
    let status = plane
        .create_client(CreateClientRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let details = status.get_error_details();
    let fields: Vec<_> = details
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["name", "audience"]);
    assert_eq!(details.error_info().unwrap().domain, "postern");
    assert!(!details.request_info().unwrap().request_id.is_empty());
}
