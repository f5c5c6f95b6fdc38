//! From a decision to a server that takes what is uploaded, over real HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use postern_decide::{Now, OpaEnvoySettings};
use postern_policy::Value;
use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::super::chunks::tests::events;
use super::super::{DecisionLogs, LogPlan, LogSettings, Told};
use super::*;
use crate::opa::service::OpenService;

/// What came, of which path and with which headers.
type Came = (String, HeaderMap, Vec<Value>);

#[derive(Clone)]
struct Sink {
    came: UnboundedSender<Came>,
    /// What is answered.
    status: Arc<AtomicU16>,
}

async fn take(State(sink): State<Sink>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let _ = sink.came.send((uri.path().to_owned(), headers, events(&body)));
    StatusCode::from_u16(sink.status.load(Ordering::Relaxed)).unwrap()
}

struct World {
    logs: DecisionLogs,
    came: UnboundedReceiver<Came>,
    answer: Arc<AtomicU16>,
    status: Arc<OpaStatus>,
}

impl World {
    async fn new(settings: LogSettings) -> Self {
        let (sender, came) = unbounded_channel();
        let answer = Arc::new(AtomicU16::new(200));
        let sink = Sink {
            came: sender,
            status: Arc::clone(&answer),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base/", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(sink);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let status = Arc::new(OpaStatus::new(BTreeMap::new(), None));
        let logs = DecisionLogs::start(LogPlan {
            settings,
            labels: [("id".to_owned(), "an id".to_owned())].into(),
            path: "authz/allow".to_owned(),
            query: String::new(),
            service: Some(Arc::new(OpenService::new(reqwest::Client::new(), &url))),
            status: Arc::clone(&status),
            randomness: Arc::new(Randomness::from_system().unwrap()),
        })
        .unwrap();
        Self {
            logs,
            came,
            answer,
            status,
        }
    }

    fn tell(&self, path: &str) {
        self.tell_result(path, Value::Bool(true));
    }

    fn tell_result(&self, path: &str, result: Value) {
        self.logs.teller().tell(Told {
            body: body(path),
            decision_id: Uuid::nil(),
            result: Some(result),
            failure: None,
            has_input: true,
            settings: OpaEnvoySettings::default(),
            policy: None,
            made_with: None,
            at: Now { unix_ns: 0 },
            took: Duration::from_nanos(7),
        });
    }

    /// The paths of the events of the next upload.
    async fn next(&mut self) -> Vec<String> {
        let (_, _, events) = self.came.recv().await.unwrap();
        let path = |event: &Value| {
            let path = event.get("input")?.get("parsed_path")?;
            Some(path.as_array()?.get(0)?.as_str()?.to_owned())
        };
        events.iter().map(|event| path(event).unwrap()).collect()
    }
}

fn body(path: &str) -> Bytes {
    let http = HttpRequest {
        path: path.to_owned(),
        ..HttpRequest::default()
    };
    let request = Request {
        http: Some(http),
        ..Request::default()
    };
    let attributes = AttributeContext {
        request: Some(request),
        ..AttributeContext::default()
    };
    let message = CheckRequest {
        attributes: Some(attributes),
    };
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, &message].concat().into()
}

fn settings(trigger: Trigger, delay: Duration) -> LogSettings {
    LogSettings {
        resource: "/logs/a-partition".to_owned(),
        reporting: Reporting {
            min_delay: delay,
            max_delay: delay,
            trigger,
            ..Reporting::default()
        },
        ..LogSettings::default()
    }
}

const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_event_is_uploaded_as_opas_api_has_it() {
    let mut world = World::new(settings(Trigger::Periodic, SOON)).await;
    world.tell("/x?y=z");
    let (path, headers, events) = world.came.recv().await.unwrap();
    assert_eq!(path, "/base/logs/a-partition");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["content-encoding"], "gzip");
    let want = r#"{
        "decision_id": "00000000-0000-0000-0000-000000000000",
        "input": {"attributes": {"request": {"http": {"path": "/x?y=z"}}}, "parsed_body": null, "parsed_path": ["x"],
            "parsed_query": {"y": ["z"]}, "truncated_body": false, "version": [
                [{"type": "string", "value": "encoding"}, {"type": "string", "value": "protojson"}],
                [{"type": "string", "value": "ext_authz"}, {"type": "string", "value": "v3"}]]},
        "labels": {"id": "an id"},
        "metrics": {"timer_rego_query_eval_ns": 7, "timer_server_handler_ns": 7},
        "path": "authz/allow",
        "result": true,
        "timestamp": "1970-01-01T00:00:00Z"
    }"#;
    assert_eq!(events, [Value::from_json_str(want).unwrap()]);
}

#[tokio::test]
async fn what_isnt_taken_is_uploaded_again_and_the_status_says_so() {
    let mut world = World::new(settings(Trigger::Periodic, SOON)).await;
    world.answer.store(503, Ordering::Relaxed);
    world.tell("/first");
    assert_eq!(world.next().await, ["first"]);
    assert_eq!(world.next().await, ["first"]);
    let failed = world.status.shown().decision_logs.unwrap();
    assert_eq!(failed.code, Some("decision_log_error"));
    assert_eq!(
        failed.message,
        "log upload failed, server replied with HTTP 503 Service Unavailable"
    );
    assert_eq!(failed.http_code, Some(503));
    assert!(world.logs.counters().of(Counter::NotUploaded) >= 1);
    world.answer.store(200, Ordering::Relaxed);
    world.logs.end(PATIENCE).await;
    assert_eq!(world.status.shown().decision_logs, Some(LogStatus::default()));
    assert_eq!(world.logs.counters().of(Counter::Uploaded), 1);
    assert_eq!(world.logs.waiting().map(|(_, size)| size), Some(0));
}

#[tokio::test]
async fn what_waits_is_uploaded_before_the_process_ends() {
    let mut world = World::new(settings(Trigger::Periodic, NEVER)).await;
    for path in ["/a", "/b", "/c"] {
        world.tell(path);
    }
    world.logs.end(PATIENCE).await;
    let mut all = Vec::new();
    while all.len() < 3 {
        all.extend(world.next().await);
    }
    assert_eq!(all, ["a", "b", "c"]);
    assert!(world.came.try_recv().is_err(), "each once");
}

#[tokio::test]
async fn a_result_that_grows_without_end_when_it_is_written_isnt_written() {
    let mut world = World::new(settings(Trigger::Periodic, NEVER)).await;
    // 10^9 values, of which there are 90.
    let grown = (0..9).fold(Value::Null, |value, _| {
        Value::Array((0..10).map(|_| value.clone()).collect())
    });
    world.tell_result("/grown", grown);
    world.tell("/next");
    world.logs.end(PATIENCE).await;
    assert_eq!(world.next().await, ["next"]);
    assert_eq!(world.logs.counters().of(Counter::NotEncoded), 1);
}

#[tokio::test]
async fn a_full_chunk_goes_at_once_where_that_is_wanted() {
    let mut settings = settings(Trigger::Immediate, NEVER);
    settings.reporting.upload_size_limit_bytes = 400;
    let mut world = World::new(settings).await;
    (0..20).for_each(|number| world.tell(&format!("/{number}")));
    let first = world.next().await;
    assert_eq!(first.first().map(String::as_str), Some("0"));
}

#[tokio::test]
async fn a_server_that_isnt_there_doesnt_keep_the_process() {
    let status = Arc::new(OpaStatus::new(BTreeMap::new(), None));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let logs = DecisionLogs::start(LogPlan {
        settings: settings(Trigger::Periodic, SOON),
        labels: BTreeMap::new(),
        path: String::new(),
        query: "data.a".to_owned(),
        service: Some(Arc::new(OpenService::new(reqwest::Client::new(), &url))),
        status: Arc::clone(&status),
        randomness: Arc::new(Randomness::from_system().unwrap()),
    })
    .unwrap();
    logs.teller().tell(Told {
        body: body("/"),
        decision_id: Uuid::nil(),
        result: None,
        failure: None,
        has_input: false,
        settings: OpaEnvoySettings::default(),
        policy: None,
        made_with: None,
        at: Now { unix_ns: 0 },
        took: Duration::ZERO,
    });
    logs.end(Duration::from_millis(200)).await;
    let (_, waiting) = logs.waiting().unwrap();
    assert!(waiting > 0, "it is still there");
    let failed = status.shown().decision_logs.unwrap();
    assert!(failed.message.starts_with("log upload failed: "), "{failed:?}");
}
