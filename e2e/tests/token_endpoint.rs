//! An application gets a token, and anybody the keys that verify it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_e2e::stack::{Answer, Client, Options, Stack};
use serde_json::Value;

async fn stack() -> Stack {
    Stack::start_with(Options {
        without_envoy: true,
        ..Options::default()
    })
    .await
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn client_credentials_give_an_access_token_as_rfc_9068_has_it() {
    let stack = stack().await;
    let reader = stack.client("reader");
    let answer = stack.token_answer(&reader, "grant_type=client_credentials").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "orders:read");

    let token = body["access_token"].as_str().unwrap();
    let (header, claims) = (part(token, 0), part(token, 1));
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&"at+jwt".into(), &"ES256".into())
    );
    assert_eq!(claims["iss"], stack.info["issuer"]);
    assert_eq!(claims["client_id"], reader.client_id.as_str());
    assert_eq!(
        claims["sub"],
        reader.client_id.as_str(),
        "the client itself, where no user is involved"
    );
    assert_eq!(claims["scope"], "orders:read");
    assert!(claims["aud"].is_string() || claims["aud"].is_array());
    assert!(claims["jti"].as_str().unwrap().len() >= 16);
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(Some(lifetime), body["expires_in"].as_i64());

    let keys = stack
        .fetch(&format!("{}/.well-known/jwks.json", stack.url("issuer")))
        .await
        .json();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"]);
    assert!(
        key.is_some_and(|key| key.get("d").is_none()),
        "the key is published, its private half is not: {keys}"
    );
}

#[tokio::test]
async fn a_client_gets_the_scopes_it_asks_for_and_none_that_it_does_not_have() {
    let stack = stack().await;
    let writer = stack.client("writer");
    let narrow = stack
        .token_answer(&writer, "grant_type=client_credentials&scope=orders%3Awrite")
        .await;
    assert_eq!(narrow.json()["scope"], "orders:write");
    let reader = stack.client("reader");
    let wide = stack
        .token_answer(&reader, "grant_type=client_credentials&scope=orders%3Awrite")
        .await;
    assert_eq!(
        (wide.status, wide.json()["error"].as_str()),
        (400, Some("invalid_scope")),
        "{wide:?}"
    );
}

#[tokio::test]
async fn a_refused_request_says_why_in_oauths_words() {
    let stack = stack().await;
    let reader = stack.client("reader");
    let wrong = Client {
        client_secret: "x".repeat(43),
        ..reader.clone()
    };
    let unknown = Client {
        client_id: "nobody".to_owned(),
        ..wrong.clone()
    };
    for (client, form, status, error) in [
        (&wrong, "grant_type=client_credentials", 401, "invalid_client"),
        (&unknown, "grant_type=client_credentials", 401, "invalid_client"),
        (&reader, "grant_type=password", 400, "unsupported_grant_type"),
        (&reader, "", 400, "invalid_request"),
        (
            &reader,
            "grant_type=client_credentials&grant_type=client_credentials",
            400,
            "invalid_request",
        ),
        (
            &reader,
            "grant_type=client_credentials&scope=a&scope=b",
            400,
            "invalid_request",
        ),
    ] {
        let answer = stack.token_answer(client, form).await;
        assert_eq!(answer.status, status, "{form}: {answer:?}");
        assert_eq!(answer.json()["error"], error, "{form}: {answer:?}");
        assert!(
            answer.header("cache-control").contains("no-store"),
            "{form}: {answer:?}"
        );
    }
    let (wrong, unknown) = (
        stack.token_answer(&wrong, "grant_type=client_credentials").await,
        stack
            .token_answer(&unknown, "grant_type=client_credentials")
            .await,
    );
    assert_eq!(
        wrong.body, unknown.body,
        "whether a client exists is nobody's business"
    );
    assert!(
        wrong.header("www-authenticate").starts_with("Basic"),
        "RFC 6749 §5.2: {wrong:?}"
    );
}

#[tokio::test]
async fn keys_and_metadata_can_be_cached() {
    let stack = stack().await;
    let issuer = stack.url("issuer");
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let url = format!("{issuer}{path}");
        let first = stack.fetch(&url).await;
        assert_eq!(first.status, 200, "{path}: {first:?}");
        assert!(
            first.header("cache-control").contains("max-age"),
            "{path}: {first:?}"
        );
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{path}: {first:?}");
        let again = Answer::read(stack.http.get(&url).header("if-none-match", &tag).send().await).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let other = Answer::read(
            stack
                .http
                .get(&url)
                .header("if-none-match", "\"other\"")
                .send()
                .await,
        )
        .await;
        assert_eq!(other.status, 200, "{path}");
    }
    let metadata = stack
        .fetch(&format!("{issuer}/.well-known/oauth-authorization-server"))
        .await
        .json();
    assert_eq!(metadata["issuer"], issuer.as_str());
    assert_eq!(metadata["token_endpoint"], format!("{issuer}/oauth2/token"));
    assert_eq!(metadata["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
}
