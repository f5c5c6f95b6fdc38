//! gRPC over HTTP/2 for one unary message each way (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): the prefix of a message,
//! and refusals. Never looks into a message.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use postern_decide::Failed;
use tonic::{Code, Status};

/// The prefix of a message: whether it is compressed, and its length.
pub(crate) const PREFIX_BYTES: usize = 5;

/// `content-type` of gRPC, and what may follow: a `+` and the name of a message format.
const GRPC: &str = "application/grpc";

/// What a request is before any of its body is read.
///
/// # Errors
/// The answer for a request that isn't gRPC: plain HTTP, since who sent it doesn't speak gRPC.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> Result<(), Response<()>> {
    if request.method() != Method::POST {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED);
        refusal
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return Err(refusal);
    }
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    match content_type.and_then(|value| value.strip_prefix(GRPC.as_bytes())) {
        Some([] | [b'+' | b';', ..]) => Ok(()),
        _ => Err(plain(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

fn plain(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response
}

/// How long the client waits (`grpc-timeout`); `None` where it doesn't say, or not in the protocol's form.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The one message of a request's whole body.
///
/// # Errors
/// When there isn't exactly one, or it can't be read.
pub(crate) fn message(body: &Bytes) -> Result<&[u8], Status> {
    let Some((prefix, message)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(Status::internal("the request ends before its message does"));
    };
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Err(Status::unimplemented(
            "the message is compressed; send it with grpc-encoding identity",
        ));
    }
    match message.len().cmp(&(u32::from_be_bytes(length) as usize)) {
        std::cmp::Ordering::Equal => Ok(message),
        std::cmp::Ordering::Less => Err(Status::internal("the request ends before its message does")),
        std::cmp::Ordering::Greater => Err(Status::internal("more than the one message that was expected")),
    }
}

/// How long the message is going to be, as far as its beginning says.
pub(crate) fn announced(beginning: &[u8]) -> Option<usize> {
    let ([_, length @ ..], _) = beginning.split_first_chunk::<PREFIX_BYTES>()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

/// A message larger than anybody's is.
pub(crate) fn too_large(most: usize) -> Status {
    Status::resource_exhausted(format!("the message is larger than {most} bytes"))
}

/// A policy that came to no decision, where that is left to the proxy: as opa-envoy-plugin has it.
pub(crate) fn policy_failed(failed: &Failed) -> Status {
    let code = match failed.code {
        postern_telemetry::Code::PolicyTimeout => Code::DeadlineExceeded,
        _ => Code::Unknown,
    };
    Status::new(code, failed.message.as_ref())
}

/// A request beyond those that are taken on at once.
pub(crate) fn too_many() -> Status {
    Status::unavailable("too many requests are under way; try again soon")
}

/// A message that doesn't come.
pub(crate) fn too_slow() -> Status {
    Status::deadline_exceeded("the message did not come in time")
}

/// The head of an answer with a message.
pub(crate) fn head() -> Response<()> {
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    let mut response = Response::new(());
    *response.headers_mut() = headers;
    response
}

/// The trailers of an answer with a message: all went well, whatever the message says.
pub(crate) fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

/// An answer without a message, in one block of headers.
pub(crate) fn refusal(status: Status) -> Response<()> {
    let unimplemented = status.code() == Code::Unimplemented;
    let mut response = status.into_http();
    if unimplemented {
        // Which encodings would do (PROTOCOL-HTTP2, "Compression").
        let identity = HeaderValue::from_static("identity");
        response.headers_mut().insert("grpc-accept-encoding", identity);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, content_type: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        if let Some(content_type) = content_type {
            let value = content_type.parse().unwrap();
            request.headers_mut().insert(CONTENT_TYPE, value);
        }
        request
    }

    #[test]
    fn grpc_is_a_post_of_its_own_content_type() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;a=b",
        ] {
            assert!(is_grpc(&request(Method::POST, Some(content_type))).is_ok());
        }
        for content_type in [
            None,
            Some("application/grpc-web"),
            Some("application/json"),
            Some(""),
        ] {
            let refused = is_grpc(&request(Method::POST, content_type)).unwrap_err();
            assert_eq!(
                refused.status(),
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{content_type:?}"
            );
        }
        let refused = is_grpc(&request(Method::GET, Some(GRPC))).unwrap_err();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "POST");
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            timeout(&headers)
        };
        for (text, milliseconds) in [
            ("2H", 7_200_000),
            ("3M", 180_000),
            ("4S", 4_000),
            ("200m", 200),
            ("5000u", 5),
            ("6000000n", 6),
            ("0m", 0),
        ] {
            assert_eq!(of(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "m", "1", "1x", "-1m", "+1m", "123456789m", "1.5S"] {
            assert_eq!(of(text), None, "{text:?}");
        }
        assert_eq!(timeout(&HeaderMap::new()), None);
    }

    #[test]
    fn a_body_is_exactly_one_message() {
        let of = |body: &'static [u8]| {
            message(&Bytes::from_static(body))
                .map(<[u8]>::to_vec)
                .map_err(|e| e.code())
        };
        assert_eq!(of(b"\0\0\0\0\x02ab"), Ok(b"ab".to_vec()));
        assert_eq!(of(b"\0\0\0\0\0"), Ok(Vec::new()));
        for body in [&b""[..], b"\0\0\0\0", b"\0\0\0\0\x02a", b"\0\0\0\0\x02abc"] {
            assert_eq!(of(body), Err(Code::Internal), "{body:?}");
        }
        assert_eq!(of(b"\x01\0\0\0\x02ab"), Err(Code::Unimplemented));
    }

    #[test]
    fn a_refusal_names_its_status_and_how_to_encode() {
        let refused = refusal(Status::unimplemented("no"));
        assert_eq!(refused.headers()["grpc-status"], "12");
        assert_eq!(refused.headers()["grpc-accept-encoding"], "identity");
        assert_eq!(refused.headers()[CONTENT_TYPE], GRPC);
        assert!(!refusal(too_slow()).headers().contains_key("grpc-accept-encoding"));
    }
}
