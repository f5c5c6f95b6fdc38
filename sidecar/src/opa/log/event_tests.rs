use std::borrow::Cow;

use postern_decide::opa_envoy::GrpcCode;
use postern_policy::{Place, Stopped};

use super::*;

fn about() -> About {
    About {
        labels: [("id", "an id"), ("version", "1.22.2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        decision_id: "38ad3ae0-5741-4b88-8c43-d8d6371f3d1d".to_owned(),
        bundles: vec![
            ("main".to_owned(), "r1".to_owned()),
            ("other".to_owned(), String::new()),
        ],
        path: "authz/allow".to_owned(),
        query: String::new(),
        timestamp_ns: 1_796_094_167_743_075_464,
        handler_ns: 554_707,
        evaluation_ns: Some(192_928),
    }
}

fn event() -> Event {
    Event {
        input: Some(Value::Null),
        result: Some(Value::Bool(false)),
        nd_builtin_cache: None,
        erased: Vec::new(),
        masked: Vec::new(),
        failure: None,
        about: about(),
    }
}

fn failure(evaluation: Option<Stopped>) -> Failure {
    Failure {
        reason: Cow::Borrowed("a reason"),
        message: "the message".to_owned(),
        code: GrpcCode::Unknown,
        evaluation: evaluation.map(Box::new),
    }
}

fn member(event: &Event, name: &str) -> Option<String> {
    event.to_value().get(name).map(Value::to_json)
}

/// The plugin's own event of the same decision, recorded from it.
#[test]
fn an_event_has_the_plugins_members_and_no_others() {
    let input = r#"{"parsed_path":["ok"],"version":{"encoding":"protojson","ext_authz":"v3"}}"#;
    let input = as_logged(&Value::from_json_str(input).unwrap());
    let event = Event {
        input: Some(input),
        erased: vec!["/input/a".to_owned()],
        masked: vec!["/input/b".to_owned()],
        nd_builtin_cache: Some(Value::object_from([(
            "rand.intn",
            Value::object_from([("[\"a\",10]", 5)]),
        )])),
        ..event()
    };
    let recorded = r#"{
        "labels": {"id": "an id", "version": "1.22.2"},
        "decision_id": "38ad3ae0-5741-4b88-8c43-d8d6371f3d1d",
        "bundles": {"main": {"revision": "r1"}, "other": {}},
        "path": "authz/allow",
        "input": {"parsed_path": ["ok"], "version": [
            [{"type": "string", "value": "encoding"}, {"type": "string", "value": "protojson"}],
            [{"type": "string", "value": "ext_authz"}, {"type": "string", "value": "v3"}]]},
        "result": false,
        "nd_builtin_cache": {"rand.intn": {"[\"a\",10]": 5}},
        "erased": ["/input/a"],
        "masked": ["/input/b"],
        "timestamp": "2026-12-01T03:02:47.743075464Z",
        "metrics": {"timer_rego_query_eval_ns": 192928, "timer_server_handler_ns": 554707}
    }"#;
    assert_eq!(event.to_value(), Value::from_json_str(recorded).unwrap());
}

#[test]
fn what_there_isnt_is_left_out() {
    let event = Event {
        result: None,
        about: About {
            evaluation_ns: None,
            bundles: Vec::new(),
            path: String::new(),
            query: "data.authz.allow".to_owned(),
            ..about()
        },
        failure: Some(failure(None)),
        ..event()
    };
    let want = r#"{"decision_id":"38ad3ae0-5741-4b88-8c43-d8d6371f3d1d","error":{"message":"the message"},"input":null,"labels":{"id":"an id","version":"1.22.2"},"metrics":{"timer_server_handler_ns":554707},"query":"data.authz.allow","timestamp":"2026-12-01T03:02:47.743075464Z"}"#;
    assert_eq!(event.to_value().to_json(), want);
}

#[test]
fn errors_of_evaluation_have_a_code_and_a_place() {
    let place = Place {
        file: "a.rego".into(),
        row: 9,
        column: 1,
        function: "f".into(),
    };
    let stopped = Stopped {
        problem: "in our words".to_owned(),
        opa: "a.rego:9: eval_conflict_error: function data.a.f: two values".to_owned(),
        code: "eval_conflict_error",
        place: Some(Box::new(place)),
    };
    let conflict = Event {
        failure: Some(failure(Some(stopped.clone()))),
        ..event()
    };
    assert_eq!(
        member(&conflict, "error").unwrap(),
        r#"{"code":"eval_conflict_error","location":{"col":1,"file":"a.rego","row":9},"message":"function data.a.f: two values"}"#
    );
    let cancelled = Event {
        failure: Some(failure(Some(Stopped {
            code: "eval_cancel_error",
            ..stopped
        }))),
        ..event()
    };
    assert_eq!(
        member(&cancelled, "error").unwrap(),
        r#"{"code":"eval_cancel_error","message":"context deadline reached during query execution"}"#
    );
}

#[test]
fn on_the_console_an_error_is_its_message() {
    let event = Event {
        failure: Some(failure(None)),
        ..event()
    };
    let line = event.to_console();
    for (name, want) in [
        ("error", "the message"),
        ("msg", "Decision Log"),
        ("level", "info"),
        ("type", "openpolicyagent.org/decision_logs"),
    ] {
        assert_eq!(line.get_str(name), Some(&Value::from(want)));
    }
}
