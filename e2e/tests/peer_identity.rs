//! Which workload calls, through a real Envoy: certificates that name none or two, Envoy's word without a certificate, and
//! `x-forwarded-client-cert` from who may send it and who may not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use postern_e2e::stack::{Answer, EnvoyConfig, Mesh};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, SanType,
};
use serde_json::{Value, json};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const CART: &str = "spiffe://prod.example/ns/shop/sa/cart";
const STRANGER: &str = "spiffe://other.example/ns/shop/sa/web";

/// Certificates of a mesh: an authority, Envoy's own, and workloads'.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = named("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let mut params = named("leaf");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A client with a certificate for these names.
    fn client(&self, names: Vec<SanType>) -> reqwest::Client {
        let (certificate, key) = self.issue(names, ExtendedKeyUsagePurpose::ClientAuth);
        let identity = format!("{}{}", certificate.pem(), key.serialize_pem());
        self.any_client()
            .identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap())
            .build()
            .unwrap()
    }

    /// A client that trusts this authority, still without a certificate.
    fn any_client(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(self.0.pem().as_bytes()).unwrap()])
    }
}

/// Who has the same name as its issuer passes for its own.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Envoy with TLS towards clients, which may have a certificate of the authority; `handed_over`: the sidecar gets it.
fn with_tls(envoy: &mut EnvoyConfig, authority: &Authority, handed_over: bool) {
    let loopback = SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
    let (certificate, key) = authority.issue(vec![loopback], ExtendedKeyUsagePurpose::ServerAuth);
    let inline = |text: String| json!({ "inline_string": text });
    envoy.filter_chain()["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": false,
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": inline(certificate.pem()), "private_key": inline(key.serialize_pem()),
                }],
                "validation_context": { "trusted_ca": inline(authority.0.pem()) },
            },
        },
    });
    envoy.ext_authz()["include_peer_certificate"] = json!(handed_over);
}

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
    let authority = Authority::new();
    let mesh = Mesh::builder()
        .await
        .envoy(|envoy| with_tls(envoy, &authority, true))
        .sidecar(internal(&json!({ "trust_domains": ["prod.example"] })))
        .start()
        .await;
    let answer = ask(&mesh, &authority.client(vec![uri(WEB)])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB);
    assert_eq!(answer.upstream_header("x-postern-auth"), "mtls");

    let dns = || SanType::DnsName("web.prod.example".try_into().unwrap());
    let answer = ask(&mesh, &authority.client(vec![dns(), uri(WEB)])).await;
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB, "{answer:?}");
    for (client, expected) in [
        (authority.client(vec![uri(STRANGER)]), (403, "peer_untrusted")),
        (
            authority.client(vec![uri(WEB), uri(CART)]),
            (403, "peer_ambiguous"),
        ),
        (authority.client(vec![dns()]), (401, "peer_required")),
        (
            authority.client(vec![uri("https://prod.example/web")]),
            (401, "peer_required"),
        ),
        (authority.any_client().build().unwrap(), (401, "peer_required")),
    ] {
        let answer = ask(&mesh, &client).await;
        let (status, code) = said(&answer);
        assert_eq!((status, code.as_str()), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn envoys_word_alone_counts_only_where_a_route_says_so() {
    let authority = Authority::new();
    for (trust_principal, expected) in [(true, 200), (false, 401)] {
        let peer = json!({ "trust_domains": ["prod.example"], "trust_principal": trust_principal });
        let mesh = Mesh::builder()
            .await
            .envoy(|envoy| with_tls(envoy, &authority, false))
            .sidecar(internal(&peer))
            .start()
            .await;
        let answer = ask(&mesh, &authority.client(vec![uri(WEB)])).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        let nobody = ask(&mesh, &authority.any_client().build().unwrap()).await;
        assert_eq!(said(&nobody), (401, "peer_required".to_owned()));
        let stranger = ask(&mesh, &authority.client(vec![uri(STRANGER)])).await;
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
