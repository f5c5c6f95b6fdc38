//! Routes that ask for a strong and recent sign-in, through a real Envoy: what the client is told (RFC 9470), and what will do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{AUDIENCE, Answer, Mesh};
use serde_json::{Value, json};

/// Asks the route with a token that says this of its user's sign-in; `ago`: seconds since then.
async fn ask(mesh: &Mesh, path: &str, acr: Option<&str>, ago: Option<i64>) -> Answer {
    let mut claims = mesh.issuer.claims(AUDIENCE);
    if let Some(acr) = acr {
        claims["acr"] = json!(acr);
    }
    if let Some(ago) = ago {
        claims["auth_time"] = json!(claims["iat"].as_i64().unwrap() - ago);
    }
    let bearer = format!("Bearer {}", mesh.issuer.sign(&claims));
    mesh.ask("GET", path, &[("authorization", &bearer)]).await
}

fn route(name: &str, step_up: &Value) -> Value {
    json!({ "name": name, "match": { "path": { "prefix": format!("/{name}") } }, "policy": "off", "step_up": step_up })
}

#[tokio::test]
async fn a_weak_or_old_sign_in_is_told_what_would_do_and_a_good_one_passes() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({ "routes": [
            route("both", &json!({ "acr_values": ["phr", "mfa"], "max_age_seconds": 300 })),
            route("strong", &json!({ "acr_values": ["mfa"] })),
            route("fresh", &json!({ "max_age_seconds": 60 })),
            { "name": "plain", "policy": "off" },
        ]}))
        .start()
        .await;
    for (path, acr, ago) in [
        ("/both", Some("mfa"), Some(0)),
        ("/both", Some("phr"), Some(200)),
        ("/strong", Some("mfa"), None),
        ("/fresh", None, Some(10)),
        ("/plain", None, None),
    ] {
        let answer = ask(&mesh, path, acr, ago).await;
        assert_eq!(answer.status, 200, "{path} {acr:?} {ago:?}: {answer:?}");
    }
    let (both, strong, fresh) = (
        [Some("acr_values=\"phr mfa\""), Some("max_age=\"300\"")],
        [Some("acr_values=\"mfa\""), None],
        [None, Some("max_age=\"60\"")],
    );
    for (path, acr, ago, parts) in [
        ("/both", Some("pwd"), Some(0), both),
        ("/both", Some("MFA"), Some(0), both),
        ("/both", None, Some(0), both),
        ("/both", Some("mfa"), Some(1000), both),
        ("/both", Some("mfa"), None, both),
        ("/strong", Some("mfa phr"), None, strong),
        ("/fresh", None, None, fresh),
        ("/fresh", None, Some(1000), fresh),
    ] {
        let answer = ask(&mesh, path, acr, ago).await;
        assert_eq!(answer.status, 401, "{path} {acr:?} {ago:?}: {answer:?}");
        assert_eq!(answer.json()["code"], "insufficient_user_authentication");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_user_authentication\""),
            "{challenge}"
        );
        for (name, part) in ["acr_values", "max_age"].into_iter().zip(parts) {
            match part {
                Some(part) => assert!(challenge.contains(part), "{challenge}"),
                None => assert!(!challenge.contains(name), "{challenge}"),
            }
        }
    }
}
