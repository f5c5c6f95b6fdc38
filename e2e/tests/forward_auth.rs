//! Proxies that ask over HTTP: a real nginx with the configuration that docs/forward-auth.md shows, and a real Envoy with its
//! raw HTTP form.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

use std::net::SocketAddr;

use postern_e2e::stack::{Answer, Mesh, Nginx, raw, root, terminate};
use serde_json::{Value, json};

/// The first block of that language in docs/forward-auth.md that has these words in it.
fn documented(language: &str, words: &str) -> String {
    let text = std::fs::read_to_string(root().join("docs/forward-auth.md")).unwrap();
    let fence = format!("```{language}\n");
    let block = text
        .split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .find(|block| block.contains(words));
    block
        .unwrap_or_else(|| panic!("no {language} with {words}"))
        .to_owned()
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Reading is for whoever has `orders:read`, the rest for `orders:write`, which the tests' tokens don't have; under /open
/// everybody may do everything.
fn routes() -> Value {
    json!([
        { "name": "open", "match": { "path": { "prefix": "/open" } }, "accept": "anonymous", "policy": "off" },
        {
            "name": "read", "match": { "methods": ["GET", "HEAD"] }, "policy": "off",
            "required_scopes": ["orders:read"],
        },
        { "name": "write", "policy": "off", "required_scopes": ["orders:write"] },
    ])
}

/// A sidecar behind the documented nginx.
struct Fronted {
    mesh: Mesh,
    _nginx: Nginx,
    address: SocketAddr,
    sidecar: SocketAddr,
}

impl Fronted {
    async fn new() -> Self {
        let builder = Mesh::builder().await.without_envoy();
        let socket = builder.folder().join("http_auth.sock");
        let secret = builder.folder().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let (address, sidecar, nobody) = (free_address(), free_address(), free_address());
        let issuers = json!([{
            "issuer": builder.issuer().issuer(),
            "jwks_uri": builder.issuer().jwks_uri(),
            "audiences": ["urn:tests"],
            // Nobody answers there: a token that only the issuer can read can't be judged.
            "introspection": {
                "url": format!("http://{nobody}/introspect"), "client_id": "tests", "client_secret_file": secret,
            },
        }]);
        let mesh = builder
            .sidecar(json!({
                "issuers": issuers,
                "routes": routes(),
                "http_auth": {
                    "listen": [format!("unix:{}", socket.display()), sidecar.to_string()],
                    "mode": "nginx",
                    "trusted_peers": ["127.0.0.2"],
                },
            }))
            .start()
            .await;
        let server = documented("nginx", "auth_request")
            .replace("127.0.0.1:8000", &address.to_string())
            .replace("127.0.0.1:8001", &mesh.upstream.to_string())
            .replace("/run/postern/http_auth.sock", &socket.display().to_string());
        let nginx = Nginx::start(mesh.folder(), &server, address).await;
        Self {
            mesh,
            _nginx: nginx,
            address,
            sidecar,
        }
    }

    /// Sends this request line and these headers through nginx.
    async fn ask(&self, request: &str, headers: &[&str]) -> Answer {
        let line = format!("{request} HTTP/1.1");
        let lines = [&[line.as_str(), "host: orders.example"], headers].concat();
        raw(self.address, &lines).await
    }

    fn good(&self) -> String {
        format!("authorization: {}", self.mesh.bearer())
    }
}

/// What reached the upstream in Postern's name, without the decision's id.
fn arrived(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut lines: Vec<String> = answer.json()["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            format!("{}:{value}", name.to_ascii_lowercase().replace(['_', '.'], "-"))
        })
        .filter(|line| line.starts_with("x-postern-") && !line.starts_with("x-postern-decision-id"))
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn nginx_lets_through_whom_the_sidecar_knows_and_tells_the_upstream() {
    let fronted = Fronted::new().await;
    let good = fronted.good();
    let allowed = fronted.ask("GET /orders?page=2", &[&good]).await;
    assert_eq!(
        arrived(&allowed),
        [
            "x-postern-auth: jwt",
            "x-postern-client: tests",
            "x-postern-route: read",
            "x-postern-scope: orders:read",
            "x-postern-subject: tester",
        ]
    );
    assert_eq!(allowed.json()["path"], "/orders?page=2");
    assert_ne!(allowed.upstream_header("x-postern-decision-id"), "");
    assert_ne!(allowed.upstream_header("traceparent"), "");
    let body = "x".repeat(10);
    let length = format!("content-length: {}\r\n\r\n{body}", body.len());
    assert_eq!(fronted.ask("POST /open", &[&length]).await.status, 200);
}

#[tokio::test]
async fn nginx_gives_401_with_the_challenge_and_403_with_its_reason() {
    let fronted = Fronted::new().await;
    let nobody = fronted.ask("GET /orders", &[]).await;
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate")),
        (401, "Bearer realm=\"postern\"")
    );
    assert_eq!(nobody.header("x-postern-code"), "missing_token");
    assert_ne!(nobody.header("x-request-id"), "");
    let good = fronted.good();
    let tampered = format!("{}AAAA", &good[..good.len() - 4]);
    let wrong = fronted.ask("GET /orders", &[&tampered]).await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.header("www-authenticate").contains("invalid_token"),
        "{wrong:?}"
    );

    let may_not = fronted.ask("DELETE /orders/7", &[&fronted.good()]).await;
    assert_eq!(
        (may_not.status, may_not.header("x-postern-code")),
        (403, "insufficient_scope")
    );
    assert!(
        may_not.header("www-authenticate").contains("orders:write"),
        "{may_not:?}"
    );
}

#[tokio::test]
async fn nginx_gives_the_real_status_of_what_it_could_not_let_through() {
    let fronted = Fronted::new().await;
    let good = fronted.good();
    for path in [
        "/orders/%2e%2e/admin",
        "/orders%2fall",
        "/orders//7",
        "/orders/..;/admin",
    ] {
        let ambiguous = fronted.ask(&format!("GET {path}"), &[&good]).await;
        assert_eq!(
            (ambiguous.status, ambiguous.header("x-postern-code")),
            (400, "ambiguous_path"),
            "{path}: {ambiguous:?}"
        );
    }
    let unknown = fronted
        .ask("GET /orders", &["authorization: Bearer opaque"])
        .await;
    assert_eq!(
        (unknown.status, unknown.header("x-postern-code")),
        (503, "introspection_unavailable"),
        "{unknown:?}"
    );
    assert_ne!(unknown.header("retry-after"), "");
}

#[tokio::test]
async fn what_a_client_says_about_its_request_never_counts() {
    let fronted = Fronted::new().await;
    // Each alone, and all at once: the request stays the one that was made.
    let forged = [
        "x-original-uri: /open",
        "X-Original-Method: GET",
        "x-original-host: open.example",
        "x-original-for: 127.0.0.1",
        "x-original-proto: https",
        "x-forwarded-uri: /open",
    ];
    for headers in forged.iter().map(std::slice::from_ref).chain([&forged[..]]) {
        let nobody = fronted.ask("GET /orders", headers).await;
        assert_eq!(nobody.status, 401, "{headers:?}");
    }
    let good = fronted.good();
    let may_not = fronted
        .ask("DELETE /orders/7", &[&good, "x-original-method: GET"])
        .await;
    assert_eq!(may_not.status, 403);
    // Whoever asks the sidecar itself isn't its proxy, and doesn't get an answer.
    let headers = [
        "GET /_postern HTTP/1.1",
        "host: orders.example",
        good.as_str(),
        "x-original-uri: /open",
        "x-original-method: GET",
        "x-original-host: orders.example",
        "x-original-proto: https",
        "x-original-for: 127.0.0.1",
    ];
    let stranger = raw(fronted.sidecar, &headers).await;
    assert_eq!(
        (stranger.status, &stranger.json()["code"]),
        (403, &json!("untrusted_forwarder"))
    );
    // Nor is the location that nginx asks by a way in.
    assert_eq!(fronted.ask("GET /_postern", &headers[2..]).await.status, 404);
}

#[tokio::test]
async fn forged_names_of_ours_never_reach_an_upstream_behind_nginx() {
    let fronted = Fronted::new().await;
    let good = fronted.good();
    let expected = arrived(&fronted.ask("GET /orders", &[&good]).await);
    for forged in [
        "x-postern-subject: root",
        "X-POSTERN-SUBJECT: root",
        "x-postern-peer: spiffe://prod.example/root",
        "x_postern_subject: root",
        "x-postern_peer: root",
        "x.postern.subject: root",
    ] {
        let answer = fronted.ask("GET /orders", &[&good, forged, forged]).await;
        assert_eq!(arrived(&answer), expected, "{forged}");
        let anonymous = fronted.ask("GET /open", &[forged]).await;
        assert_eq!(
            arrived(&anonymous),
            ["x-postern-auth: anonymous", "x-postern-route: open"],
            "{forged}"
        );
    }
    // One that the configuration doesn't know can't be removed, and so isn't let through.
    let unknown = fronted
        .ask("GET /orders", &[&good, "x-postern-role: admin"])
        .await;
    assert_eq!(
        (unknown.status, unknown.header("x-postern-code")),
        (400, "invalid_request")
    );
}

#[tokio::test]
async fn repeated_credentials_are_refused_behind_nginx_too() {
    let fronted = Fronted::new().await;
    let good = fronted.good();
    let answer = fronted
        .ask("GET /orders", &[&good, "authorization: Bearer x"])
        .await;
    // nginx itself refuses the repeat (1.23 and later), or the sidecar does.
    assert!(matches!(answer.status, 400 | 401), "{answer:?}");
    let answer = fronted.ask("GET /orders", &["host: open.example", &good]).await;
    assert_eq!(answer.status, 400, "two hosts: {answer:?}");
}

#[tokio::test]
async fn behind_nginx_a_dead_sidecar_lets_nobody_through() {
    let fronted = Fronted::new().await;
    terminate(fronted.mesh.sidecar_pid(), nix::sys::signal::Signal::SIGKILL).await;
    let answer = fronted.ask("GET /open", &[&fronted.good()]).await;
    assert_eq!(answer.status, 500, "{answer:?}");
}

/// Envoy with the documented filter in the place of its own.
async fn envoy_over_http() -> Mesh {
    let sidecar = free_address();
    let filter: Value = serde_saphyr::from_str(
        &documented("yaml", "http_service").replace("127.0.0.1:9193", &sidecar.to_string()),
    )
    .unwrap();
    Mesh::builder()
        .await
        .sidecar(json!({
            "routes": routes(),
            "http_auth": { "listen": [sidecar.to_string()], "mode": "envoy", "trusted_peers": ["127.0.0.1"] },
        }))
        .envoy(|envoy| {
            // Without what the shipped configuration strips itself, so that only the sidecar's word stands between.
            envoy
                .http_filters()
                .retain(|filter| filter["name"] != "envoy.filters.http.header_mutation");
            *envoy.ext_authz() = filter["typed_config"].clone();
            let clusters = envoy.root()["static_resources"]["clusters"]
                .as_array_mut()
                .unwrap();
            clusters.push(json!({
                "name": "postern_http", "type": "STATIC", "connect_timeout": "0.25s",
                "load_assignment": {
                    "cluster_name": "postern_http",
                    "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": { "socket_address": {
                        "address": "127.0.0.1", "port_value": sidecar.port(),
                    } } } }] }],
                },
            }));
        })
        .start()
        .await
}

#[tokio::test]
async fn envoys_http_form_decides_as_its_grpc_form_does() {
    let mesh = envoy_over_http().await;
    let bearer = mesh.bearer();
    let allowed = mesh
        .ask("GET", "/orders?page=2", &[("authorization", &bearer)])
        .await;
    assert_eq!(
        arrived(&allowed),
        [
            "x-postern-auth: jwt",
            "x-postern-client: tests",
            "x-postern-route: read",
            "x-postern-scope: orders:read",
            "x-postern-subject: tester",
        ]
    );
    let nobody = mesh.ask("GET", "/orders", &[]).await;
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate")),
        (401, "Bearer realm=\"postern\"")
    );
    let may_not = mesh
        .ask("DELETE", "/orders/7", &[("authorization", &bearer)])
        .await;
    assert_eq!(
        (may_not.status, &may_not.json()["code"]),
        (403, &json!("insufficient_scope"))
    );
    assert_eq!(may_not.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn forged_names_of_ours_never_reach_an_upstream_behind_envoys_http_form() {
    let mesh = envoy_over_http().await;
    let good = format!("authorization: {}", mesh.bearer());
    for forged in [
        "x-postern-subject: root",
        "x-postern-peer: spiffe://prod.example/root",
        "x-postern-role: admin",
    ] {
        let lines = ["GET /orders HTTP/1.1", "host: a.example", &good, forged, forged];
        let answer = mesh.raw(&lines).await;
        let ours = arrived(&answer);
        assert!(
            !ours
                .iter()
                .any(|line| line.contains("root") || line.contains("admin")),
            "{ours:?}"
        );
        let lines = ["GET /open HTTP/1.1", "host: a.example", forged, forged];
        assert_eq!(
            arrived(&mesh.raw(&lines).await),
            ["x-postern-auth: anonymous", "x-postern-route: open"],
            "{forged}"
        );
    }
}
