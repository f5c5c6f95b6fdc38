use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use postern_decide::opa_envoy::{Reply, Response, Verdict};
use postern_decide::{Now, OpaEnvoySettings};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::super::service::OpenService;
use super::*;
use crate::testing;

async fn take(State(came): State<UnboundedSender<(String, Json)>>, uri: Uri, body: Bytes) {
    let _ = came.send((uri.path().to_owned(), serde_json::from_slice(&body).unwrap()));
}

async fn sink() -> (Arc<dyn Service>, UnboundedReceiver<(String, Json)>) {
    let (sender, came) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(take).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Arc::new(OpenService::new(reqwest::Client::new(), &url)), came)
}

fn plan(status: Option<StatusSettings>) -> TellingPlan {
    let snapshot = testing::snapshot();
    TellingPlan {
        labels: [("id".to_owned(), "an id".to_owned())].into(),
        path: "authz/allow".to_owned(),
        query: String::new(),
        logs: Some((LogSettings::default(), None)),
        status,
        duration_buckets: Some(vec![0.001, 0.1]),
        discovers: false,
        config: json!({}),
        published: Arc::new(Published::new(snapshot)),
        randomness: Arc::new(Randomness::from_system().unwrap()),
        own_metrics: Arc::new(String::new),
    }
}

fn verdict(failure: Option<&'static str>) -> Verdict {
    let failure = failure.map(|reason| postern_decide::opa_envoy::Failure {
        reason: reason.into(),
        message: String::new(),
        code: postern_decide::opa_envoy::GrpcCode::Unknown,
        evaluation: None,
    });
    Verdict {
        decision_id: Uuid::nil(),
        reply: Reply::Response(Response::default()),
        allowed: true,
        result: None,
        failure,
        has_input: false,
        policy_cache: postern_decide::PolicyCache::default(),
    }
}

const LAST: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_status_is_sent_each_time_that_something_changes() {
    let (service, mut came) = sink().await;
    let configured = postern_opa_config::Status {
        service: Some("sink".to_owned()),
        partition_name: Some("a-partition".to_owned()),
        console: false,
        prometheus: true,
        bundle_loading_buckets_ns: Some(vec![1000.0, 2000.0]),
    };
    let settings = StatusSettings::new(&configured, Some(service));
    let telling = Telling::start(plan(Some(settings)), LAST).unwrap();
    let (path, first) = came.recv().await.unwrap();
    assert_eq!(path, "/status/a-partition");
    assert_eq!(first["labels"], json!({"id": "an id"}));
    assert_eq!(
        first["plugins"],
        json!({"decision_logs": {"state": "OK"}, "discovery": {"state": "OK"}, "status": {"state": "OK"}})
    );
    telling.status().bundle("main", |bundle| {
        bundle.active_revision = "r1".to_owned();
        bundle.last_successful_activation = Some(0);
        bundle
            .metrics
            .insert("timer_rego_load_bundles_ns".to_owned(), 1500);
    });
    let (_, second) = came.recv().await.unwrap();
    assert_eq!(second["bundles"]["main"]["active_revision"], "r1");
    let metrics = &second["metrics"]["prometheus"];
    assert_eq!(
        metrics["bundle_loaded_counter"],
        json!({"name": "bundle_loaded_counter", "help": "Counter for the bundle loaded.", "type": "COUNTER",
            "metric": [{"label": [{"name": "name", "value": "main"}], "counter": {"value": 1}}]})
    );
    let histogram = &metrics["bundle_loading_duration_ns"]["metric"][0]["histogram"];
    assert_eq!(
        *histogram,
        json!({"sampleCount": "1", "sampleSum": 1500, "bucket": [
            {"cumulativeCount": "0", "upperBound": 1000}, {"cumulativeCount": "1", "upperBound": 2000}]})
    );
    // What changes last is still told.
    telling.status().bundle("main", |bundle| {
        bundle.set_error(Some(crate::opa::status::BundleError {
            message: "refused".to_owned(),
            http_code: Some(404),
            errors: Vec::new(),
        }));
    });
    telling.end(LAST).await;
    let (_, last) = came.recv().await.unwrap();
    assert_eq!(last["bundles"]["main"]["code"], "bundle_error");
    assert_eq!(last["bundles"]["main"]["http_code"], 404);
    let failed = &last["metrics"]["prometheus"]["bundle_failed_load_counter"]["metric"][0];
    assert_eq!(failed["counter"]["value"], 1);
}

#[tokio::test]
async fn checks_are_counted_as_the_plugin_counts_them() {
    let telling = Telling::start(plan(None), LAST).unwrap();
    let observer = telling.observer();
    for (failure, ms) in [
        (None, 0),
        (None, 50),
        (None, 200),
        (Some("eval_conflict_error"), 1),
        (Some("eval_conflict_error"), 1),
    ] {
        let took = Duration::from_millis(ms);
        let settings = OpaEnvoySettings::default();
        observer.decided(
            &Bytes::new(),
            &verdict(failure),
            &settings,
            None,
            (Now { unix_ns: 0 }, took),
            || panic!("nobody asked for it"),
        );
    }
    let mut text = String::new();
    telling
        .api()
        .configured
        .load()
        .collector
        .write_text(&mut text)
        .unwrap();
    assert_eq!(
        text,
        "# HELP error_counter A counter for errors\n\
         # TYPE error_counter counter\n\
         error_counter{reason=\"eval_conflict_error\"} 2\n\
         # HELP grpc_request_duration_seconds A histogram of duration for grpc authz requests.\n\
         # TYPE grpc_request_duration_seconds histogram\n\
         grpc_request_duration_seconds_bucket{handler=\"check\",le=\"0.001\"} 1\n\
         grpc_request_duration_seconds_bucket{handler=\"check\",le=\"0.1\"} 2\n\
         grpc_request_duration_seconds_bucket{handler=\"check\",le=\"+Inf\"} 3\n\
         grpc_request_duration_seconds_sum{handler=\"check\"} 0.25\n\
         grpc_request_duration_seconds_count{handler=\"check\"} 3\n"
    );
    telling.end(LAST).await;
}
