//! An answer in the form in which two are compared: without what is chosen at random, and lists in an order of their own
//! where the plugin has none.

use envoy_types::pb::envoy::config::core::v3::{HeaderValueOption, QueryParameter};
use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::google::protobuf::value::Kind;
use tonic::Status;

/// The answer, told so that equal ones are told alike.
#[must_use]
pub fn told(answer: Result<CheckResponse, Status>) -> String {
    match answer {
        Ok(response) => format!("{:#?}", Sorted(ordered(response))),
        Err(status) => {
            // protobuf-go says "proto:" with one of two spaces, by a coin thrown when it was built.
            let message = status.message().replace('\u{a0}', " ");
            format!("{:?}: {}", status.code(), message)
        }
    }
}

/// Prints maps by their keys.
struct Sorted(CheckResponse);

impl std::fmt::Debug for Sorted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CheckResponse {
            status,
            dynamic_metadata,
            http_response,
        } = &self.0;
        let metadata = dynamic_metadata.clone().map(Kind::StructValue);
        writeln!(out, "status: {status:#?}\nhttp_response: {http_response:#?}")?;
        match metadata {
            Some(metadata) => writeln!(out, "dynamic_metadata: {}", json(&metadata)),
            None => writeln!(out, "no dynamic_metadata"),
        }
    }
}

fn json(kind: &Kind) -> serde_json::Value {
    match kind {
        Kind::NullValue(_) => serde_json::Value::Null,
        Kind::NumberValue(number) => format!("{number:?}").into(),
        Kind::StringValue(text) => text.as_str().into(),
        Kind::BoolValue(flag) => (*flag).into(),
        Kind::StructValue(fields) => {
            let sorted: std::collections::BTreeMap<_, _> = fields
                .fields
                .iter()
                .map(|(key, value)| (key.clone(), value.kind.as_ref().map(json).unwrap_or_default()))
                .collect();
            serde_json::to_value(sorted).unwrap_or_default()
        }
        Kind::ListValue(list) => list
            .values
            .iter()
            .map(|value| value.kind.as_ref().map(json).unwrap_or_default())
            .collect(),
    }
}

pub(super) fn ordered(mut response: CheckResponse) -> CheckResponse {
    if let Some(metadata) = &mut response.dynamic_metadata
        && let Some(id) = metadata.fields.get_mut("decision_id")
        && let Some(Kind::StringValue(text)) = &id.kind
        && uuid::Uuid::parse_str(text).is_ok_and(|id| id.get_version_num() == 4)
    {
        id.kind = Some(Kind::StringValue("a UUIDv4".to_owned()));
    }
    match &mut response.http_response {
        Some(HttpResponse::OkResponse(ok)) => {
            ok.headers.sort_by_key(header);
            ok.response_headers_to_add.sort_by_key(header);
            ok.query_parameters_to_set.sort_by_key(parameter);
        }
        Some(HttpResponse::DeniedResponse(denied)) => denied.headers.sort_by_key(header),
        Some(HttpResponse::ErrorResponse(_)) | None => {}
    }
    response
}

/// By names only: the values of one name keep their order.
fn header(option: &HeaderValueOption) -> String {
    option
        .header
        .as_ref()
        .map(|header| header.key.clone())
        .unwrap_or_default()
}

fn parameter(parameter: &QueryParameter) -> String {
    parameter.key.clone()
}
