//! Tokens of a token endpoint: what is sent there, and that the token goes along.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::{Value as Json, json};

use super::authority::Authority;
use super::recorder::{Answer, Came, Recorder, Speaks};
use super::{both, comparable};

/// A token endpoint and a service in one.
fn answer(came: &Came) -> Answer {
    let token = json!({ "access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600 });
    let body = if came.target == "/token" { token } else { json!({}) };
    (200, Vec::new(), body.to_string())
}

/// A form; the parts of an assertion, without what is of the moment, stand in its place.
fn form(body: &[u8], algorithm: &str, secret: Option<&[u8]>) -> BTreeMap<String, Json> {
    let url = reqwest::Url::parse(&format!("http://form/?{}", std::str::from_utf8(body).unwrap())).unwrap();
    let pairs = url.query_pairs().map(|(name, value)| {
        let value = match name.as_ref() {
            "assertion" | "client_assertion" if value.matches('.').count() == 2 => {
                assertion(&value, algorithm, secret)
            }
            _ => Json::from(value.as_ref()),
        };
        (name.into_owned(), value)
    });
    pairs.collect()
}

fn assertion(token: &str, algorithm: &str, secret: Option<&[u8]>) -> Json {
    let parts: Vec<&str> = token.split('.').collect();
    let read =
        |part: &str| -> Json { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let (header, mut claims) = (read(parts[0]), read(parts[1]));
    assert_eq!(header["alg"], algorithm);
    if let Some(secret) = secret {
        let key = hmac::Key::new(hmac::HMAC_SHA384, secret);
        let (text, signature) = token.rsplit_once('.').unwrap();
        hmac::verify(&key, text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    if let Some(id) = claims.get_mut("jti") {
        assert_eq!(id.as_str().unwrap().len(), 36);
        *id = "an id".into();
    }
    claims["iat"] = 0.into();
    claims["exp"] = lifetime.into();
    json!([header, claims])
}

#[tokio::test]
async fn tokens_are_asked_for_as_opa_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let recorder = Recorder::start(Speaks::Tls(authority.acceptor("localhost", false)), answer).await;
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let file = folder.path().join("assertion");
    std::fs::write(&file, "an assertion\n").unwrap();
    let keys = json!({
        "rsa": { "algorithm": "PS256", "private_key": KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem() },
        "ec": { "algorithm": "ES256", "private_key": KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem() },
        "mac": { "algorithm": "HS384", "private_key": "a secret" },
    });
    let cases = [
        (
            json!({ "client_id": "c&d", "client_secret": "s:3=/", "scopes": ["a", "b c"] }),
            "",
        ),
        (
            json!({
                "client_id": "c", "client_secret": "s", "additional_headers": { "X-A": "1", "content-type": "x/y" },
                "additional_parameters": { "resource": "https://a/?b=c d", "grant_type": "other", "scope": "z" },
                "scopes": ["a"]
            }),
            "",
        ),
        (json!({ "client_id": "c", "client_assertion": "given" }), ""),
        (
            json!({ "client_id": "c", "client_assertion_path": file, "client_assertion_type": "urn:x" }),
            "",
        ),
        (
            json!({ "signing_key": "mac", "include_jti_claim": true, "scopes": ["a", "b"] }),
            "HS384",
        ),
        (
            json!({
                "client_id": "c", "signing_key": "rsa", "thumbprint": "8F1BDDDE9982299E62749C20EDDBAAC57F619D04",
                "additional_claims": { "iss": "<me>", "aud": ["b", "a"], "n": 1.50, "scope": "theirs", "exp": 5 }
            }),
            "PS256",
        ),
        (
            json!({
                "grant_type": "jwt_bearer", "signing_key": "ec", "scopes": ["s"],
                "additional_claims": { "sub": "me", "deep": { "x": null } }
            }),
            "ES256",
        ),
    ];
    for (mut oauth2, algorithm) in cases {
        oauth2["token_url"] = format!("https://localhost:{}/token", recorder.port).into();
        let config = json!({
            "keys": keys,
            "services": { "s": {
                "url": format!("https://localhost:{}", recorder.port),
                "tls": { "ca_cert": ca },
                "credentials": { "oauth2": oauth2 },
            } },
            "status": { "service": "s" },
        });
        let secret = (algorithm == "HS384").then_some(&b"a secret"[..]);
        let came = both(folder.path(), &config.to_string(), &[], &recorder).await;
        let [opa, ours] = came.map(|came| {
            let status = came.iter().position(|came| came.target == "/status").unwrap();
            let sent = came.iter().take(status + 1).map(|came| {
                let mut came = comparable(came);
                let form = (came.target == "/token").then(|| form(&came.body, algorithm, secret));
                came.body.clear();
                (came, form)
            });
            sent.collect::<Vec<_>>()
        });
        assert_eq!(ours, opa, "{config}");
        let (status, _) = ours.last().unwrap();
        assert_eq!(status.header("authorization"), Some("Bearer t0ken"));
    }
}
