use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::{Body, to_bytes};
use postern_decide::ActivePolicy;
use postern_policy::{Engine, EngineError, Entrypoint, Env, Value};
use tower::ServiceExt;

use super::super::status::{BundleStatus, PluginMetrics, PluginState, StatusMetrics};
use super::*;
use crate::testing;

/// A policy with one entrypoint, `system/health`, that tells what it was asked with.
struct Health;

impl Engine for Health {
    fn revision(&self) -> &str {
        ""
    }

    fn entrypoints(&self) -> Vec<String> {
        vec!["system/health".to_owned()]
    }

    fn entrypoint(&self, path: &str) -> Option<Entrypoint> {
        (path == "system/health").then(|| Entrypoint::from_index(0))
    }

    fn evaluate(&self, _: Entrypoint, input: Option<&Value>, _: &Env) -> Result<Option<Value>, EngineError> {
        let ready = input.unwrap().get("plugins_ready").cloned();
        let answer = [
            ("live", Some(Value::Bool(true))),
            ("ready", ready),
            ("odd", Some(Value::from(3))),
        ];
        Ok(Some(Value::object_from(
            answer.map(|(name, value)| (name, value.unwrap())),
        )))
    }
}

fn api(status: &Arc<OpaStatus>, has_status: bool) -> Api {
    let snapshot = testing::snapshot();
    let policy = ActivePolicy::new(Arc::new(Health), Entrypoint::from_index(0));
    Api {
        status: Arc::clone(status),
        configured: Arc::new(ArcSwap::from_pointee(Configured {
            has_status,
            collector: Collector {
                status: Arc::clone(status),
                status_metrics: StatusMetrics::On,
                plugin: Some(Arc::new(PluginMetrics::new(&[1.0]))),
                logs: None,
            },
            config: json!({
                "labels": {"id": "an id"},
                "services": {"a": {"url": "http://a", "credentials": {"bearer": {"token": "s3cr3t"}}}},
                "keys": {"k": {"algorithm": "HS256", "key": "s3cr3t", "private_key": "s3cr3t"}},
            }),
        })),
        published: Arc::new(Published::new(snapshot.with_policy(Arc::new(policy)))),
        randomness: Arc::new(Randomness::from_system().unwrap()),
        own_metrics: Arc::new(|| "postern_ready 1\n".to_owned()),
    }
}

fn status() -> Arc<OpaStatus> {
    Arc::new(OpaStatus::new(BTreeMap::new(), None))
}

async fn ask(api: &Api, port: Port, method: &str, path: &str) -> (u16, String, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let response = router(port, api.clone()).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let kind = head
        .headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap().to_owned());
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (
        head.status.as_u16(),
        kind.unwrap_or_default(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

/// What opa-envoy-plugin 1.22.2 answered to the same, recorded from it with curl.
#[tokio::test]
async fn probes_are_answered_as_the_plugin_answers_them() {
    let status = status();
    status.plugin("bundle", PluginState::Ok);
    let api = api(&status, true);
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain; charset=utf-8";
    for port in [Port::Main, Port::Diagnostic] {
        for (method, path, code, kind, body) in [
            ("GET", "/health", 200, JSON, "{}\n"),
            ("GET", "/health?bundles", 200, JSON, "{}\n"),
            ("GET", "/health?bundle=true", 200, JSON, "{}\n"),
            ("GET", "/health?plugins&exclude-plugin=x", 200, JSON, "{}\n"),
            ("GET", "/health/live", 200, JSON, "{}\n"),
            ("GET", "/health/ready", 200, JSON, "{}\n"),
            (
                "GET",
                "/health/odd",
                500,
                JSON,
                "{\"error\":\"health check (data.system.health.odd) returned unexpected value\"}\n",
            ),
            (
                "GET",
                "/health/nope",
                500,
                JSON,
                "{\"error\":\"health check (data.system.health.nope) was undefined\"}\n",
            ),
            (
                "GET",
                "/health/a%20b/3",
                500,
                JSON,
                "{\"error\":\"health check (data.system.health[\\\"a b\\\"][3]) was undefined\"}\n",
            ),
            (
                "GET",
                "/health/%22",
                400,
                JSON,
                "{\n  \"code\": \"invalid_parameter\",\n  \"message\": \"invalid path: invalid ref term '\\\"'\"\n}\n",
            ),
            (
                "GET",
                "/health/live/",
                301,
                "text/html; charset=utf-8",
                "<a href=\"/health/live\">Moved Permanently</a>.\n\n",
            ),
            (
                "GET",
                "/health/",
                301,
                "text/html; charset=utf-8",
                "<a href=\"/health\">Moved Permanently</a>.\n\n",
            ),
            ("GET", "/nope", 404, TEXT, "404 page not found\n"),
            ("POST", "/nope", 404, TEXT, "404 page not found\n"),
            ("POST", "/health", 405, TEXT, "Method Not Allowed\n"),
            ("DELETE", "/metrics", 405, TEXT, "Method Not Allowed\n"),
            ("HEAD", "/health", 405, "", ""),
        ] {
            let got = ask(&api, port, method, path).await;
            assert_eq!(got, (code, kind.to_owned(), body.to_owned()), "{method} {path}");
        }
    }
    let (code, _, _) = ask(&api, Port::Diagnostic, "GET", "/v1/config").await;
    assert_eq!(code, 404, "the diagnostic port has health and metrics only");
}

#[tokio::test]
async fn a_plugin_or_bundle_that_isnt_up_shows_where_it_is_asked_for() {
    let status = status();
    status.plugin("bundle", PluginState::NotReady);
    status.bundle("main", |_| {});
    let api = api(&status, true);
    let problem = async |path: &str| ask(&api, Port::Diagnostic, "GET", path).await;
    assert_eq!(problem("/health").await.0, 200);
    let (code, _, text) = problem("/health?bundles").await;
    assert_eq!(
        (code, text.as_str()),
        (
            500,
            "{\"error\":\"one or more bundles are not activated: main\"}\n"
        )
    );
    let (code, _, text) = problem("/health?plugins").await;
    assert_eq!(
        (code, text.as_str()),
        (500, "{\"error\":\"one or more plugins are not up\"}\n")
    );
    assert_eq!(problem("/health?plugins&exclude-plugin=bundle").await.0, 200);
    assert_eq!(problem("/health/ready").await.0, 500);
    status.plugin("bundle", PluginState::Ok);
    assert_eq!(problem("/health/ready").await.0, 200);
    // Once ready is ready for good.
    status.plugin("bundle", PluginState::Error);
    assert_eq!(problem("/health/ready").await.0, 200);
    assert_eq!(problem("/health?plugins").await.0, 500);
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let api = api(&status(), true);
    for path in ["/v1/config", "/v1/config?pretty"] {
        let (code, kind, text) = ask(&api, Port::Main, "GET", path).await;
        assert_eq!((code, kind.as_str()), (200, "application/json"));
        assert!(!text.contains("s3cr3t") && text.contains("http://a"), "{text}");
        let shown: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(shown["result"]["keys"]["k"], json!({"algorithm": "HS256"}));
        assert_eq!(text.lines().count() > 1, path.ends_with("pretty"));
    }
}

#[tokio::test]
async fn the_status_is_what_is_known_and_an_error_where_none_is_configured() {
    let status = status();
    status.bundle("main", |bundle| {
        bundle.active_revision = "r1".to_owned();
        bundle.last_successful_activation = Some(1_796_094_211_016_524_126);
    });
    let (_, _, text) = ask(&api(&status, true), Port::Main, "GET", "/v1/status").await;
    let shown: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(
        shown["result"]["bundles"]["main"],
        json!({
            "name": "main",
            "active_revision": "r1",
            "last_successful_activation": "2026-12-01T03:03:31.016524126Z",
            "last_successful_download": "0001-01-01T00:00:00Z",
            "last_successful_request": "0001-01-01T00:00:00Z",
            "last_request": "0001-01-01T00:00:00Z",
        })
    );
    let answered = ask(&api(&status, false), Port::Main, "GET", "/v1/status").await;
    let want = "{\n  \"code\": \"internal_error\",\n  \"message\": \"status plugin not enabled\"\n}\n";
    assert_eq!(answered, (500, "application/json".to_owned(), want.to_owned()));
}

#[tokio::test]
async fn what_pushes_policy_is_told_what_to_do_instead() {
    let api = api(&status(), true);
    for (method, path) in [
        ("PUT", "/v1/policies/a"),
        ("GET", "/v1/policies"),
        ("PUT", "/v1/data/a/b"),
        ("PATCH", "/v1/data"),
        ("POST", "/v1/data/a"),
        ("POST", "/v0/data/a"),
        ("POST", "/v1/query"),
        ("POST", "/"),
    ] {
        let (code, kind, text) = ask(&api, Port::Main, method, path).await;
        assert_eq!(
            (code, kind.as_str()),
            (404, "application/json"),
            "{method} {path}"
        );
        let error: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(error["code"], "resource_not_found");
        assert!(
            error["message"].as_str().unwrap().contains("bundle"),
            "{method} {path}: {text}"
        );
    }
}

#[tokio::test]
async fn metrics_are_ours_and_then_opas() {
    let status = status();
    status.plugin("bundle", PluginState::Ok);
    status.bundle("a\"b", |bundle: &mut BundleStatus| {
        bundle.set_error(Some(crate::opa::status::BundleError {
            message: "it\nfailed".to_owned(),
            http_code: Some(404),
            errors: Vec::new(),
        }));
    });
    let (_, kind, text) = ask(&api(&status, true), Port::Diagnostic, "GET", "/metrics").await;
    assert_eq!(
        kind,
        "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    );
    let mut want = "postern_ready 1\n".to_owned();
    for (name, help, sample) in [
        (
            "last_bundle_request",
            "Gauge for the last bundle request.",
            "{name=\"a\\\"b\"} -6.795364578871345e+18",
        ),
        (
            "last_success_bundle_activation",
            "Gauge for the last success bundle activation.",
            "{active_revision=\"\",name=\"a\\\"b\"} -6.795364578871345e+18",
        ),
        (
            "last_success_bundle_download",
            "Gauge for the last success bundle download.",
            "{name=\"a\\\"b\"} -6.795364578871345e+18",
        ),
        (
            "last_success_bundle_request",
            "Gauge for the last success bundle request.",
            "{name=\"a\\\"b\"} -6.795364578871345e+18",
        ),
        (
            "opa_info",
            "Information about the OPA environment.",
            "{version=\"1.22.2\"} 1",
        ),
        (
            "plugin_status_gauge",
            "Gauge for the plugin by status.",
            "{name=\"bundle\",status=\"OK\"} 1",
        ),
    ] {
        let _ = writeln!(want, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{sample}");
    }
    assert_eq!(text, want);
}
