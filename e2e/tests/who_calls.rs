//! Who calls, through a real Envoy: bound tokens that are useless to a thief, workloads by their certificates, users who have
//! to sign in again, and credentials that are wrong where none would have done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use postern_e2e::stack::{AUDIENCE, Answer, EnvoyConfig, Mesh};
use postern_jose::{Algorithm, LocalSigner, Signer, base64url};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, SanType,
};
use serde_json::{Value, json};

const WEB: &str = "spiffe://prod.example/ns/shop/sa/web";
const CART: &str = "spiffe://prod.example/ns/shop/sa/cart";
const STRANGER: &str = "spiffe://other.example/ns/shop/sa/web";

#[expect(
    clippy::disallowed_methods,
    reason = "proofs are made for the clock of the sidecar under test"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn sha256(bytes: &[u8]) -> String {
    base64url::encode(digest(&SHA256, bytes).as_ref())
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

/// A proof for `GET https://api.example<path>` with this token.
fn proof(key: &LocalSigner, token: &str, path: &str, jti: &str) -> String {
    let mut jwk = key.public_jwk().to_object();
    jwk.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    let parts = [
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }),
        json!({
            "jti": jti, "htm": "GET", "htu": format!("https://api.example{path}"), "iat": now(),
            "ath": sha256(token.as_bytes()),
        }),
    ];
    let input = parts
        .map(|part| base64url::encode(part.to_string().as_bytes()))
        .join(".");
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url::encode(&signature))
}

#[tokio::test]
async fn a_stolen_dpop_token_is_useless_without_its_key() {
    let mesh = Mesh::builder()
        .await
        .sidecar(json!({
            "routes": [{ "name": "api", "public_origin": "https://api.example", "policy": "off" }],
        }))
        .start()
        .await;
    let key = LocalSigner::generate(Algorithm::ES256).unwrap();
    let token = token(&mesh, &json!({ "cnf": { "jkt": key.public_jwk().thumbprint() } }));
    let (dpop, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
    let ask = async |path: &str, authorization: &str, proof: Option<&str>| {
        let mut headers = vec![("authorization", authorization)];
        headers.extend(proof.map(|proof| ("dpop", proof)));
        mesh.ask("GET", path, &headers).await
    };
    // What the request says of its own host and scheme is not what counts.
    let made = proof(&key, &token, "/orders", "1");
    let answer = ask("/orders?page=2", &dpop, Some(&made)).await;
    assert_eq!(
        (
            answer.status,
            answer.upstream_header("x-postern-subject").as_str()
        ),
        (200, "tester")
    );

    let replayed = ask("/orders?page=2", &dpop, Some(&made)).await;
    assert_eq!(
        (replayed.status, code(&replayed).as_str()),
        (401, "dpop_proof_replayed")
    );
    assert!(
        replayed
            .header("www-authenticate")
            .contains("Bearer realm=\"postern\"")
    );
    for (authorization, proof, expected) in [
        (&bearer, None, "invalid_token"),
        (&dpop, None, "dpop_proof_missing"),
        (
            &dpop,
            Some(proof(&key, &token, "/other", "2")),
            "dpop_proof_invalid",
        ),
        (
            &dpop,
            Some(proof(
                &LocalSigner::generate(Algorithm::ES256).unwrap(),
                &token,
                "/orders",
                "3",
            )),
            "invalid_token",
        ),
    ] {
        let answer = ask("/orders", authorization, proof.as_deref()).await;
        assert_eq!((answer.status, code(&answer).as_str()), (401, expected));
    }
}

/// Certificates of a mesh: an authority, Envoy's own, and workloads'.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = named("authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: SanType, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let mut params = named("leaf");
        params.subject_alt_names = vec![name];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A client with a certificate for this SPIFFE ID, and the certificate's thumbprint.
    fn workload(&self, id: &str) -> (reqwest::Client, String) {
        let uri = SanType::URI(id.try_into().unwrap());
        let (certificate, key) = self.issue(uri, ExtendedKeyUsagePurpose::ClientAuth);
        let identity = format!("{}{}", certificate.pem(), key.serialize_pem());
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(self.0.pem().as_bytes()).unwrap()])
            .identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap())
            .build()
            .unwrap();
        (client, sha256(certificate.der()))
    }
}

/// Who has the same name as its issuer passes for its own.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Envoy with TLS towards clients, which need a certificate of the authority; it is handed over to the sidecar.
fn with_tls(envoy: &mut EnvoyConfig, authority: &Authority) {
    let loopback = SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
    let (certificate, key) = authority.issue(loopback, ExtendedKeyUsagePurpose::ServerAuth);
    let inline = |text: String| json!({ "inline_string": text });
    envoy.filter_chain()["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": inline(certificate.pem()), "private_key": inline(key.serialize_pem()),
                }],
                "validation_context": { "trusted_ca": inline(authority.0.pem()) },
            },
        },
    });
    envoy.ext_authz()["include_peer_certificate"] = json!(true);
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
    let authority = Authority::new();
    let mesh = Mesh::builder()
        .await
        .envoy(|envoy| with_tls(envoy, &authority))
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
    let (web, thumbprint) = authority.workload(WEB);
    let (cart, _) = authority.workload(CART);
    let (stranger, _) = authority.workload(STRANGER);

    let answer = ask(&mesh, &web, "/internal", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.upstream_header("x-postern-peer"), WEB);
    assert_eq!(answer.upstream_header("x-postern-auth"), "mtls");
    for other in [&cart, &stranger] {
        let answer = ask(&mesh, other, "/internal", None).await;
        assert_eq!((answer.status, code(&answer).as_str()), (403, "peer_untrusted"));
    }

    let bound = token(&mesh, &json!({ "cnf": { "x5t#S256": thumbprint } }));
    let answer = ask(&mesh, &web, "/", Some(&bound)).await;
    assert_eq!(
        (answer.status, answer.upstream_header("x-postern-peer").as_str()),
        (200, WEB)
    );
    let (same_name_other_key, _) = authority.workload(WEB);
    for thief in [&cart, &same_name_other_key] {
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
    let expired = format!("Bearer {}", token(&mesh, &json!({ "exp": now() - 60 })));
    let answer = mesh.ask("GET", "/pages", &[("authorization", &expired)]).await;
    assert_eq!((answer.status, code(&answer).as_str()), (401, "token_expired"));
    let answer = mesh
        .ask("GET", "/elsewhere", &[("authorization", &mesh.bearer())])
        .await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "no_route"));

    let weak = format!(
        "Bearer {}",
        token(&mesh, &json!({ "acr": "pwd", "auth_time": now() }))
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
        token(&mesh, &json!({ "acr": "mfa", "auth_time": now() }))
    );
    let answer = mesh.ask("GET", "/transfers", &[("authorization", &strong)]).await;
    assert_eq!(answer.status, 200);
}
