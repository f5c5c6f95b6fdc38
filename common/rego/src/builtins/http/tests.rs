//! What is asked for, what is refused, and what an answer looks like to the policy.

use std::time::Duration;

use super::{HttpAnswers, HttpFailure, HttpRequest, HttpResponse, send};
use crate::builtins::tests::value;
use crate::builtins::{BuiltinError, Context, display};
use crate::env::Env;
use crate::value::Value;

fn ask(answers: &HttpAnswers, request: &str) -> Result<String, BuiltinError> {
    let mut env = Env::new(0, [0; 32]);
    env.http = answers.clone();
    let result = send(&mut Context::new(&env, 1_000_000, None), &[value(request)])?;
    let mut text = String::new();
    display::write(&result.expect("defined"), &mut text);
    Ok(text)
}

fn needed(answers: &HttpAnswers, request: &str) -> HttpRequest {
    match ask(answers, request) {
        Err(BuiltinError::NeedsHttp(needed)) => *needed,
        other => panic!("{request}: {other:?}"),
    }
}

fn read(request: &str) -> HttpRequest {
    needed(&HttpAnswers::up_to(1), request)
}

fn ok(body: &str, headers: &[(&str, &str)]) -> Result<HttpResponse, HttpFailure> {
    Ok(HttpResponse {
        status: "200 OK".to_owned(),
        status_code: 200,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    })
}

/// What the policy sees of the answer to a request.
fn answered(request: &str, response: Result<HttpResponse, HttpFailure>) -> Result<String, BuiltinError> {
    let mut answers = HttpAnswers::up_to(1);
    answers.add(read(request), response);
    ask(&answers, request)
}

const GET: &str = r#"{"method": "get", "url": "https://api.example.com/a"}"#;
const QUIET: &str = r#"{"method": "get", "url": "https://api.example.com/a", "raise_error": false}"#;

#[test]
fn a_request_is_read_as_opa_reads_it() {
    let request = read(
        r#"{"method": "\"post\"", "url": "HTTPS://API.example.com:8443/a?b=c#d", "body": {"b": [1.0], "a": "<"},
            "headers": {"X-B": "2", "x-a": "1"}, "timeout": "1.5s", "enable_redirect": true, "max_retry_attempts": 2}"#,
    );
    assert_eq!(request.method, "POST");
    assert_eq!(request.url, "https://api.example.com:8443/a?b=c");
    assert_eq!(request.body, br#"{"a":"\u003c","b":[1.0]}"#);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(request.headers, [header("x-b", "2"), header("x-a", "1")]);
    assert_eq!(request.timeout, Some(Duration::from_millis(1_500)));
    assert!(request.follow_redirects);
    assert_eq!(request.retries, 2);
    let raw =
        read(r#"{"method": "", "url": "http://h.example", "body": 1, "raw_body": "\"x\"", "timeout": 0}"#);
    assert_eq!(
        (raw.method.as_str(), raw.url.as_str()),
        ("GET", "http://h.example/")
    );
    assert_eq!((raw.body.as_slice(), raw.timeout), (b"x".as_slice(), None));
    assert_eq!(read(GET).timeout, Some(Duration::from_secs(5)));
}

#[test]
fn a_timeout_is_a_duration_of_gos_or_nanoseconds() {
    for (timeout, wanted) in [
        ("20", Some(20)),
        (r#""20""#, Some(20)),
        (r#""+20.00""#, Some(20)),
        (r#""-20""#, None),
        (r#""0""#, None),
        (r#""1h0.5us""#, Some(3_600_000_000_500)),
        ("-1", None),
        ("2.0", Some(2)),
    ] {
        let request = format!(r#"{{"method": "get", "url": "http://h.example", "timeout": {timeout}}}"#);
        assert_eq!(
            read(&request).timeout,
            wanted.map(Duration::from_nanos),
            "{timeout}"
        );
    }
}

#[test]
fn headers_of_chunks_go_with_them_and_stay_without() {
    let headers = [("trailer", "a"), ("content-length", "2")];
    let shown = answered(GET, ok("{}", &headers)).unwrap();
    assert!(
        shown.contains(r#""headers": {"content-length": ["2"], "trailer": ["a"]}"#),
        "{shown}"
    );
    let headers = [
        ("Transfer-Encoding", "chunked"),
        ("trailer", "a"),
        ("content-length", "2"),
    ];
    let shown = answered(GET, ok("{}", &headers)).unwrap();
    assert!(shown.contains(r#""headers": {}"#), "{shown}");
}

#[test]
fn what_may_be_secret_is_not_shown() {
    let request = read(
        r#"{"method": "get", "url": "https://h.example/a?k=secret", "headers": {"a": "secret"}, "body": "secret"}"#,
    );
    assert_eq!(format!("{request:?}"), "HttpRequest(GET https://h.example/a)");
}

#[test]
fn what_opa_fails_at_fails() {
    for (request, wanted) in [
        (
            r#"{"method": "get"}"#,
            r#"operand 1 missing required request parameters(s): {"url"}"#,
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "foo": 1}"#,
            r#"operand 1 invalid request parameters(s): {"foo"}"#,
        ),
        (
            r#"{"method": 1, "url": "http://h.example"}"#,
            r#""method" must be a string"#,
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "timeout": "5.5"}"#,
            r#"invalid timeout value "5.5": time: missing unit in duration "5.5""#,
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "timeout": "1d"}"#,
            r#"invalid timeout value "1d": time: unknown unit "d" in duration "1d""#,
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "force_cache": true}"#,
            "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "max_retry_attempts": -1}"#,
            r#"invalid value -1 for field "max_retry_attempts""#,
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "headers": 1}"#,
            "invalid type for headers key",
        ),
        (
            r#"{"method": "get", "url": "http://h.example", "raise_error": 1}"#,
            "invalid value for raise_error field",
        ),
    ] {
        let failed = ask(&HttpAnswers::up_to(1), request);
        assert_eq!(failed, Err(BuiltinError::Lenient(wanted.to_owned())), "{request}");
    }
    let quiet = ask(
        &HttpAnswers::up_to(1),
        r#"{"method": "get", "raise_error": false}"#,
    )
    .unwrap();
    assert!(
        quiet.contains(r#""code": "eval_http_send_internal_error""#),
        "{quiet}"
    );
    assert!(quiet.contains(r#""status_code": 0"#), "{quiet}");
}

#[test]
fn what_isnt_supported_ends_the_evaluation_by_name() {
    for (member, named) in [
        (r#""tls_ca_cert": "x""#, "tls_ca_cert"),
        (r#""tls_client_key_file": "x""#, "tls_client_key_file"),
        (r#""tls_insecure_skip_verify": true"#, "tls_insecure_skip_verify"),
        (r#""headers": {"Host": "other.example"}"#, "Host"),
        (r#""headers": {"a": "1", "A": "2"}"#, "\"a\" twice"),
        (r#""headers": {"a": "x\ny"}"#, "characters"),
    ] {
        let request =
            format!(r#"{{"method": "get", "url": "http://h.example", "raise_error": false, {member}}}"#);
        match ask(&HttpAnswers::up_to(1), &request) {
            Err(BuiltinError::Halt(message)) => assert!(message.contains(named), "{message}"),
            other => panic!("{request}: {other:?}"),
        }
    }
    let harmless = r#"{"method": "get", "url": "http://h.example", "tls_use_system_certs": true, "tls_insecure_skip_verify": false, "cache": true}"#;
    read(harmless);
}

#[test]
fn urls_that_could_be_read_in_two_ways_are_refused() {
    for good in [
        "http://h.example/",
        "https://h.example:8443/a%20b?c=d&e=[1]".trim_end_matches("[1]"),
        "http://127.0.0.1:80/",
        "http://[::1]:8080/a",
    ] {
        let request = format!(r#"{{"method": "get", "url": "{good}"}}"#);
        assert_eq!(read(&request).url, good);
    }
    for bad in [
        "",
        "h.example/a",
        "ftp://h.example/",
        "unix://h/?socket=%2Ftmp%2Fs",
        "http:///a",
        "http://user:word@h.example/",
        "http://h.example@other.example/",
        "http://h.example\\\\@other.example/",
        "http://127.1/",
        "http://0x7f.0x1/",
        "http://2130706433/",
        "http://[::1/",
        "http://[::1]x/",
        "http://h.example:/",
        "http://h.example:0/",
        "http://h.example:99999/",
        "http://h.example./",
        "http://h%2eexample/",
        "http://h\u{e9}.example/",
        "http://h.example/a b",
        "http://h.example/%zz",
        "http://h.example/a/../b",
        "http://h.example/a/%2E%2e/b",
        "http://h.example/?a='b'",
    ] {
        let request = format!(r#"{{"method": "get", "url": "{bad}"}}"#);
        let refused = ask(&HttpAnswers::up_to(1), &request);
        assert!(
            matches!(&refused, Err(BuiltinError::Halt(_))),
            "{bad}: {refused:?}"
        );
    }
}

#[test]
fn one_request_is_asked_for_once_and_another_besides() {
    let other = r#"{"method": "get", "url": "https://api.example.com/b"}"#;
    let mut answers = HttpAnswers::up_to(2);
    answers.add(needed(&answers, GET), ok("1", &[]));
    assert!(ask(&answers, GET).is_ok());
    answers.add(needed(&answers, other), ok("2", &[]));
    assert!(ask(&answers, GET).unwrap().contains(r#""raw_body": "1""#));
    assert!(ask(&answers, other).unwrap().contains(r#""raw_body": "2""#));
    let third = ask(
        &answers,
        r#"{"method": "get", "url": "https://api.example.com/c"}"#,
    );
    let message = "a decision may make 2 different requests, and this is one more";
    assert_eq!(third, Err(BuiltinError::Halt(message.to_owned())));
    let off = ask(&HttpAnswers::default(), GET);
    assert_eq!(
        off,
        Err(BuiltinError::Halt("no request may be made here".to_owned()))
    );
}

#[test]
fn headers_that_dont_count_dont_make_another_request() {
    let with = |id: &str| {
        format!(
            r#"{{"method": "get", "url": "https://h.example/", "cache_ignored_headers": ["x-id"], "headers": {{"x-id": "{id}", "a": "1"}}}}"#
        )
    };
    let mut answers = HttpAnswers::up_to(1);
    answers.add(needed(&answers, &with("1")), ok("1", &[]));
    assert!(ask(&answers, &with("2")).is_ok());
    let counts = with("2").replace(r#"["x-id"]"#, "[]");
    assert!(matches!(ask(&answers, &counts), Err(BuiltinError::Halt(_))));
}

#[test]
fn a_response_looks_as_it_does_in_opa() {
    let headers = [
        ("Content-Type", "application/json"),
        ("Set-Cookie", "a"),
        ("set-cookie", "b"),
    ];
    assert_eq!(
        answered(GET, ok(r#"{"a": 1.0}"#, &headers)).unwrap(),
        r#"{"body": {"a": 1.0}, "headers": {"content-type": ["application/json"], "set-cookie": ["a", "b"]}, "raw_body": "{\"a\": 1.0}", "status": "200 OK", "status_code": 200}"#
    );
}

#[test]
fn a_body_is_read_by_its_content_type_or_by_force() {
    let body = |request: &str, kind: &str, text: &str| {
        let response = answered(request, ok(text, &[("content-type", kind)]))?;
        let end = response.find(r#", "headers""#).unwrap();
        Ok::<_, BuiltinError>(response["{\"body\": ".len()..end].to_owned())
    };
    let json = r#"{"method": "get", "url": "http://h.example", "force_json_decode": true}"#;
    let yaml = r#"{"method": "get", "url": "http://h.example", "force_yaml_decode": true}"#;
    for (request, kind, text, wanted) in [
        (GET, "application/json; charset=utf-8", "[1]", "[1]"),
        (GET, "Application/Problem+JSON", "[1]", "[1]"),
        (GET, "text/plain", "[1]", "null"),
        (GET, "text/json", "[1]", "null"),
        (GET, "application/json", "", "null"),
        (GET, "application/json", "[1", "null"),
        (GET, "application/yaml", "a: 1", r#"{"a": 1}"#),
        (json, "text/plain", "[1]", "[1]"),
        (json, "text/plain", "a: 1", "null"),
        (yaml, "text/plain", "a: [b]", r#"{"a": ["b"]}"#),
        (yaml, "text/plain", "[1]", "[1]"),
    ] {
        assert_eq!(body(request, kind, text).unwrap(), wanted, "{kind} {text}");
    }
    for (kind, text) in [
        ("application/json", "{} {}"),
        ("application/json; charset", "{}"),
        ("application/yaml", "a: &x 1"),
    ] {
        let refused = body(GET, kind, text);
        assert!(
            matches!(refused, Err(BuiltinError::Halt(_))),
            "{kind} {text}: {refused:?}"
        );
    }
}

#[test]
fn a_failure_is_undefined_or_an_object_as_the_policy_says() {
    let network = Err(HttpFailure::Network("no connection".to_owned()));
    assert_eq!(
        answered(GET, network.clone()),
        Err(BuiltinError::Lenient("no connection".to_owned()))
    );
    assert_eq!(
        answered(QUIET, network).unwrap(),
        r#"{"error": {"code": "eval_http_send_network_error", "message": "no connection"}, "status_code": 0}"#
    );
    let broken = answered(QUIET, Err(HttpFailure::Broken("broke off".to_owned()))).unwrap();
    assert!(broken.contains("eval_http_send_internal_error"), "{broken}");
    let refused = Err(HttpFailure::Refused("not on the list".to_owned()));
    assert_eq!(
        answered(QUIET, refused),
        Err(BuiltinError::Halt("not on the list".to_owned()))
    );
    let bytes = Ok(HttpResponse {
        body: vec![0xff],
        ..ok("", &[]).unwrap()
    });
    assert!(matches!(answered(QUIET, bytes), Err(BuiltinError::Halt(_))));
}

#[test]
fn what_is_no_object_is_opas_failure() {
    let env = Env::new(0, [0; 32]);
    let failed = send(&mut Context::new(&env, 1_000, None), &[Value::from(1)]);
    let message = "operand 1 must be object but got number";
    assert_eq!(failed, Err(BuiltinError::Lenient(message.to_owned())));
}
