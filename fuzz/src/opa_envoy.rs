//! A request's body on its way through the drop-in for opa-envoy-plugin: parsed as JSON, as a form, as a form in parts or as a
//! gRPC message, and answered by a policy that answers what was sent, so that whatever a policy may answer is judged, too.
//! The first byte says what the body is, then comes the body; of a form in parts, first a line with its boundary.

use std::sync::{Arc, LazyLock};

use postern_decide::opa_envoy::{HttpAnswer, Reply, whole_input};
use postern_decide::{
    ActivePolicy, Entropy, Extent, Headers, HttpView, Now, OpaEnvoySettings, RequestView, decide_as_opa_envoy,
};
use postern_policy::{Engine, EngineError, Entrypoint, Env, Value};

/// Answers the body.
struct Echo;

impl Engine for Echo {
    fn revision(&self) -> &str {
        ""
    }

    fn entrypoints(&self) -> Vec<String> {
        vec!["echo".to_owned()]
    }

    fn entrypoint(&self, _: &str) -> Option<Entrypoint> {
        Some(Entrypoint::from_index(0))
    }

    fn evaluate(&self, _: Entrypoint, input: Option<&Value>, _: &Env) -> Result<Option<Value>, EngineError> {
        let body = input
            .and_then(Value::as_object)
            .and_then(|input| input.get_str("parsed_body"));
        Ok(body.cloned())
    }
}

static SETTINGS: LazyLock<OpaEnvoySettings> = LazyLock::new(|| OpaEnvoySettings {
    grpc: postern_sidecar::grpc_messages(postern_proto::ENVOY_FILE_DESCRIPTOR_SET),
    ..OpaEnvoySettings::default()
});

/// Asks with `data` as body.
pub fn run(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let mut body = body;
    let content_type = match kind {
        b'j' => "application/json".to_owned(),
        b'f' => "application/x-www-form-urlencoded".to_owned(),
        b'g' => "application/grpc".to_owned(),
        _ => {
            let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
            let (boundary, parts) = body.split_at(end);
            body = parts.get(1..).unwrap_or_default();
            format!(
                "multipart/form-data; boundary={}",
                String::from_utf8_lossy(boundary)
            )
        }
    };
    let request = RequestView {
        extent: Extent::Http,
        http: HttpView {
            method: "POST",
            path: "/envoy.service.auth.v3.Authorization/Check",
            headers: Headers::from_text([("content-type", content_type.as_str())]),
            raw_body: body,
            ..HttpView::default()
        },
        ..RequestView::default()
    };
    if let Ok(input) = whole_input(&request, &SETTINGS) {
        let text = input.to_json();
        assert_eq!(
            Value::from_json_str(&text).expect("our own JSON"),
            input,
            "{text}"
        );
    }
    let policy = ActivePolicy::new(Arc::new(Echo), Entrypoint::from_index(0));
    let entropy = Entropy::default();
    let now = Now { unix_ns: 0 };
    let verdict = decide_as_opa_envoy(Some(&policy), &request, &SETTINGS, None, now, &entropy);
    if let Reply::Response(response) = verdict.reply {
        // google.rpc's OK and PERMISSION_DENIED.
        assert!(matches!(response.status, 0 | 7), "{}", response.status);
        assert!(!verdict.allowed || response.status == 0);
        if let Some(HttpAnswer::Denied(denied)) = response.http {
            assert!((100..1000).contains(&denied.status), "{}", denied.status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else nothing would be tried on messages.
    #[test]
    fn the_types_of_messages_are_known() {
        assert!(SETTINGS.grpc.is_some());
    }
}
