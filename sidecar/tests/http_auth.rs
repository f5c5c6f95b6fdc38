//! The running sidecar answers proxies that ask over HTTP: Envoy's raw form, Traefik's and Caddy's, nginx's. Who may ask, what
//! must be said about the request, and what each proxy makes of the answer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that can't go on panics"
)]

#[cfg(test)]
mod world;

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};
use world::sidecar::{Sidecar, free_address};
use world::{World, eventually};

/// A sidecar that is asked over HTTP.
struct Asked {
    world: World,
    sidecar: Sidecar,
    address: String,
}

impl Asked {
    async fn new(mode: &str) -> Self {
        let world = World::new().await;
        let mut config = world.config();
        let address = free_address();
        config.document["http_auth"] = json!({
            "listen": [address, "unix:http_auth.sock"],
            "mode": mode,
            "trusted_peers": ["127.0.0.1/32"],
        });
        let sidecar = config.start_ready().await;
        Self {
            world,
            sidecar,
            address,
        }
    }

    /// Asks from an address of this machine; headers may repeat.
    async fn ask_from(&self, from: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Told {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(Some(from.parse().unwrap()))
            .build()
            .unwrap();
        let url = format!("http://{}{path}", self.address);
        let mut request = client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Told::read(request.send().await.unwrap()).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Told {
        self.ask_from("127.0.0.1", method, path, headers).await
    }

    fn bearer(&self, scope: &str) -> String {
        format!("Bearer {}", self.world.token(scope))
    }
}

/// What the proxy is told.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Told {
    async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// The five headers of a form, about a request.
fn about<'a>(prefix: &str, method: &'a str, uri: &'a str) -> Vec<(String, &'a str)> {
    [
        ("method", method),
        ("uri", uri),
        ("host", "orders.example"),
        ("proto", "https"),
        ("for", "203.0.113.7"),
    ]
    .map(|(name, value)| (format!("{prefix}{name}"), value))
    .into()
}

fn lines<'a>(headers: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

#[tokio::test]
async fn envoys_http_form_is_decided_on_as_its_grpc_form_is() {
    let asked = Asked::new("envoy").await;
    let reader = asked.bearer("orders:read");
    let headers = [
        ("authorization", reader.as_str()),
        ("host", "orders.example"),
        ("x-postern-role", "admin"),
    ];
    let allowed = asked.ask("GET", "/orders?page=2", &headers).await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert_eq!(allowed.header("x-postern-subject"), "alice");
    assert_eq!(allowed.header("x-postern-scope"), "orders:read");
    let removed: Vec<_> = allowed
        .header("x-envoy-auth-headers-to-remove")
        .split(',')
        .collect();
    assert!(removed.contains(&"x-postern-role"), "{removed:?}");
    assert!(!removed.contains(&"x-postern-subject"), "{removed:?}");

    let refused = asked.ask("POST", "/orders", &headers).await;
    assert_eq!(refused.status, 403);
    assert!(refused.header("www-authenticate").contains("orders:write"));
    assert_eq!(refused.json()["code"], "insufficient_scope");
    assert_eq!(refused.header("content-type"), "application/problem+json");

    let nobody = asked.ask("GET", "/orders", &[("host", "orders.example")]).await;
    assert_eq!(
        (nobody.status, nobody.header("www-authenticate")),
        (401, "Bearer realm=\"postern\"")
    );
}

#[tokio::test]
async fn forward_auth_is_about_the_request_in_the_headers_and_not_the_one_that_asks() {
    for (mode, prefix) in [("forward", "x-forwarded-"), ("nginx", "x-original-")] {
        let asked = Asked::new(mode).await;
        let reader = asked.bearer("orders:read");
        let ask = |method: &'static str, uri: &'static str, token: Option<String>| {
            let (asked, reader) = (&asked, &reader);
            async move {
                let about = about(prefix, method, uri);
                let mut headers = lines(&about);
                let token = token.unwrap_or_else(|| reader.clone());
                headers.push(("authorization", token.as_str()));
                asked.ask("GET", "/some/check", &headers).await
            }
        };
        let allowed = ask("GET", "/orders?page=2", None).await;
        assert_eq!(allowed.status, 200, "{mode}: {allowed:?}");
        assert_eq!(allowed.header("x-postern-subject"), "alice");
        assert_eq!(allowed.header("x-postern-client"), "shop");

        let writes = ask("DELETE", "/orders/7", None).await;
        assert_eq!(
            (writes.status, writes.json()["code"].as_str()),
            (403, Some("insufficient_scope"))
        );

        let wrong = ask("GET", "/orders", Some("Bearer nonsense".to_owned())).await;
        assert_eq!(wrong.status, 401, "{wrong:?}");
        assert!(wrong.header("www-authenticate").starts_with("Bearer "));
    }
}

#[tokio::test]
async fn what_nginx_would_take_for_a_failure_of_ours_is_403_with_the_real_status_beside() {
    let asked = Asked::new("nginx").await;
    let reader = asked.bearer("orders:read");
    // A path that can be read in two ways.
    let about = about("x-original-", "GET", "/orders/%2e%2e/admin");
    let mut headers = lines(&about);
    headers.push(("authorization", &reader));
    let refused = asked.ask("GET", "/check", &headers).await;
    assert_eq!(refused.status, 403);
    assert_ne!(refused.header("x-postern-status"), "", "{refused:?}");
    assert_ne!(refused.header("x-postern-code"), "");
}

#[tokio::test]
async fn only_listed_peers_and_the_unix_socket_may_say_what_the_request_was() {
    for (mode, prefix) in [("forward", "x-forwarded-"), ("nginx", "x-original-")] {
        let asked = Asked::new(mode).await;
        let reader = asked.bearer("orders:read");
        let about = about(prefix, "GET", "/orders");
        let mut headers = lines(&about);
        headers.push(("authorization", &reader));
        headers.push(("x-request-id", "mine-1"));
        let stranger = asked.ask_from("127.0.0.2", "GET", "/check", &headers).await;
        assert_eq!(
            (stranger.status, stranger.json()["code"].as_str()),
            (403, Some("untrusted_forwarder")),
            "{stranger:?}"
        );
        assert_eq!(stranger.header("x-request-id"), "mine-1");
        let client = reqwest::Client::builder()
            .no_proxy()
            .unix_socket(asked.sidecar.config.folder.join("http_auth.sock"))
            .build()
            .unwrap();
        let mut request = client.get("http://localhost/check");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_word_of_the_proxy_that_is_missing_or_repeated_denies() {
    for (mode, prefix) in [("forward", "x-forwarded-"), ("nginx", "x-original-")] {
        let asked = Asked::new(mode).await;
        let reader = asked.bearer("orders:read");
        let about = about(prefix, "GET", "/orders");
        for (place, (name, value)) in about.iter().enumerate() {
            let mut without = lines(&about);
            without.remove(place);
            without.push(("authorization", &reader));
            let mut twice = lines(&about);
            twice.push((name.as_str(), *value));
            twice.push(("authorization", &reader));
            for headers in [without, twice] {
                let refused = asked.ask("GET", "/check", &headers).await;
                assert_eq!(
                    refused.json()["code"],
                    "invalid_request",
                    "{mode} {name}: {refused:?}"
                );
                assert!(refused.json()["detail"].as_str().unwrap().contains(name.as_str()));
                if mode == "nginx" {
                    assert_eq!((refused.status, refused.header("x-postern-status")), (403, "400"));
                } else {
                    assert_eq!(refused.status, 400);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_forged_header_of_ours_that_cannot_be_removed_denies() {
    for (mode, prefix) in [("forward", "x-forwarded-"), ("nginx", "x-original-")] {
        let asked = Asked::new(mode).await;
        let reader = asked.bearer("orders:read");
        let about = about(prefix, "GET", "/orders");
        for forged in ["x-postern-subject", "x_postern_role"] {
            let mut headers = lines(&about);
            headers.push(("authorization", &reader));
            headers.push((forged, "root"));
            let refused = asked.ask("GET", "/check", &headers).await;
            assert_eq!(
                refused.json()["code"],
                "invalid_request",
                "{mode} {forged}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_repeated_token_is_refused_here_as_everywhere() {
    let asked = Asked::new("envoy").await;
    let reader = asked.bearer("orders:read");
    let headers = [
        ("host", "orders.example"),
        ("authorization", reader.as_str()),
        ("authorization", reader.as_str()),
    ];
    assert_eq!(asked.ask("GET", "/orders", &headers).await.status, 401);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_next_is_answered() {
    let asked = Asked::new("envoy").await;
    let reader = asked.bearer("orders:read");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/orders", asked.address);
    let large = client
        .post(&url)
        .header("host", "orders.example")
        .header("authorization", &reader)
        .body(vec![b'a'; 1024 * 1024 + 1])
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    // Far above the bound, which is that of a buffer: a little more may still arrive in one piece.
    let long = "a".repeat(512 * 1024);
    let headers = client.get(&url).header("x-long", &long).send().await;
    assert!(headers.is_err() || headers.unwrap().status() == 431);
    let headers = [("host", "orders.example"), ("authorization", reader.as_str())];
    assert_eq!(asked.ask("GET", "/orders", &headers).await.status, 200);
}

#[tokio::test]
async fn what_http_asks_is_decided_by_the_same_pipeline_and_counted_with_the_rest() {
    let asked = Asked::new("nginx").await;
    let about = about("x-original-", "GET", "/orders");
    let reader = asked.bearer("orders:read");
    let mut headers = lines(&about);
    headers.push(("authorization", &reader));
    let allowed = asked.ask("GET", "/check", &headers).await;
    let decision = allowed.header("x-postern-decision-id").to_owned();
    eventually(Duration::from_secs(5), "logged", || async {
        asked.sidecar.log().iter().any(|line| {
            line["decision_id"] == decision.as_str()
                && line["method"] == "GET"
                && line["host"] == "orders.example"
                && line["path"] == "/orders"
        })
    })
    .await;
    let metrics = asked.sidecar.metrics().await;
    assert!(metrics.contains("postern_checks_total"), "{metrics}");
}

/// Who may not ask, or doesn't say what about, is told with the rest: in metrics, and by the id of the refusal.
#[tokio::test]
async fn a_refusal_before_the_decision_is_counted_and_can_be_explained() {
    let asked = Asked::new("nginx").await;
    let about = about("x-original-", "GET", "/orders");
    let stranger = asked.ask_from("127.0.0.2", "GET", "/check", &lines(&about)).await;
    let nothing_said = asked.ask("GET", "/check", &[]).await;
    for (refused, code) in [
        (&stranger, "untrusted_forwarder"),
        (&nothing_said, "invalid_request"),
    ] {
        let id = refused.header("x-postern-decision-id");
        assert_eq!(refused.json()["decision_id"], id);
        let (status, decision) = asked.sidecar.admin(&format!("/decisions/{id}")).await;
        assert_eq!(status, 200, "{code}: {decision}");
        assert_eq!(
            (&decision["outcome"], &decision["code"]),
            (&json!("denied"), &json!(code))
        );
        assert_eq!(
            decision["request"]["path"], "/check",
            "what it claims isn't believed"
        );
        assert!(
            decision["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
        );
        let metrics = asked.sidecar.metrics().await;
        let counted = |line: &str| {
            line.starts_with("postern_checks_total{")
                && line.contains(&format!("code=\"{code}\""))
                && line.ends_with(" 1")
        };
        assert!(metrics.lines().any(counted), "{metrics}");
    }
}

/// One bound for all who ask, whatever they ask by.
#[tokio::test]
async fn what_proxies_ask_counts_among_the_checks_in_flight() {
    let world = World::new().await;
    let mut config = world.config();
    let address = free_address();
    config.document["http_auth"] =
        json!({ "listen": [address], "mode": "envoy", "trusted_peers": ["127.0.0.1"] });
    config.document["overload"] = json!({ "max_in_flight": 1 });
    let sidecar = config.start_ready().await;
    // A body that doesn't come keeps its place.
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = "POST /orders HTTP/1.1\r\nhost: orders.example\r\ncontent-length: 5\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut slow, head.as_bytes())
        .await
        .unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}/orders");
    eventually(
        Duration::from_secs(5),
        "refused for there are too many",
        || async {
            let refused = client.get(&url).send().await.unwrap();
            let overloaded = refused.headers().contains_key("retry-after");
            let status = refused.status().as_u16();
            let problem: Json = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
            assert!(
                !overloaded || (status == 403 && problem["code"] == "overloaded"),
                "{status} {problem}"
            );
            overloaded
        },
    )
    .await;
    let envoy = world::Client::over_unix(&sidecar.config).await;
    assert_eq!(envoy.get("/orders", "x").await.status, 503, "it is one bound");
    drop(slow);
    eventually(Duration::from_secs(5), "room again", || async {
        client.get(&url).send().await.unwrap().status() == 401
    })
    .await;
}

#[tokio::test]
async fn a_section_that_would_trust_everybody_or_nobody_is_refused_with_its_line() {
    for (section, expected) in [
        (
            json!({ "listen": ["127.0.0.1:9193"], "mode": "nginx" }),
            "http_auth.trusted_peers: expected the addresses of the proxies",
        ),
        (
            json!({ "listen": ["127.0.0.1:9193"], "mode": "nginx", "trusted_peers": ["10.0.0.1/8"] }),
            "http_auth.trusted_peers[0]: expected an address or a block",
        ),
        (
            json!({ "listen": [], "mode": "nginx" }),
            "http_auth.listen: expected at least one",
        ),
        (
            json!({ "listen": ["unix:a.sock"], "mode": "apache" }),
            "http_auth.mode: ",
        ),
    ] {
        let world = World::new().await;
        let mut config = world.config();
        config.document["http_auth"] = section;
        let refused = config.refused();
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}
