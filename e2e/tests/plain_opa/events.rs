//! The same questions to both, and what both tell of them.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use postern_e2e::opa_envoy::protobuf_json;
use serde_json::{Value as Json, json};
use tonic::Status;

use super::{PATH, Pair, until};

/// What is hidden from the log.
const SECRET: &str = "Bearer of-nobody-s-business";

/// What the log is not told of.
const DROPPED: (&str, &str, &str) = ("alice", "/healthz", "");

/// A question: a user, a path, and a body.
const QUESTIONS: [(&str, &str, &str); 8] = [
    ("alice", "/orders/1?a=1&a=2&b", ""),
    ("mallory", "/orders/1", ""),
    ("alice", "/a%2Fb//c", r#"{"total": 1.50, "items": [1e2, null]}"#),
    ("bob", "/", "[]"),
    DROPPED,
    ("alice", "/conflict", ""),
    ("", "/conflict", ""),
    ("alice", "/ümlaut?q=%C3%BC", r#""text""#),
];

fn request((user, path, body): (&str, &str, &str)) -> CheckRequest {
    let http = json!({
        "method": "POST", "path": path, "host": "orders.example", "protocol": "HTTP/1.1", "body": body,
        "headers": {"x-user": user, "content-type": "application/json", "authorization": SECRET},
    });
    let text = json!({"attributes": {
        "request": {"time": "2026-03-01T12:00:00.25Z", "http": http},
        "source": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 4711}}, "principal": "spiffe://a/b"},
        "contextExtensions": {"route": "orders"},
    }});
    protobuf_json::request(&text.to_string()).unwrap()
}

/// The input as policy was asked with it: what the log left out is put back, and `version` is as policy sees it, which the
/// plugin logs in another form.
fn as_asked(event: &Json) -> Json {
    let mut input = event["input"].clone();
    input["attributes"]["request"]["http"]["headers"]["authorization"] = json!(SECRET);
    input["version"] = json!({"encoding": "protojson", "ext_authz": "v3"});
    input
}

/// An event without what is each process's own, and whether all of that was there.
fn comparable(event: &Json, version: &Json) -> Json {
    let mut event = event.clone();
    let members = event.as_object_mut().unwrap();
    for own in ["decision_id", "timestamp", "metrics"] {
        assert!(members.remove(own).is_some(), "no {own}");
    }
    // What only requests over OPA's HTTP API have.
    members.remove("requested_by");
    members.remove("req_id");
    if let Some(Json::Object(error)) = members.get_mut("error") {
        error.remove("stack_trace");
    }
    assert!(members["labels"].as_object_mut().unwrap().remove("id").is_some());
    members["input"]["version"] = version.clone();
    serde_json::from_str(&without_bundles(&event.to_string())).unwrap()
}

/// What a decision comes to for Envoy: what both must agree on.
#[derive(Debug, PartialEq)]
enum Said {
    Allowed(BTreeMap<String, String>),
    Denied(i64, BTreeMap<String, String>, String),
    Error(String),
}

fn told(headers: &[HeaderValueOption]) -> BTreeMap<String, String> {
    let headers = headers.iter().filter_map(|option| option.header.clone());
    headers.map(|header| (header.key, header.value)).collect()
}

/// The text with the file called as in its bundle. OPA itself calls it `/rules.rego` while its bundle is the last that came into
/// force, and `<bundle>/rules.rego` from then on; here it is called the latter, or as the bundle's own plan has it.
fn without_bundles(text: &str) -> String {
    let text = text.replace("rules/rules.rego", "rules.rego");
    text.replace("/rules.rego", "rules.rego")
}

/// What our sidecar says.
fn said_to_envoy(answer: Result<CheckResponse, Status>) -> Said {
    match answer.map(|answer| answer.http_response) {
        Err(status) => Said::Error(without_bundles(status.message())),
        Ok(Some(HttpResponse::OkResponse(ok))) => Said::Allowed(told(&ok.headers)),
        Ok(Some(HttpResponse::DeniedResponse(no))) => {
            Said::Denied(no.status.unwrap().code.into(), told(&no.headers), no.body)
        }
        Ok(answer) => panic!("no answer that this policy gives: {answer:?}"),
    }
}

/// What is to be said where OPA answers that.
fn said_of(answer: &Json) -> Said {
    let result = &answer["result"];
    let headers = result["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    match (answer.get("result"), result["allowed"].as_bool()) {
        (None, _) => {
            let error = &answer["errors"][0];
            let place = &error["location"];
            let message = format!(
                "{}:{}: {}: {}",
                place["file"].as_str().unwrap(),
                place["row"],
                error["code"].as_str().unwrap(),
                error["message"].as_str().unwrap()
            );
            Said::Error(without_bundles(&message))
        }
        (Some(_), Some(true)) => Said::Allowed(headers.collect()),
        (Some(_), _) => Said::Denied(
            result["http_status"].as_i64().unwrap(),
            headers.collect(),
            result["body"].as_str().unwrap().to_owned(),
        ),
    }
}

impl Pair {
    /// What was posted to that partition, all arrays one.
    fn logged(&self, partition: &str) -> Vec<Json> {
        let posted = self.sink.posted(&format!("/logs/{partition}")).into_iter();
        posted
            .flat_map(|all| all.as_array().cloned().unwrap_or_default())
            .collect()
    }

    /// The events of that partition, once there are so many.
    async fn events(&self, partition: &str, count: usize) -> Vec<Json> {
        until(&format!("{partition} has told {count} events"), async || {
            let events = self.logged(partition);
            (events.len() >= count).then_some(events)
        })
        .await
    }

    /// Asks both the same, and compares what they say and what they log of it.
    pub(super) async fn decide_alike(&self) {
        let before = self.logged("ours").len();
        let mut said = Vec::new();
        for question in QUESTIONS {
            said.push(said_to_envoy(self.ours.check(request(question)).await));
        }
        // One is dropped.
        let count = before + QUESTIONS.len() - 1;
        let ours = self.events("ours", count).await.split_off(before);
        let mut inputs: Vec<Json> = ours.iter().map(as_asked).collect();
        let mut dropped = inputs[0].clone();
        dropped["attributes"]["request"]["http"]["path"] = json!(DROPPED.1);
        dropped["parsed_path"] = json!(["healthz"]);
        let place = QUESTIONS
            .iter()
            .position(|question| *question == DROPPED)
            .unwrap();
        inputs.insert(place, dropped);

        let mut ids = Vec::new();
        for (input, said) in inputs.iter().zip(&said) {
            let answer = self.opa.decide(PATH, input).await.unwrap();
            ids.push(answer["decision_id"].clone());
            assert_eq!(*said, said_of(&answer), "{answer:#}");
        }
        ids.remove(place);

        let theirs = self.events("opa", count).await.split_off(before);
        assert_eq!(
            (ours.len(), theirs.len()),
            (QUESTIONS.len() - 1, QUESTIONS.len() - 1)
        );
        for ((ours, theirs), id) in ours.iter().zip(&theirs).zip(ids) {
            assert!(id.is_null() || theirs["decision_id"] == id);
            let version = &ours["input"]["version"];
            assert_eq!(comparable(ours, version), comparable(theirs, version));
        }
        let erased = json!(["/input/attributes/request/http/headers/authorization"]);
        assert!(ours.iter().all(|event| event["erased"] == erased), "{ours:#?}");
        let texts = format!("{ours:?}{theirs:?}");
        assert!(!texts.contains(SECRET), "{texts}");
    }
}
