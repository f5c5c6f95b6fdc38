//! `http.send` in the real process: off unless configured, only to listed hosts at public addresses, under one deadline; and
//! what the policy sees of an answer is what `opa eval` shows it of the same server.

#[cfg(test)]
mod world;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, body::Bytes};
use postern_policy::{Bundle, Limits, Verification};
use serde_json::{Value as Json, json};
use world::{Client, World, eventually};

const SOON: Duration = Duration::from_secs(20);

/// Asks what the request's headers say, and refuses with all that came of it.
const REGO: &str = r#"package orders.authz

headers := input.attributes.request.http.headers

asked := object.union({"method": "get", "url": headers["x-url"]}, json.unmarshal(headers["x-options"]))

decision := {"allowed": false, "http_status": 403, "body": json.marshal(http.send(asked))}
"#;

/// A program of the pinned OPA's.
#[cfg(test)]
fn opa(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools.sh");
    let path = Command::new("bash").arg(script).output().unwrap();
    let path = String::from_utf8(path.stdout).unwrap();
    let output = Command::new(path.trim())
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// The plan of [`REGO`].
#[cfg(test)]
fn plan(folder: &Path) -> String {
    std::fs::write(folder.join("policy.rego"), REGO).unwrap();
    let entrypoint = "orders/authz/decision";
    opa(
        folder,
        &[
            "build",
            "-t",
            "plan",
            "-e",
            entrypoint,
            "-o",
            "plan.tar.gz",
            "policy.rego",
        ],
    );
    let archive = std::fs::read(folder.join("plan.tar.gz")).unwrap();
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    String::from_utf8(bundle.plan().unwrap().bytes().to_vec()).unwrap()
}

/// A server that policies ask; gives its address.
#[cfg(test)]
async fn server() -> String {
    async fn echo(method: Method, headers: HeaderMap, body: Bytes) -> Response {
        let sent = headers
            .get("x-sent")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let text = String::from_utf8(body.to_vec()).unwrap();
        let echo = json!({ "method": method.as_str(), "x-sent": sent, "body": text });
        let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        (StatusCode::ACCEPTED, kind, echo.to_string()).into_response()
    }
    let yaml = || async { ([(header::CONTENT_TYPE, "application/yaml")], "a: [b, 1]\n") };
    let twice = || async { axum::response::AppendHeaders([("x-a", "1"), ("x-a", "2")]) };
    let router = Router::new()
        .route("/echo", get(echo).post(echo))
        .route("/yaml", get(yaml))
        .route("/twice", get(twice))
        .route("/large", get(|| async { "x".repeat(2_000) }))
        .route("/never", get(std::future::pending::<&str>))
        .route("/moved", get(|| async { axum::response::Redirect::to("/echo") }))
        .route(
            "/away",
            get(|| async { axum::response::Redirect::to("http://127.0.0.1:1/") }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

#[cfg(test)]
struct Asked {
    status: i32,
    body: Json,
}

#[cfg(test)]
async fn ask(client: &Client, token: &str, url: &str, options: &Json) -> Asked {
    let authorization = format!("Bearer {token}");
    let options = options.to_string();
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-url", url),
        ("x-options", options.as_str()),
    ];
    let answer = client.ask("GET", "/orders", &headers, true).await;
    Asked {
        status: answer.status,
        body: answer.json(),
    }
}

/// What `opa eval` shows the policy.
#[cfg(test)]
fn ask_opa(folder: &Path, url: &str, options: &Json) -> Json {
    let headers = json!({ "x-url": url, "x-options": options.to_string() });
    let input = json!({ "attributes": { "request": { "http": { "headers": headers } } } });
    std::fs::write(folder.join("input.json"), input.to_string()).unwrap();
    let query = "data.orders.authz.decision.body";
    let text = opa(
        folder,
        &[
            "eval",
            "-d",
            "policy.rego",
            "-i",
            "input.json",
            "-f",
            "raw",
            query,
        ],
    );
    serde_json::from_slice(&text).unwrap()
}

#[cfg(test)]
fn without_date(mut response: Json) -> Json {
    if let Some(headers) = response["headers"].as_object_mut() {
        headers.remove("date");
    }
    response
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_asks_hosts_that_are_listed_within_bounds_and_sees_what_opa_shows() {
    let world = World::new().await;
    let folder = world.folder.path().join("opa");
    std::fs::create_dir(&folder).unwrap();
    world.origin.serve_bundle(world.bundle("r2", &plan(&folder)));
    let server = server().await;
    let port = server.rsplit(':').next().unwrap();
    let mut config = world.config();
    config.document["policy"]["http_send"] = json!({
        "hosts": [
            { "host": server, "scheme": "http", "allow_private": true },
            { "host": format!("localhost:{port}"), "scheme": "http" },
            { "host": "127.0.0.1:2", "scheme": "http", "allow_private": true },
            { "host": "127.0.0.1:3", "scheme": "http" },
        ],
        "timeout_ms": 1500,
        "max_response_kib": 1,
    });
    config.document["routes"] = json!([{ "name": "orders", "http_send": true }]);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");

    let url = |path: &str| format!("http://{server}{path}");
    for (path, options) in [
        ("/echo", json!({})),
        (
            "/echo",
            json!({ "method": "post", "body": { "a": ["<", 1.50] }, "headers": { "X-Sent": "1" } }),
        ),
        ("/echo", json!({ "method": "post", "raw_body": "text" })),
        ("/yaml", json!({})),
        ("/twice", json!({})),
        ("/missing", json!({})),
        ("/moved", json!({})),
        ("/moved", json!({ "enable_redirect": true })),
    ] {
        let ours = ask(&client, &token, &url(path), &options).await;
        assert_eq!(ours.status, 403);
        let opas = tokio::task::block_in_place(|| ask_opa(&folder, &url(path), &options));
        assert_eq!(without_date(ours.body), without_date(opas), "{path} {options}");
    }
    let quiet = json!({ "raise_error": false });
    let closed = ask(&client, &token, "http://127.0.0.1:2/", &quiet).await.body;
    let opas = tokio::task::block_in_place(|| ask_opa(&folder, "http://127.0.0.1:2/", &quiet));
    assert_eq!(closed["status_code"], opas["status_code"]);
    assert_eq!(closed["error"]["code"], opas["error"]["code"], "{closed} {opas}");
    // Its own timeout is a failure like any other; the deadline of the configuration denies.
    let impatient = json!({ "raise_error": false, "timeout": "20ms" });
    let late = ask(&client, &token, &url("/never"), &impatient).await.body;
    assert_eq!(
        late["error"]["code"],
        json!("eval_http_send_network_error"),
        "{late}"
    );

    // Whatever OPA might have had for an answer, these deny, and never are undefined.
    for (url, options) in [
        ("http://127.0.0.1:4/".to_owned(), &quiet),
        ("http://127.0.0.1:3/".to_owned(), &quiet),
        (format!("http://localhost:{port}/echo"), &quiet),
        (format!("https://{server}/echo"), &quiet),
        (url("/never"), &quiet),
        (url("/large"), &quiet),
        (
            url("/away"),
            &json!({ "raise_error": false, "enable_redirect": true }),
        ),
        (url("/echo"), &json!({ "raise_error": false, "tls_ca_cert": "x" })),
    ] {
        let denied = ask(&client, &token, &url, options).await;
        assert_eq!(denied.body["code"], "policy_error", "{url}: {}", denied.body);
    }
    let reasons: Vec<String> = sidecar.log().iter().map(Json::to_string).collect();
    for reason in [
        "the host isn't listed under `policy.http_send.hosts`",
        "the address is private",
        "its address is private",
        "no answer within 1.5s",
        "the answer is larger than 1024 bytes",
        "a request with tls_ca_cert, which is not supported",
    ] {
        assert!(
            reasons.iter().any(|line| line.contains(reason)),
            "{reason}: {reasons:?}"
        );
    }
}

#[tokio::test]
async fn a_policy_that_asks_while_that_is_off_is_refused_and_the_last_good_one_serves() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let reader = world.token("orders:read");
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    let folder = world.folder.path().join("opa");
    std::fs::create_dir(&folder).unwrap();
    world.origin.serve_bundle(world.bundle("r2", &plan(&folder)));
    eventually(SOON, "refused", || async {
        let refused = |line: &Json| line.to_string().contains("calls `http.send`, which is off");
        sidecar.log().iter().any(refused)
    })
    .await;
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert!(
        sidecar
            .log()
            .iter()
            .any(|line| line.to_string().contains("`policy.http_send.hosts`"))
    );
}

#[tokio::test]
async fn a_route_that_asks_somebody_without_a_list_of_hosts_is_refused() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["routes"] = json!([{ "name": "orders", "http_send": true }]);
    let output = config.refused();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("`policy.http_send`"),
        "{told}"
    );
}
