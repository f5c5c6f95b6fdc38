//! The decision as opa-envoy-plugin makes it. What is wanted here was said by the plugin itself (on OPA 1.22.2) in answer to
//! the same results; `e2e/golden` has whole requests.

#![expect(clippy::panic, reason = "a test that can't go on panics, and says why")]

#[cfg(test)]
mod world;

use std::sync::Arc;
use std::time::Duration;

use postern_decide::opa_envoy::{GrpcCode, HttpAnswer, Reply, Verdict};
use postern_decide::{
    ActivePolicy, Extent, Headers, HttpView, Now, OpaEnvoySettings, RequestView, decide_as_opa_envoy,
};
use postern_policy::{Engine, EngineError, Entrypoint, Env, Stopped, Value};
use serde_json::{Value as Json, json};
use world::entropy;

/// A policy that answers this.
enum Answers {
    This(Json),
    Undefined,
    Failure,
}

impl Engine for Answers {
    fn revision(&self) -> &str {
        "r1"
    }

    fn entrypoints(&self) -> Vec<String> {
        vec!["envoy/authz/allow".to_owned()]
    }

    fn entrypoint(&self, _: &str) -> Option<Entrypoint> {
        Some(Entrypoint::from_index(0))
    }

    fn evaluate(&self, _: Entrypoint, _: Option<&Value>, _: &Env) -> Result<Option<Value>, EngineError> {
        match self {
            Self::This(json) => Ok(Some(json.clone().into())),
            Self::Undefined => Ok(None),
            Self::Failure => Err(EngineError::Evaluation(Stopped::internal("it broke"))),
        }
    }
}

fn ask(
    answers: Answers,
    request: &RequestView<'_>,
    settings: &OpaEnvoySettings,
    left: Option<Duration>,
) -> Verdict {
    let policy = ActivePolicy::new(Arc::new(answers), Entrypoint::from_index(0));
    let now = Now { unix_ns: 0 };
    decide_as_opa_envoy(Some(&policy), request, settings, left, now, &entropy())
}

fn judged(result: Json) -> Verdict {
    ask(
        Answers::This(result),
        &RequestView::default(),
        &OpaEnvoySettings::default(),
        None,
    )
}

fn error(verdict: &Verdict) -> (GrpcCode, &str) {
    match &verdict.reply {
        Reply::Error { code, message } => (*code, message),
        Reply::Response(response) => panic!("{response:?}"),
    }
}

fn answer(verdict: &Verdict) -> (u8, Option<&HttpAnswer>) {
    match &verdict.reply {
        Reply::Response(response) => (response.status, response.http.as_ref()),
        Reply::Error { message, .. } => panic!("{message}"),
    }
}

#[test]
fn ill_formed_results_are_errors_in_the_plugins_words() {
    for (result, wanted) in [
        (
            json!(1),
            "failed to get response status: illegal value for policy evaluation result: json.Number",
        ),
        (
            json!(null),
            "failed to get response status: illegal value for policy evaluation result: <nil>",
        ),
        (
            json!([true]),
            "failed to get response status: illegal value for policy evaluation result: []interface {}",
        ),
        (
            json!({}),
            "failed to get response status: unable to determine evaluation result due to missing \"allowed\" key",
        ),
        (
            json!({"allowed": "true"}),
            "failed to get response status: type assertion error, expected allowed to be of type 'boolean' but got 'string'",
        ),
        (
            json!({"allowed": true, "headers": "x"}),
            "failed to get response headers: type assertion error, expected headers to be of type 'object' but got 'string'",
        ),
        (
            json!({"allowed": true, "headers": [1]}),
            "failed to get response headers: type assertion error, expected headers to be of type 'object' but got 'json.Number'",
        ),
        (
            json!({"allowed": true, "headers": {"x-a": 1}}),
            "failed to get response headers: type assertion error for header 'x-a'",
        ),
        (
            json!({"allowed": true, "headers": {"x-a": [null]}}),
            "failed to get response headers: invalid value type <nil> for header 'x-a'",
        ),
        (
            json!({"allowed": true, "dynamic_metadata": 1}),
            "failed to get dynamic metadata: type assertion error, expected dynamic_metadata to be of type 'object' but got 'json.Number'",
        ),
        (
            json!({"allowed": true, "request_headers_to_remove": {}}),
            "failed to get request headers to remove: type assertion error, expected request_headers_to_remove to be of type '[]string' but got 'map[string]interface {}'",
        ),
        (
            json!({"allowed": true, "request_headers_to_remove": [1]}),
            "failed to get request headers to remove: type assertion error, expected request_headers_to_remove value to be of type 'string' but got 'json.Number'",
        ),
        (
            json!({"allowed": true, "query_parameters_to_set": []}),
            "failed to get request query parameters to set: type assertion error, expected query_parameters_to_set to be a map but got '[]interface {}'",
        ),
        (
            json!({"allowed": true, "query_parameters_to_set": {"a": 1}}),
            "failed to get request query parameters to set: type assertion error, expected value to be string or array but got 'json.Number'",
        ),
        (
            json!({"allowed": false, "body": 1}),
            "failed to get response body: type assertion error, expected body to be of type 'string' but got 'json.Number'",
        ),
        (
            json!({"allowed": false, "http_status": "403"}),
            "failed to get response http status: type assertion error, expected http_status to be of type 'number' but got 'string'",
        ),
        (
            json!({"allowed": false, "http_status": 418}),
            "failed to get response http status: invalid HTTP status code 418",
        ),
        (
            json!({"allowed": false, "http_status": 1.5}),
            "failed to get response http status: error converting JSON number to int: strconv.ParseInt: parsing \"1.5\": invalid syntax",
        ),
    ] {
        assert_eq!(
            error(&judged(result.clone())),
            (GrpcCode::Unknown, wanted),
            "{result}"
        );
    }
}

#[test]
fn members_that_the_other_outcome_uses_are_not_looked_at() {
    let (status, http) = (0, "body and http_status of an allowed request");
    let verdict = judged(json!({"allowed": true, "body": 1, "http_status": "x"}));
    assert_eq!(answer(&verdict).0, status, "{http}");
    let verdict =
        judged(json!({"allowed": false, "response_headers_to_add": 1, "query_parameters_to_set": 1}));
    assert_eq!(answer(&verdict).0, 7);
}

#[test]
fn a_boolean_is_a_bare_status_with_the_decisions_id() {
    for (allowed, status) in [(true, 0), (false, 7)] {
        let verdict = judged(json!(allowed));
        assert_eq!(answer(&verdict), (status, None));
        assert_eq!(verdict.allowed, allowed);
    }
}

#[test]
fn without_a_decision_there_is_no_response() {
    let settings = OpaEnvoySettings {
        dry_run: true,
        ..OpaEnvoySettings::default()
    };
    let request = RequestView::default();
    // A dry run changes nothing about errors.
    let undefined = ask(Answers::Undefined, &request, &settings, None);
    assert_eq!(error(&undefined), (GrpcCode::Unknown, "undefined decision"));
    let failed = ask(Answers::Failure, &request, &settings, None);
    assert_eq!(
        error(&failed),
        (GrpcCode::Unknown, "eval_internal_error: it broke")
    );
    assert_eq!(failed.failure.unwrap().reason, "eval_internal_error");
    let late = ask(Answers::Undefined, &request, &settings, Some(Duration::ZERO));
    assert_eq!(
        error(&late),
        (
            GrpcCode::DeadlineExceeded,
            "check request timed out before query execution: context deadline exceeded"
        )
    );
    let none = decide_as_opa_envoy(None, &request, &settings, None, Now { unix_ns: 0 }, &entropy());
    assert_eq!(error(&none), (GrpcCode::Unknown, "undefined decision"));
}

#[test]
fn a_dry_run_lets_through_what_is_denied_and_keeps_its_metadata() {
    let settings = OpaEnvoySettings {
        dry_run: true,
        ..OpaEnvoySettings::default()
    };
    let denial = json!({"allowed": false, "http_status": 401, "headers": {"a": "b"}, "dynamic_metadata": {"why": "x"}});
    let verdict = ask(Answers::This(denial), &RequestView::default(), &settings, None);
    let Reply::Response(response) = &verdict.reply else {
        panic!("{verdict:?}")
    };
    assert_eq!(response.status, 0);
    assert_eq!(response.http, Some(HttpAnswer::Ok(Default::default())));
    assert_eq!(response.metadata.as_ref().unwrap().to_json(), r#"{"why":"x"}"#);
    assert!(!verdict.allowed, "the log is told what would have been decided");
}

#[test]
fn a_request_that_no_input_can_be_made_of_is_400_whatever_the_policy_reads() {
    let of = |path: &'static str, headers: &[(&'static str, &'static str)], body: &'static str| {
        let request = RequestView {
            http: HttpView {
                path,
                headers: Headers::from_text(headers.iter().copied()),
                body,
                ..HttpView::default()
            },
            extent: Extent::Http,
            ..RequestView::default()
        };
        ask(
            Answers::This(json!(true)),
            &request,
            &OpaEnvoySettings::default(),
            None,
        )
    };
    let json = ("content-type", "application/json");
    for (verdict, wanted) in [
        (
            of("/%zz", &[], ""),
            "request_parse_error: invalid URL escape \"%zz\"",
        ),
        (
            of("/a?x;y", &[], ""),
            "request_parse_error: invalid semicolon separator in query",
        ),
        (of("/", &[json], "{"), "request_parse_error: unexpected EOF"),
        (
            of("/", &[json, ("content-length", "x")], "{}"),
            "request_parse_error: strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
    ] {
        let Reply::Response(response) = &verdict.reply else {
            panic!("{verdict:?}")
        };
        let Some(HttpAnswer::Denied(denied)) = &response.http else {
            panic!("{response:?}")
        };
        assert_eq!((response.status, denied.status), (7, 400));
        assert_eq!(
            (denied.body.as_str(), response.message.as_str()),
            (wanted, wanted)
        );
        assert_eq!(response.metadata, None, "no decision id either");
        assert!(!verdict.has_input);
    }
}
