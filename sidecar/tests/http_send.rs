//! `http.send` in the real process: off unless configured, only to listed hosts at public addresses, under one deadline; and
//! what the policy sees of an answer is what `opa eval` shows it of the same server.

#[cfg(test)]
#[path = "http_send/asking.rs"]
mod asking;
#[cfg(test)]
mod authority;
#[cfg(test)]
#[path = "http_send/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "http_send/requests.rs"]
mod requests;
#[cfg(test)]
#[path = "http_send/tls.rs"]
mod tls;
#[cfg(test)]
#[path = "http_send/upstream.rs"]
mod upstream;
#[cfg(test)]
mod world;

use std::time::Duration;

use asking::{ask, ask_opa, plan, without_date};
use authority::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, body::Bytes};
use serde_json::{Value as Json, json};
use world::{Client, World, eventually};

const SOON: Duration = Duration::from_secs(20);

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
    let (mut asked, mut answers) = (Vec::new(), Vec::new());
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
        asked.push((url(path), options));
        answers.push(ours.text);
    }
    let opas = tokio::task::block_in_place(|| ask_opa(&folder, &asked));
    for ((ours, opas), asked) in answers.iter().zip(&opas).zip(&asked) {
        assert_eq!(without_date(ours), without_date(opas), "{asked:?}");
    }
    let quiet = json!({ "raise_error": false });
    // Its own timeout is a failure like any other; the deadline of the configuration denies.
    let impatient = json!({ "raise_error": false, "timeout": "20ms" });
    let late = ask(&client, &token, &url("/never"), &impatient).await.json();
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
        assert!(denied.is_refused(), "{url}: {}", denied.text);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_decision_takes_is_told_with_what_it_waited_for() {
    let world = World::new().await;
    let folder = world.folder.path().join("opa");
    std::fs::create_dir(&folder).unwrap();
    world.origin.serve_bundle(world.bundle("r2", &plan(&folder)));
    let server = server().await;
    let mut config = world.config();
    let hosts = json!([{ "host": server, "scheme": "http", "allow_private": true }]);
    config.document["policy"]["http_send"] = json!({ "hosts": hosts, "timeout_ms": 10_000 });
    config.document["routes"] = json!([{ "name": "orders", "http_send": true }]);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");
    let url = format!("http://{server}/never");
    let impatient = json!({ "raise_error": false, "timeout": "400ms" });
    let late = ask(&client, &token, &url, &impatient).await.json();
    assert_eq!(late["error"]["code"], json!("eval_http_send_network_error"));

    let (_, list) = sidecar.admin("/decisions").await;
    let took = list["decisions"][0]["took_us"].as_f64().unwrap();
    assert!((400_000.0..30_000_000.0).contains(&took), "{list}");
    let metrics = sidecar.metrics().await;
    let sum = metrics
        .lines()
        .find_map(|line| line.strip_prefix("postern_check_duration_seconds_sum "));
    assert!(sum.unwrap().parse::<f64>().unwrap() >= 0.4, "{sum:?}");
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

/// What servers send that don't keep to HTTP, or use all of it: the policy sees what OPA shows, or the decision is denied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_sends_the_policy_sees_what_opa_shows_or_nothing() {
    let world = World::new().await;
    let folder = world.folder.path().join("opa");
    std::fs::create_dir(&folder).unwrap();
    world.origin.serve_bundle(world.bundle("r2", &plan(&folder)));
    let upstream = upstream::start().await;
    let port = upstream.port();
    let mut config = world.config();
    let host = |host: String| json!({ "host": host, "scheme": "http", "allow_private": true });
    config.document["policy"]["http_send"] = json!({
        "hosts": [host(format!("127.0.0.1:{port}")), host(format!("localhost:{port}")), host("127.0.0.1:2".to_owned())],
        "timeout_ms": 5000,
        "max_response_kib": 64,
    });
    config.document["routes"] = json!([{ "name": "orders", "http_send": true }]);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");
    let cases = cases::all(port);
    let (mut asked, mut answers, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (n, case) in cases.iter().enumerate() {
        upstream.sends(&format!("/{n}"), &case.sent);
        let own = format!("http://127.0.0.1:{port}/{n}");
        let url = case.url.clone().unwrap_or(own);
        let ours = ask(&client, &token, &url, &case.options).await;
        // The next one finds no breaker open.
        let echo = format!("http://127.0.0.1:{port}/echo");
        ask(&client, &token, &echo, &json!({})).await;
        match case.wanted {
            // OPA isn't asked: it would ask everybody.
            cases::Wanted::Refused if ours.is_refused() => {}
            cases::Wanted::Refused => wrong.push(format!("{}: {}", case.name, ours.text)),
            _ => {
                asked.push((url, case.options.clone()));
                answers.push((case, ours));
            }
        }
    }
    upstream.forget_tries();
    let opas = tokio::task::block_in_place(|| ask_opa(&folder, &asked));
    for ((case, ours), opas) in answers.iter().zip(&opas) {
        if !cases::is_right(case.wanted, ours, opas) {
            wrong.push(format!("{}:\n  ours {}\n  opas {opas}", case.name, ours.text));
        }
    }
    let (wrongs, all) = (wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{wrongs} of {all}:\n{}", wrong.join("\n"));
}

/// Over TLS: only who has a certificate for its name, of an authority that is trusted, in its time, gets to see a request. OPA
/// is told by the request whom to trust, the sidecar by its configuration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_asks_over_tls_whom_opa_would_and_nobody_else() {
    use tls::Kind::{AsksForACertificate, Expired, Fine, NotYet, OtherName, SelfSigned, Tls12};
    let world = World::new().await;
    let folder = world.folder.path().join("opa");
    std::fs::create_dir(&folder).unwrap();
    world.origin.serve_bundle(world.bundle("r2", &plan(&folder)));
    let (authority, stranger) = (Authority::new(), Authority::new());
    std::fs::write(world.folder.path().join("authority.pem"), authority.pem()).unwrap();
    let now = std::time::UNIX_EPOCH + Duration::from_secs(world::now());
    let mut servers = Vec::new();
    for (of, kind, code) in [
        (&authority, Fine, Some(200)),
        (&authority, Tls12, Some(200)),
        (&authority, OtherName, Some(0)),
        (&authority, Expired, Some(0)),
        (&authority, NotYet, Some(0)),
        (&authority, SelfSigned, Some(0)),
        (&stranger, Fine, Some(0)),
        // With TLS 1.3 that is said when a request has been sent; OPA shows it as a failure, and here it denies.
        (&authority, AsksForACertificate, None),
    ] {
        servers.push((of.serve(kind, now).await, kind, code));
    }
    let mut config = world.config();
    let hosts: Vec<Json> = servers
        .iter()
        .flat_map(|(port, ..)| [format!("localhost:{port}"), format!("127.0.0.1:{port}")])
        .map(|host| json!({ "host": host, "allow_private": true }))
        .collect();
    config.document["policy"]["http_send"] =
        json!({ "hosts": hosts, "timeout_ms": 10_000, "ca_file": "authority.pem" });
    config.document["routes"] = json!([{ "name": "orders", "http_send": true }]);
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let token = world.token("orders:read");

    let (mut asked, mut answers) = (Vec::new(), Vec::new());
    for (port, kind, code) in servers {
        // The certificates are for the name alone.
        for (host, code) in [("localhost", code), ("127.0.0.1", Some(0))] {
            let url = format!("https://{host}:{port}/echo");
            let mut options = json!({ "raise_error": false, "headers": { "X-Sent": "1" } });
            let ours = ask(&client, &token, &url, &options).await;
            let Some(code) = code else {
                assert!(ours.is_refused(), "{kind:?} {host}: {}", ours.text);
                continue;
            };
            assert_eq!(
                ours.json()["status_code"],
                json!(code),
                "{kind:?} {host}: {}",
                ours.text
            );
            options["tls_ca_cert"] = json!(authority.pem());
            asked.push((url, options));
            answers.push((ours, kind));
        }
    }
    let opas = tokio::task::block_in_place(|| ask_opa(&folder, &asked));
    for ((ours, kind), opas) in answers.iter().zip(&opas) {
        let same = cases::is_right(cases::Wanted::Same, ours, opas);
        assert!(same, "{kind:?}:\n  ours {}\n  opas {opas}", ours.text);
    }

    // Whom to trust, and as whom to ask, isn't the policy's to say.
    let fine = &asked[0].0;
    for (option, value) in [
        ("tls_insecure_skip_verify", json!(true)),
        ("tls_ca_cert", json!(authority.pem())),
        ("tls_ca_cert_file", json!("authority.pem")),
        ("tls_server_name", json!("localhost")),
        ("tls_client_cert", json!(authority.pem())),
        ("tls_client_key", json!("key")),
    ] {
        let denied = ask(
            &client,
            &token,
            fine,
            &json!({ "raise_error": false, option: value }),
        )
        .await;
        assert!(denied.is_refused(), "{option}: {}", denied.text);
        let reasons: Vec<String> = sidecar.log().iter().map(Json::to_string).collect();
        let reason = format!("a request with {option}");
        assert!(reasons.iter().any(|line| line.contains(&reason)), "{reasons:?}");
    }
}
