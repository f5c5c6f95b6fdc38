//! A policy's answer as the plugin reads it (`envoyauth/response.go`): a boolean, or an object with `allowed`. What is wrong
//! with one is said in the plugin's words, since operators search for them.

use postern_policy::{Object, Value};

use super::members::{
    body, dynamic_metadata, go_type, headers, http_status, query_parameters_to_set, strings,
};
use super::verdict::{Denied, HttpAnswer, PERMISSION_DENIED, Response, Upstream};

/// The response that a policy's answer asks for.
///
/// # Errors
/// What the plugin says of an answer that it can't act on.
pub(super) fn response(result: &Value) -> Result<Response, String> {
    let allowed = is_allowed(result).map_err(in_getting("response status"))?;
    let status = if allowed { 0 } else { PERMISSION_DENIED };
    let Value::Object(result) = result else {
        return Ok(Response {
            status,
            metadata: Some(Value::Object(Object::default())),
            ..Response::default()
        });
    };
    let headers_set = headers(result, "headers").map_err(in_getting("response headers"))?;
    let metadata = dynamic_metadata(result).map_err(in_getting("dynamic metadata"))?;
    let http = if allowed {
        HttpAnswer::Ok(upstream(result, headers_set)?)
    } else {
        HttpAnswer::Denied(Denied {
            body: body(result).map_err(in_getting("response body"))?,
            status: http_status(result).map_err(in_getting("response http status"))?,
            headers: headers_set,
        })
    };
    Ok(Response {
        status,
        message: String::new(),
        http: Some(http),
        metadata: Some(metadata),
    })
}

fn upstream(result: &Object, headers_set: Vec<(String, String)>) -> Result<Upstream, String> {
    Ok(Upstream {
        headers: headers_set,
        headers_to_remove: strings(result, "request_headers_to_remove")
            .map_err(in_getting("request headers to remove"))?,
        response_headers_to_add: headers(result, "response_headers_to_add")
            .map_err(in_getting("response headers to send to client"))?,
        query_parameters_to_remove: strings(result, "query_parameters_to_remove")
            .map_err(in_getting("request query parameters to remove"))?,
        query_parameters_to_set: query_parameters_to_set(result)
            .map_err(in_getting("request query parameters to set"))?,
    })
}

fn is_allowed(result: &Value) -> Result<bool, String> {
    match result {
        Value::Bool(allowed) => Ok(*allowed),
        Value::Object(result) => match result.get_str("allowed") {
            Some(Value::Bool(allowed)) => Ok(*allowed),
            Some(other) => Err(format!(
                "type assertion error, expected allowed to be of type 'boolean' but got '{}'",
                go_type(other)
            )),
            None => Err("unable to determine evaluation result due to missing \"allowed\" key".to_owned()),
        },
        other => Err(format!(
            "illegal value for policy evaluation result: {}",
            go_type(other)
        )),
    }
}

fn in_getting(what: &'static str) -> impl FnOnce(String) -> String {
    move |problem| format!("failed to get {what}: {problem}")
}
