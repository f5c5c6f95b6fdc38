//! The forms of OPA's answers (`v1/server/writer`, and Go's own for what isn't there).

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value as Json, json};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_SNIFFING: (HeaderName, HeaderValue) = (
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderValue::from_static("nosniff"),
);

/// JSON, on one line or on many, and a line's end.
pub(super) fn json(value: &Json, is_pretty: bool) -> Response {
    let text = if is_pretty {
        format!("{value:#}\n")
    } else {
        format!("{value}\n")
    };
    ([(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// OPA's `HealthResponseV1`.
pub(super) fn health(problem: Option<String>) -> Response {
    match problem {
        None => json(&json!({}), false),
        Some(problem) => {
            let mut response = json(&json!({ "error": problem }), false);
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// OPA's `ErrorV1`.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let text = format!("{:#}\n", Ordered { code, message });
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// Its members in OPA's order.
struct Ordered<'a> {
    code: &'a str,
    message: &'a str,
}

impl std::fmt::Display for Ordered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (code, message) = (json!(self.code), json!(self.message));
        write!(f, "{{\n  \"code\": {code},\n  \"message\": {message}\n}}")
    }
}

/// Go's 404.
pub(super) async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Go's 405 of what can be got.
pub(super) async fn method_not_allowed() -> Response {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    let allow = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT), NO_SNIFFING], text).into_response()
}

/// Sends whoever asks with a slash too many to where there is none.
pub(super) async fn without_slash(request: Request) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let to = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let Ok(location) = HeaderValue::from_str(&to) else {
        return not_found().await;
    };
    let escaped = to
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;");
    let page = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
    (
        StatusCode::MOVED_PERMANENTLY,
        [(header::LOCATION, location)],
        Html(page),
    )
        .into_response()
}
