//! What the sidecar answered, for people and programs.

use std::fmt::Write as _;

use envoy_types::pb::envoy::{
    config::core::v3::HeaderValueOption,
    service::auth::v3::{CheckResponse, check_response::HttpResponse},
};
use envoy_types::pb::google::protobuf::value::Kind;
use serde::Serialize;

use crate::{commands::explain::Explanation, output::Printed};

/// Envoy allows when the status is 0 and nothing else, so that is what counts here.
const OK: i32 = 0;
/// What Envoy sends when a denial names no status.
const FORBIDDEN: i32 = 403;

/// The decision.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether Envoy would let the request through.
    pub allowed: bool,
    /// The status that the caller would get; none when allowed: the upstream answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,
    /// Headers that the upstream would get.
    pub request_headers: Vec<Header>,
    /// Headers that the upstream would not get.
    pub request_headers_removed: Vec<String>,
    /// Headers that the caller would get.
    pub response_headers: Vec<Header>,
    /// The answer's body when denied; empty when allowed.
    pub body: String,
    /// Names the decision.
    pub decision_id: Option<String>,
    /// Which stage settled it and why, where the sidecar's admin could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// A header of either direction.
#[derive(Debug, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl From<CheckResponse> for Verdict {
    fn from(response: CheckResponse) -> Self {
        let allowed = response.status.as_ref().is_some_and(|status| status.code == OK);
        let mut verdict = Self {
            allowed,
            http_status: (!allowed).then_some(FORBIDDEN),
            request_headers: Vec::new(),
            request_headers_removed: Vec::new(),
            response_headers: Vec::new(),
            body: String::new(),
            decision_id: decision_id(&response),
            explanation: None,
        };
        match response.http_response {
            Some(HttpResponse::OkResponse(ok)) if allowed => {
                verdict.request_headers = headers(ok.headers);
                verdict.request_headers_removed = ok.headers_to_remove;
                verdict.response_headers = headers(ok.response_headers_to_add);
            }
            Some(HttpResponse::DeniedResponse(denied)) if !allowed => {
                verdict.http_status = Some(denied.status.map_or(FORBIDDEN, |status| status.code));
                verdict.response_headers = headers(denied.headers);
                verdict.body = denied.body;
            }
            _ => {}
        }
        verdict
    }
}

/// `decision_id` of the dynamic metadata, where OPA-Envoy puts it too.
fn decision_id(response: &CheckResponse) -> Option<String> {
    let fields = &response.dynamic_metadata.as_ref()?.fields;
    match fields.get("decision_id")?.kind.as_ref()? {
        Kind::StringValue(id) => Some(id.clone()),
        _ => None,
    }
}

fn headers(options: Vec<HeaderValueOption>) -> Vec<Header> {
    let each = |option: HeaderValueOption| {
        let header = option.header?;
        let value = if header.value.is_empty() {
            String::from_utf8_lossy(&header.raw_value).into_owned()
        } else {
            header.value
        };
        Some(Header {
            name: header.key,
            value,
        })
    };
    options.into_iter().filter_map(each).collect()
}

impl Verdict {
    /// What a denial's problem document calls the request, where there is one.
    fn correlation_id(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        // It is shown to be typed again, so nothing that a shell or a terminal acts on may be in it.
        let plain = |id: &&str| {
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let id = body.get("correlation_id")?.as_str().filter(plain)?;
        (!id.is_empty()).then(|| id.to_owned())
    }
}

impl Printed for Verdict {
    fn human(&self) -> String {
        let style = if self.allowed {
            anstyle::AnsiColor::Green
        } else {
            anstyle::AnsiColor::Red
        };
        let style = style.on_default().bold();
        let mut text = match self.http_status {
            None => format!("{style}ALLOWED{style:#}"),
            Some(status) => format!("{style}DENIED{style:#} with {status}"),
        };
        let mut section = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = write!(text, "\n\n{title}\n  {}", lines.join("\n  "));
            }
        };
        let shown = |headers: &[Header]| {
            headers
                .iter()
                .map(|header| format!("{}: {}", header.name, header.value))
                .collect::<Vec<_>>()
        };
        section("the upstream gets", shown(&self.request_headers));
        section("the upstream does not get", self.request_headers_removed.clone());
        section("the caller gets", shown(&self.response_headers));
        section("body", self.body.lines().map(str::to_owned).collect());
        if let Some(explanation) = &self.explanation {
            section("why", explanation.why());
            section("stages", explanation.stages());
        } else {
            // The caller is told what is safe; the log says exactly which rule refused.
            let told =
                |id| format!("grep {id} in it; that of `postern dev` is logs/sidecar.log in its data folder");
            section(
                "the sidecar's log says why",
                self.correlation_id().map(told).into_iter().collect(),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::{
        envoy::{
            config::core::v3::HeaderValue,
            service::auth::v3::{DeniedHttpResponse, OkHttpResponse},
            r#type::v3::HttpStatus,
        },
        google::rpc::Status,
    };

    use super::*;

    fn response(code: i32, http: Option<HttpResponse>) -> Verdict {
        let status = Some(Status {
            code,
            ..Status::default()
        });
        CheckResponse {
            status,
            http_response: http,
            ..CheckResponse::default()
        }
        .into()
    }

    #[test]
    fn status_zero_allows_and_shows_what_the_upstream_gets() {
        let header = HeaderValue {
            key: "x-a".into(),
            raw_value: b"1".to_vec(),
            ..HeaderValue::default()
        };
        let ok = OkHttpResponse {
            headers: vec![HeaderValueOption {
                header: Some(header),
                ..HeaderValueOption::default()
            }],
            ..OkHttpResponse::default()
        };
        let verdict = response(0, Some(HttpResponse::OkResponse(ok)));
        assert!(verdict.allowed && verdict.http_status.is_none());
        assert!(verdict.human().contains("x-a: 1"));
    }

    #[test]
    fn a_denial_shows_its_status_and_body() {
        let denied = DeniedHttpResponse {
            status: Some(HttpStatus { code: 401 }),
            body: "{\"title\":\"no\"}".into(),
            ..DeniedHttpResponse::default()
        };
        let verdict = response(16, Some(HttpResponse::DeniedResponse(denied)));
        assert!(!verdict.allowed);
        assert!(verdict.human().contains("with 401") && verdict.human().contains("\"title\""));
    }

    #[test]
    fn a_denial_that_names_its_request_points_to_the_log() {
        let denied = |body: &str| {
            let denied = DeniedHttpResponse {
                body: body.into(),
                ..DeniedHttpResponse::default()
            };
            response(16, Some(HttpResponse::DeniedResponse(denied))).human()
        };
        let text = denied(r#"{"correlation_id":"c-1"}"#);
        assert!(text.contains("log says why\n  grep c-1"), "{text}");
        assert!(!denied("no").contains("log says why"));
    }

    #[test]
    fn an_answer_without_a_status_denies_whatever_else_it_says() {
        let ok = HttpResponse::OkResponse(OkHttpResponse::default());
        let verdict = Verdict::from(CheckResponse {
            http_response: Some(ok),
            ..CheckResponse::default()
        });
        assert_eq!((verdict.allowed, verdict.http_status), (false, Some(403)));
    }
}
