//! Which workload calls, through a real Envoy: certificates that name none or two, Envoy's word without a certificate, and
//! `x-forwarded-client-cert` from who may send it and who may not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{Answer, Authority, Mesh};
use rcgen::SanType;
use serde_json::{Value, json};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const CART: &str = "spiffe://prod.example/ns/shop/sa/cart";
const STRANGER: &str = "spiffe://other.example/ns/shop/sa/web";

fn uri(id: &str) -> SanType {
    SanType::URI(id.try_into().unwrap())
}

/// The one route, with this `peer`.
fn internal(peer: &Value) -> Value {
    json!({ "issuers": null, "routes": [{ "name": "internal", "accept": "mtls", "policy": "off", "peer": peer }] })
}

async fn ask(mesh: &Mesh, client: &reqwest::Client) -> Answer {
    let request = client.get(format!("https://{}/", mesh.envoy_address));
    Answer::read(request.send().await).await
}

fn said(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

#[tokio::test]
async fn a_certificate_names_exactly_one_workload_of_an_allowed_domain_or_nobody() {
    let authority = Authority::generate();
    let mesh = Mesh::builder()
        .await
        .envoy(|envoy| authority.serve_tls(envoy, true))
        .sidecar(internal(&json!({ "trust_domains": ["prod.example"] })))
        .start()
        .await;
    let answer = ask(&mesh, &authority.workload(vec![uri(WEB)]).http).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB);
    assert_eq!(answer.upstream_header("x-postern-auth"), "mtls");

    let dns = || SanType::DnsName("web.prod.example".try_into().unwrap());
    let answer = ask(&mesh, &authority.workload(vec![dns(), uri(WEB)]).http).await;
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB, "{answer:?}");
    for (client, expected) in [
        (
            authority.workload(vec![uri(STRANGER)]).http,
            (403, "peer_untrusted"),
        ),
        (
            authority.workload(vec![uri(WEB), uri(CART)]).http,
            (403, "peer_ambiguous"),
        ),
        (authority.workload(vec![dns()]).http, (401, "peer_required")),
        (
            authority.workload(vec![uri("https://prod.example/web")]).http,
            (401, "peer_required"),
        ),
        (authority.nobody(), (401, "peer_required")),
    ] {
        let answer = ask(&mesh, &client).await;
        let (status, code) = said(&answer);
        assert_eq!((status, code.as_str()), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn envoys_word_alone_counts_only_where_a_route_says_so() {
    let authority = Authority::generate();
    for (trust_principal, expected) in [(true, 200), (false, 401)] {
        let peer = json!({ "trust_domains": ["prod.example"], "trust_principal": trust_principal });
        let mesh = Mesh::builder()
            .await
            .envoy(|envoy| authority.serve_tls(envoy, false))
            .sidecar(internal(&peer))
            .start()
            .await;
        let answer = ask(&mesh, &authority.workload(vec![uri(WEB)]).http).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        let nobody = ask(&mesh, &authority.nobody()).await;
        assert_eq!(said(&nobody), (401, "peer_required".to_owned()));
        let stranger = ask(&mesh, &authority.workload(vec![uri(STRANGER)]).http).await;
        assert_ne!(stranger.status, 200, "{stranger:?}");
    }
}

#[tokio::test]
async fn a_forwarded_certificate_is_believed_of_a_listed_sender_alone() {
    let forwarded = format!("Hash={};URI={WEB}", "ab".repeat(32));
    for (from, handling, expected) in [
        (Some("127.0.0.0/8"), "ALWAYS_FORWARD_ONLY", (200, "")),
        (Some("10.0.0.0/8"), "ALWAYS_FORWARD_ONLY", (401, "peer_required")),
        (None, "ALWAYS_FORWARD_ONLY", (401, "peer_required")),
        // What Envoy does unless it is told otherwise.
        (Some("127.0.0.0/8"), "SANITIZE", (401, "peer_required")),
    ] {
        let mut peer = json!({ "trust_domains": ["prod.example"] });
        if let Some(from) = from {
            peer["xfcc"] = json!({ "from": [from] });
        }
        let mesh = Mesh::builder()
            .await
            .envoy(|envoy| envoy.connection_manager()["forward_client_cert_details"] = json!(handling))
            .sidecar(internal(&peer))
            .start()
            .await;
        let answer = mesh
            .ask("GET", "/", &[("x-forwarded-client-cert", forwarded.as_str())])
            .await;
        let (status, code) = said(&answer);
        assert_eq!(
            (status, code.as_str()),
            expected,
            "{from:?} {handling}: {answer:?}"
        );
        if status == 200 {
            assert_eq!(answer.upstream_header("x-postern-peer"), WEB);
        }
        assert_eq!(
            said(&mesh.ask("GET", "/", &[("x-postern-peer", WEB)]).await),
            (401, "peer_required".to_owned()),
            "nobody is who they say they are"
        );
    }
}

/// A gateway is known by its certificate, and what it says of its client is believed; of anybody else's word nothing is.
#[tokio::test]
async fn a_forwarded_certificate_is_believed_of_a_sender_by_its_own_certificate() {
    const GATEWAY: &str = "spiffe://prod.example/ns/edge/sa/gateway";
    let authority = Authority::generate();
    let forwarded = format!("Hash={};URI={WEB}", "ab".repeat(32));
    for (from, handling) in [
        (GATEWAY, "ALWAYS_FORWARD_ONLY"),
        (GATEWAY, "FORWARD_ONLY"),
        // Envoy says in the same header who the gateway is, behind what the gateway says.
        ("spiffe://prod.example/ns/edge/*", "APPEND_FORWARD"),
    ] {
        let peer = json!({ "trust_domains": ["prod.example"], "xfcc": { "from": [from] } });
        let mesh = Mesh::builder()
            .await
            .envoy(|envoy| {
                authority.serve_tls(envoy, true);
                let manager = envoy.connection_manager();
                manager["forward_client_cert_details"] = json!(handling);
                manager["set_current_client_cert_details"] = json!({ "uri": true, "subject": true });
            })
            .sidecar(internal(&peer))
            .start()
            .await;
        let sent = async |client: &reqwest::Client, forwarded: Option<&str>| {
            let mut request = client.get(format!("https://{}/", mesh.envoy_address));
            if let Some(forwarded) = forwarded {
                request = request.header("x-forwarded-client-cert", forwarded);
            }
            Answer::read(request.send().await).await
        };
        let gateway = authority.workload(vec![uri(GATEWAY)]).http;
        let answer = sent(&gateway, Some(&forwarded)).await;
        assert_eq!(answer.status, 200, "{handling}: {answer:?}");
        assert_eq!(answer.upstream_header("x-postern-peer"), WEB, "{handling}");
        let foreign = forwarded.replace(WEB, STRANGER);
        let answer = sent(&gateway, Some(&foreign)).await;
        assert_eq!(said(&answer), (403, "peer_untrusted".to_owned()), "{handling}");
        // The gateway isn't its clients: one that it says nothing of is nobody.
        let answer = sent(&gateway, None).await;
        assert_eq!(said(&answer), (401, "peer_required".to_owned()), "{handling}");

        // Who isn't listed is who its own certificate says, whatever it sends.
        let cart = authority.workload(vec![uri(CART)]).http;
        let answer = sent(&cart, Some(&forwarded)).await;
        assert_eq!(answer.status, 200, "{handling}: {answer:?}");
        assert_eq!(answer.upstream_header("x-postern-peer"), CART, "{handling}");
        let answer = sent(&authority.nobody(), Some(&forwarded)).await;
        assert_eq!(said(&answer), (401, "peer_required".to_owned()), "{handling}");
    }
}
