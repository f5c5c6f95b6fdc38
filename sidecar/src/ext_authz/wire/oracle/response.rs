//! A decision as the `CheckResponse` of envoy-types.

use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::{
    CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpResponse, HttpStatus,
    OkHttpResponse, QueryParameter,
};
use envoy_types::pb::google::protobuf::{BoolValue, ListValue, NullValue, Struct, Value as Any, value::Kind};
use envoy_types::pb::google::rpc::Status;
use postern_decide::{Allow, Answer, Deny, Header};
use postern_rego::Value;
use postern_telemetry::Code;
use uuid::Uuid;

pub(crate) use envoy_types::ext_authz::v3::pb::HttpResponse as Http;

/// The response for `answer`.
pub(crate) fn response(answer: Answer, code: Option<Code>, decision_id: Uuid) -> CheckResponse {
    let decision_id = decision_id.to_string();
    let code = match &answer {
        Answer::Allow(_) => 0,
        Answer::Deny(_) | Answer::Failed(_) => code.unwrap_or(Code::Internal).grpc_code(),
    };
    let (http_response, metadata) = match answer {
        Answer::Allow(allow) => {
            let metadata = allow.metadata.clone();
            (HttpResponse::OkResponse(ok(allow)), metadata)
        }
        Answer::Deny(deny) => {
            let metadata = deny.metadata.clone();
            (HttpResponse::DeniedResponse(denied(deny)), metadata)
        }
        // Over gRPC that is a status without a message.
        Answer::Failed(failed) => (HttpResponse::DeniedResponse(denied(failed.deny)), None),
    };
    CheckResponse {
        status: Some(Status {
            code,
            message: String::new(),
            details: Vec::new(),
        }),
        dynamic_metadata: Some(with_decision_id(metadata.as_ref(), decision_id)),
        http_response: Some(http_response),
    }
}

fn ok(allow: Allow) -> OkHttpResponse {
    OkHttpResponse {
        headers: options(allow.upstream_set),
        headers_to_remove: allow.upstream_remove.into_iter().map(String::from).collect(),
        response_headers_to_add: options(allow.response_set),
        query_parameters_to_set: allow
            .query_set
            .into_iter()
            .map(|(key, value)| QueryParameter { key, value })
            .collect(),
        query_parameters_to_remove: allow.query_remove,
        ..Default::default()
    }
}

fn denied(deny: Deny) -> DeniedHttpResponse {
    DeniedHttpResponse {
        status: Some(HttpStatus {
            code: i32::from(deny.status),
        }),
        headers: options(deny.headers),
        body: deny.body,
    }
}

/// The first of a name replaces, further ones are added. `append` says so to every Envoy there is; `append_action`, its
/// successor, is not looked at by older ones.
fn options(headers: Vec<Header>) -> Vec<HeaderValueOption> {
    let mut options: Vec<HeaderValueOption> = Vec::with_capacity(headers.len());
    for header in headers {
        let (key, value) = header.into_parts();
        let repeated = options
            .iter()
            .filter_map(|option| option.header.as_ref())
            .any(|other| other.key == key);
        #[expect(
            deprecated,
            reason = "the field that every Envoy version reads in ext_authz answers"
        )]
        options.push(HeaderValueOption {
            header: Some(HeaderValue {
                key,
                value,
                raw_value: Vec::new(),
            }),
            append: Some(BoolValue { value: repeated }),
            ..Default::default()
        });
    }
    options
}

/// The policy's metadata, and the decision's id beside it, as OPA-Envoy gives it.
fn with_decision_id(metadata: Option<&Value>, decision_id: String) -> Struct {
    let mut fields = metadata
        .and_then(Value::as_object)
        .map(members)
        .unwrap_or_default();
    fields.insert("decision_id".to_owned(), text(decision_id));
    Struct { fields }
}

fn members(object: &postern_rego::Object) -> HashMap<String, Any> {
    object
        .iter()
        .map(|(key, value)| (member_name(key), any(value)))
        .collect()
}

/// JSON's names are strings; other keys are written as their own JSON, as OPA does.
fn member_name(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_json(), str::to_owned)
}

fn any(value: &Value) -> Any {
    let kind = match value {
        Value::Null => Kind::NullValue(NullValue::NullValue.into()),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(finite(number)),
        Value::String(text) => Kind::StringValue(text.to_string()),
        Value::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(any).collect(),
        }),
        Value::Set(items) => Kind::ListValue(ListValue {
            values: items.iter().map(any).collect(),
        }),
        Value::Object(object) => Kind::StructValue(Struct {
            fields: members(object),
        }),
    };
    Any { kind: Some(kind) }
}

/// A Struct has doubles only, and no infinities: a number beyond them can't be told to Envoy, and is told as 0.
fn finite(number: &postern_rego::Number) -> f64 {
    number
        .to_string()
        .parse()
        .ok()
        .filter(|double: &f64| double.is_finite())
        .unwrap_or_default()
}

/// A string as a member of a Struct.
pub(crate) fn text(text: String) -> Any {
    Any {
        kind: Some(Kind::StringValue(text)),
    }
}
