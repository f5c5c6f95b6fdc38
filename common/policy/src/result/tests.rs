use super::*;

fn read(json: &str) -> Result<PolicyResult, ResultError> {
    PolicyResult::from_value(Some(&Value::from_json_str(json).unwrap()))
}

fn allow(json: &str) -> Allow {
    match read(json) {
        Ok(PolicyResult::Allow(allow)) => allow,
        other => panic!("{json}: {other:?}"),
    }
}

fn deny(json: &str) -> Deny {
    match read(json) {
        Ok(PolicyResult::Deny(deny)) => deny,
        other => panic!("{json}: {other:?}"),
    }
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn undefined_denies() {
    let result = PolicyResult::from_value(None).unwrap();
    assert!(matches!(
        result,
        PolicyResult::Deny(Deny {
            origin: DenyOrigin::Undefined,
            ..
        })
    ));
    assert!(!result.is_allowed());
}

#[test]
fn booleans_are_answers() {
    assert_eq!(allow("true"), Allow::default());
    assert_eq!(deny("false").origin, DenyOrigin::Boolean);
    assert_eq!(deny("false").refusal.code, RefusalCode::AccessDenied);
}

#[test]
fn headers_are_an_object_or_a_list_of_objects_with_strings_or_lists() {
    assert_eq!(
        allow(r#"{"allowed":true,"headers":{"a":"1","b":["2","3"]}}"#).headers,
        pairs(&[("a", "1"), ("b", "2"), ("b", "3")])
    );
    assert_eq!(
        allow(r#"{"allowed":true,"headers":[{"a":"1"},{"a":"2"}]}"#).headers,
        pairs(&[("a", "1"), ("a", "2")])
    );
    assert_eq!(
        deny(r#"{"allowed":false,"headers":{"a":"1"}}"#).headers,
        pairs(&[("a", "1")])
    );
}

#[test]
fn sets_count_as_lists() {
    let set: postern_rego::Set = ["x", "y"].into_iter().map(Value::from).collect();
    let result = Value::object_from([
        ("allowed", Value::from(true)),
        ("request_headers_to_remove", Value::from(set.clone())),
        ("headers", Value::object_from([("h", Value::from(set))])),
    ]);
    let PolicyResult::Allow(allow) = PolicyResult::from_value(Some(&result)).unwrap() else {
        panic!("denied")
    };
    assert_eq!(allow.request_headers_to_remove, ["x", "y"]);
    assert_eq!(allow.headers, pairs(&[("h", "x"), ("h", "y")]));
}

#[test]
fn an_allowed_request_carries_its_changes() {
    let allow = allow(
        r#"{"allowed":true,"response_headers_to_add":{"x":"y"},"request_headers_to_remove":["r"],
            "query_parameters_to_set":{"q":"1","p":["2","3"]},"query_parameters_to_remove":["z"],
            "dynamic_metadata":{"k":[1]}}"#,
    );
    assert_eq!(allow.response_headers_to_add, pairs(&[("x", "y")]));
    assert_eq!(allow.request_headers_to_remove, ["r"]);
    assert_eq!(
        allow.query_parameters_to_set,
        pairs(&[("p", "2"), ("p", "3"), ("q", "1")])
    );
    assert_eq!(allow.query_parameters_to_remove, ["z"]);
    assert_eq!(allow.dynamic_metadata.unwrap().to_json(), r#"{"k":[1]}"#);
}

#[test]
fn a_refusal_carries_its_answer() {
    let deny = deny(
        r#"{"allowed":false,"http_status":402,"body":"pay","headers":{"a":"b"},"dynamic_metadata":{},
            "postern":{"code":"insufficient_scope","required_scope":"orders:write orders:read","reason":"no"}}"#,
    );
    assert_eq!(deny.http_status, Some(402));
    assert_eq!(deny.body.as_deref(), Some("pay"));
    assert_eq!(deny.refusal.code, RefusalCode::InsufficientScope);
    assert_eq!(
        deny.refusal.required_scope.as_deref(),
        Some("orders:write orders:read")
    );
    assert_eq!(deny.refusal.reason.as_deref(), Some("no"));
}

#[test]
fn members_of_the_other_answer_are_not_looked_at() {
    allow(r#"{"allowed":true,"http_status":"x","body":1,"postern":7}"#);
    deny(
        r#"{"allowed":false,"response_headers_to_add":1,"request_headers_to_remove":2,"query_parameters_to_set":3}"#,
    );
}

#[test]
fn ill_formed_results_name_the_member_and_what_is_wrong() {
    let cases = [
        ("null", "the result is null"),
        ("1", "the result is a number"),
        ("[true]", "the result is an array"),
        ("{}", "no `allowed`"),
        (
            r#"{"allowed":"yes"}"#,
            "`allowed` is a string; expected true or false",
        ),
        (r#"{"allowed":null}"#, "`allowed` is null"),
        (r#"{"allowed":true,"headers":"x"}"#, "`headers` is a string"),
        (r#"{"allowed":true,"headers":{"a":1}}"#, "`headers.a` is a number"),
        (
            r#"{"allowed":true,"headers":{"a":["b",null]}}"#,
            "`headers.a[1]` is null",
        ),
        (
            r#"{"allowed":true,"headers":[{"a":"b"},3]}"#,
            "`headers[1]` is a number",
        ),
        (
            r#"{"allowed":true,"headers":{"a b":"c"}}"#,
            "which no HTTP header can have",
        ),
        (
            r#"{"allowed":true,"headers":{"a":"b\r\nc: d"}}"#,
            "`headers.a` has a control character",
        ),
        (
            r#"{"allowed":true,"response_headers_to_add":true}"#,
            "`response_headers_to_add` is a boolean",
        ),
        (
            r#"{"allowed":true,"request_headers_to_remove":"a"}"#,
            "`request_headers_to_remove` is a string",
        ),
        (
            r#"{"allowed":true,"request_headers_to_remove":[1]}"#,
            "`request_headers_to_remove[0]` is a number",
        ),
        (
            r#"{"allowed":true,"query_parameters_to_set":["a"]}"#,
            "`query_parameters_to_set` is an array",
        ),
        (
            r#"{"allowed":true,"query_parameters_to_set":{"a":true}}"#,
            "`query_parameters_to_set.a` is a boolean",
        ),
        (
            r#"{"allowed":true,"dynamic_metadata":[]}"#,
            "`dynamic_metadata` is an array",
        ),
        (
            r#"{"allowed":false,"http_status":"403"}"#,
            "`http_status` is a string",
        ),
        (r#"{"allowed":false,"http_status":2e2}"#, "`http_status` is 2e2"),
        (
            r#"{"allowed":false,"http_status":403.0}"#,
            "`http_status` is 403.0",
        ),
        (r#"{"allowed":false,"http_status":999}"#, "`http_status` is 999"),
        (r#"{"allowed":false,"http_status":418}"#, "`http_status` is 418"),
        (r#"{"allowed":false,"http_status":100}"#, "`http_status` is 100"),
        (r#"{"allowed":false,"http_status":-403}"#, "`http_status` is -403"),
        (r#"{"allowed":false,"body":{}}"#, "`body` is an object"),
        (r#"{"allowed":false,"postern":"no"}"#, "`postern` is a string"),
        (
            r#"{"allowed":false,"postern":{"code":"nope"}}"#,
            "expected one of: access_denied, insufficient_scope",
        ),
        (
            r#"{"allowed":false,"postern":{"required_scope":"a  b"}}"#,
            "`postern.required_scope` is",
        ),
        (
            r#"{"allowed":false,"postern":{"required_scope":"a\"b"}}"#,
            "`postern.required_scope` is",
        ),
        (
            r#"{"allowed":false,"postern":{"cache_seconds":"5"}}"#,
            "`postern.cache_seconds` is a string",
        ),
        (
            r#"{"allowed":true,"postern":{"cache_seconds":1.5}}"#,
            "`postern.cache_seconds` is 1.5",
        ),
        (
            r#"{"allowed":true,"postern":{"cache_seconds":-1}}"#,
            "`postern.cache_seconds` is -1",
        ),
        (
            r#"{"allowed":true,"postern":{"cache_seconds":86401}}"#,
            "`postern.cache_seconds` is 86401",
        ),
        (
            r#"{"allowed":false,"postern":{"resaon":"x"}}"#,
            "`postern` has the member \"resaon\"",
        ),
    ];
    for (json, expected) in cases {
        let error = read(json).expect_err(json).to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

#[test]
fn statuses_that_envoy_knows_pass() {
    for status in [200, 204, 302, 401, 403, 404, 417, 429, 451, 503, 511] {
        let outcome = read(&format!(r#"{{"allowed":false,"http_status":{status}}}"#));
        assert_eq!(outcome.is_ok(), status != 451, "{status}: {outcome:?}");
    }
}

#[test]
fn an_answer_may_say_for_how_long_it_is_kept() {
    for (json, seconds) in [
        (r#"{"allowed":true}"#, None),
        (r#"{"allowed":true,"postern":{"cache_seconds":5}}"#, Some(5)),
        (
            r#"{"allowed":false,"postern":{"cache_seconds":0,"reason":"x"}}"#,
            Some(0),
        ),
        (
            r#"{"allowed":false,"postern":{"cache_seconds":86400}}"#,
            Some(86_400),
        ),
        // Nothing else of it is looked at where the request is allowed.
        (r#"{"allowed":true,"postern":"x"}"#, None),
        ("true", None),
    ] {
        assert_eq!(read(json).expect(json).cache_seconds(), seconds, "{json}");
    }
}
