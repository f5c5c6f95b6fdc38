//! Properties of the error vocabulary, over every surface that shows errors.
#![cfg(all(feature = "http", feature = "grpc"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use postern_telemetry::{Code, CorrelationId, Error, PROBLEM_JSON, Problem};
use proptest::prelude::*;
use serde_json::Value;
use tonic_types::StatusExt as _;

/// Stands for whatever must stay inside; no generated text contains it.
const SECRET: &str = "SECRET-0451";

fn any_error() -> impl Strategy<Value = Error> {
    (
        prop::sample::select(Code::ALL),
        any::<String>(),
        prop::collection::vec((any::<String>(), any::<String>()), 0..20),
        any::<Option<u32>>(),
        any::<bool>(),
    )
        .prop_map(|(code, message, fields, retry_after, has_cause)| {
            let error = fields
                .into_iter()
                .fold(Error::new(code, message), |error, (field, what)| {
                    error.with_field(field, what)
                });
            let error = retry_after.into_iter().fold(error, Error::with_retry_after);
            if has_cause {
                error.with_cause(SECRET)
            } else {
                error
            }
        })
}

fn any_id() -> impl Strategy<Value = CorrelationId> {
    "[A-Za-z0-9._-]{1,128}".prop_map(|text| CorrelationId::parse(&text).expect("well-formed"))
}

fn same_to_callers(left: &Error, right: &Error) -> bool {
    left.code() == right.code()
        && left.message() == right.message()
        && left.fields() == right.fields()
        && left.retry_after_seconds() == right.retry_after_seconds()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn property_26_every_error_has_one_shape(error in any_error(), id in any_id(), extension in "[a-z_]{1,20}") {
        // HTTP: the document has its members, and the answer around it agrees with them.
        let response: http::Response<String> = Problem::new(&error, &id).with(&extension, "more").into_response();
        let document: Value = serde_json::from_str(response.body()).expect("JSON");
        prop_assert_eq!(&document["type"], &Value::from(format!("urn:postern:error:{}", error.code())));
        prop_assert_eq!(&document["title"], error.code().title());
        prop_assert_eq!(&document["status"], response.status().as_u16());
        prop_assert_eq!(&document["detail"], error.message());
        prop_assert_eq!(&document["code"], error.code().as_str());
        prop_assert_eq!(&document["correlation_id"], id.as_str());
        prop_assert!(document.get(&extension).is_some());
        let fields = document.get("errors").and_then(Value::as_array).map_or(0, Vec::len);
        prop_assert_eq!(fields, error.fields().len());
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text"));
        prop_assert_eq!(header("content-type"), Some(PROBLEM_JSON));
        prop_assert_eq!(header("x-request-id"), Some(id.as_str()));
        let retry_after = error.retry_after_seconds().map(|seconds| seconds.to_string());
        prop_assert_eq!(header("retry-after"), retry_after.as_deref());
        if matches!(response.status().as_u16(), 429 | 503) {
            prop_assert!(retry_after.is_some());
        }

        // gRPC: the same code, and nothing is lost on the way there, through real headers, and back.
        let mut headers = http::HeaderMap::new();
        error.to_status(&id).add_header(&mut headers).expect("valid headers");
        let received = tonic::Status::from_header_map(&headers).expect("a status");
        prop_assert_eq!(i32::from(received.code()), error.code().grpc_code());
        prop_assert!(same_to_callers(&Error::from_status(&received), &error));
        let details = received.get_error_details();
        prop_assert_eq!(
            details.error_info().map(|info| info.reason.to_lowercase()),
            Some(error.code().as_str().to_owned())
        );
        prop_assert_eq!(details.request_info().map(|info| info.request_id.as_str()), Some(id.as_str()));

        // Neither says what only the log may know.
        prop_assert!(!response.body().contains(SECRET));
        prop_assert!(!received.message().contains(SECRET));
        prop_assert!(!received.details().windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
        let shown = response.headers().values().any(|value| value.as_bytes() == SECRET.as_bytes());
        prop_assert!(!shown);
    }
}

#[test]
fn property_26_each_code_means_the_same_on_every_surface() {
    for code in Code::ALL {
        assert_eq!(code.as_str().parse(), Ok(*code), "its name comes back");
        let fits = match code.grpc_name() {
            "INVALID_ARGUMENT" => [400, 422].contains(&code.http_status()),
            "FAILED_PRECONDITION" => code.http_status() == 400,
            "UNAUTHENTICATED" => code.http_status() == 401,
            "PERMISSION_DENIED" => [403, 421].contains(&code.http_status()),
            "NOT_FOUND" => code.http_status() == 404,
            "UNIMPLEMENTED" => code.http_status() == 405,
            "ALREADY_EXISTS" => code.http_status() == 409,
            "RESOURCE_EXHAUSTED" => [409, 413, 429, 431].contains(&code.http_status()),
            "INTERNAL" => code.http_status() == 500,
            "UNAVAILABLE" => code.http_status() == 503,
            "DEADLINE_EXCEEDED" => code.http_status() == 504,
            _ => false,
        };
        assert!(fits, "{code}: {} and {}", code.http_status(), code.grpc_name());
    }
}

#[test]
fn property_26_every_token_refusal_is_invalid_token_to_oauth_and_to_strangers() {
    let refusals = Code::ALL
        .iter()
        .filter(|code| code.as_str().starts_with("token_"));
    for code in refusals {
        assert_eq!(code.oauth_error(), Some("invalid_token"), "{code}");
        let told = if *code == Code::TokenExpired {
            Code::TokenExpired
        } else {
            Code::InvalidToken
        };
        assert_eq!(code.for_stranger(), told);
    }
    assert_eq!(
        Code::MissingToken.oauth_error(),
        None,
        "RFC 6750 §3.1: no error where no token was sent"
    );
    assert_eq!(Code::InsufficientScope.for_stranger(), Code::InsufficientScope);
}

#[test]
fn a_member_of_the_document_cannot_be_overwritten() {
    let id = CorrelationId::from_bytes([1; 16]);
    let problem = Problem::new(&Error::new(Code::NotFound, "no such bundle"), &id).with("status", 200);
    assert!(problem.to_json().contains(r#""status":404"#));
}
