//! `http.send` in the place of opa-envoy-plugin: what a policy sees, and what the servers that it asks see, is what they see of
//! OPA itself, from one decision to the next.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as Attributes};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::{binary, root};
use serde_json::{Value as Json, json};

const POLICY: &str = r#"package envoy.authz

seen := http.send(json.unmarshal(input.attributes.request.http.headers["x-request"]))

text := json.marshal(seen)

allow := {"allowed": true, "dynamic_metadata": {"seen": text}}
"#;

/// Old enough that what is said of it is gone by.
const OLD: &str = "Thu, 01 Jan 1970 00:01:40 GMT";
/// So far off that nothing is.
const FAR: &str = "Fri, 01 Jan 2100 00:00:00 GMT";

/// What came, a line each.
type Came = Arc<Mutex<Vec<String>>>;

#[cfg(test)]
async fn answer(State(came): State<Came>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let asked = (text("if-none-match"), text("if-modified-since"), text("x-sent"));
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let count = {
        let mut came = came.lock().unwrap();
        let path = parts.uri.path();
        came.push(format!("{} {path} {asked:?} {body:?}", parts.method));
        came.iter().filter(|line| line.contains(path)).count()
    };
    let answer = Response::builder().header("content-type", "application/json");
    let answer = match parts.uri.path() {
        "/lasting" => answer
            .header("date", FAR)
            .header("cache-control", "public, max-age=60"),
        "/expires" => answer.header("date", OLD).header("expires", FAR),
        "/stored" => answer
            .header("date", FAR)
            .header("cache-control", "no-store, max-age=60"),
        "/tagged" if asked.0.is_some() => answer.status(304).header("date", OLD).header("x-later", count),
        "/tagged" => answer
            .header("date", OLD)
            .header("etag", "\"e\"")
            .header("x-later", "no"),
        "/dated" if asked.1.is_some() => answer.header("date", FAR).header("cache-control", "max-age=9"),
        "/dated" => answer.header("date", OLD).header("last-modified", OLD),
        "/lost" => answer
            .status(404)
            .header("date", FAR)
            .header("cache-control", "max-age=60"),
        "/failing" => answer
            .status(500)
            .header("date", FAR)
            .header("cache-control", "max-age=60"),
        "/moved" => answer
            .status(302)
            .header("date", OLD)
            .header("location", "/plain"),
        "/never" => std::future::pending().await,
        _ => answer.header("date", OLD),
    };
    answer
        .body(Body::from(format!("{{\"count\": {count}, \"half\": 1.50}}")))
        .unwrap()
}

/// A server, and what comes to it.
#[cfg(test)]
async fn upstream() -> (u16, Came) {
    let came = Came::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&came));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, came)
}

/// What policies ask for, each three times.
#[cfg(test)]
fn requests(port: u16) -> Vec<Json> {
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let get = |path: &str, more: Json| {
        let mut request = json!({ "method": "get", "url": url(path) });
        request
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        request
    };
    vec![
        get("/plain", json!({})),
        get("/lasting", json!({})),
        get("/lasting", json!({ "cache": true })),
        get(
            "/lasting",
            json!({ "cache": true, "caching_mode": "deserialized" }),
        ),
        get("/lasting", json!({ "cache": true, "headers": { "x-sent": "1" } })),
        get(
            "/lasting",
            json!({ "cache": true, "headers": { "x-sent": "2" }, "cache_ignored_headers": ["x-sent"] }),
        ),
        get(
            "/lasting",
            json!({ "cache": true, "headers": { "x-sent": "3" }, "cache_ignored_headers": ["x-sent"] }),
        ),
        get("/expires", json!({ "cache": true })),
        get("/stored", json!({ "cache": true })),
        get(
            "/stored",
            json!({ "force_cache": true, "force_cache_duration_seconds": 600 }),
        ),
        get("/tagged", json!({ "cache": true })),
        get("/dated", json!({ "cache": true })),
        get("/lost", json!({ "cache": true })),
        get(
            "/failing",
            json!({ "force_cache": true, "force_cache_duration_seconds": 600 }),
        ),
        get("/plain", json!({ "cache": true })),
        get("/moved", json!({})),
        get("/moved", json!({ "enable_redirect": true })),
        get("/never", json!({ "timeout": "50ms" })),
        json!({ "method": "POST", "url": url("/plain"), "body": { "a": [1.0] }, "headers": { "x-sent": "b" } }),
        json!({ "method": "get", "url": "http://127.0.0.1:1/" }),
        json!({ "method": "get", "url": url("/plain"), "force_cache": true }),
    ]
}

#[cfg(test)]
fn opa() -> PathBuf {
    let output = Command::new("bash")
        .arg(root().join("scripts/tools.sh"))
        .output()
        .unwrap();
    assert!(output.status.success(), "this test needs opa; run `make tools`");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

#[cfg(test)]
struct Opa {
    process: std::process::Child,
    client: reqwest::Client,
}

impl Drop for Opa {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
impl Opa {
    async fn start(folder: &Path, policy: &Path) -> Self {
        let socket = folder.join("opa.sock");
        let process = Command::new(opa())
            .args(["run", "--server", "--skip-version-check"])
            .arg(format!("--addr=unix://{}", socket.display()))
            .arg(policy)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = reqwest::Client::builder().unix_socket(socket).build().unwrap();
        let opa = Self { process, client };
        while opa.client.get("http://opa/health").send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        opa
    }

    async fn seen(&self, request: &Json) -> Option<String> {
        let headers = json!({ "x-request": request.to_string() });
        let input = json!({ "attributes": { "request": { "http": { "headers": headers } } } });
        let asked = self
            .client
            .post("http://opa/v1/data/envoy/authz/text")
            .body(json!({ "input": input }).to_string())
            .send();
        let answer: Json = serde_json::from_str(&asked.await.unwrap().text().await.unwrap()).unwrap();
        answer["result"].as_str().map(str::to_owned)
    }
}

#[cfg(test)]
async fn seen(server: &Server, request: &Json) -> Option<String> {
    let http = HttpRequest {
        path: "/".to_owned(),
        headers: [("x-request".to_owned(), request.to_string())].into(),
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        request: Some(Attributes {
            http: Some(http),
            ..Attributes::default()
        }),
        ..AttributeContext::default()
    };
    let asked = CheckRequest {
        attributes: Some(attributes),
    };
    match server.check(asked).await {
        Ok(answer) => {
            use envoy_types::pb::google::protobuf::value::Kind;
            let fields = answer.dynamic_metadata.unwrap().fields;
            match fields.get("seen").unwrap().kind.clone().unwrap() {
                Kind::StringValue(text) => Some(text),
                other => panic!("{other:?}"),
            }
        }
        Err(status) => {
            assert_eq!(status.message(), "undefined decision");
            None
        }
    }
}

#[tokio::test]
async fn requests_of_policies_are_made_and_kept_as_opa_makes_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.rego");
    std::fs::write(&policy, POLICY).unwrap();
    let opa = Opa::start(folder.path(), &policy).await;
    let setting = Setting {
        config: None,
        files: vec![policy],
        plugin: Vec::new(),
        flags: Vec::new(),
    };
    let sidecar = Server::start(&binary("postern-sidecar"), &setting).await.unwrap();
    let (theirs, came_of_opa) = upstream().await;
    let (ours, came_of_us) = upstream().await;
    for (of_opa, of_us) in requests(theirs).iter().zip(requests(ours)) {
        for turn in 1..=3 {
            let wanted = opa.seen(of_opa).await;
            assert_eq!(seen(&sidecar, &of_us).await, wanted, "{of_us}, turn {turn}");
            let lines = |came: &Came| came.lock().unwrap().clone();
            assert_eq!(lines(&came_of_us), lines(&came_of_opa), "{of_us}, turn {turn}");
        }
    }
}
