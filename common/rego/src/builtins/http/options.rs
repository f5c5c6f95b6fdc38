//! What a request says besides what is sent: caching, TLS, redirects, retries.

use super::request::HttpKeep;
use super::{Failure, internal, refuse, shown};
use crate::builtins::Context;
use crate::value::{Object, Value};

/// The most retries; OPA has no bound, and the host's deadline ends them anyhow.
const MAX_RETRIES: i64 = 1000;

/// `Boolean`, or left out.
pub(super) fn flag(object: &Object, key: &str) -> Result<bool, Failure> {
    match object.get_str(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => internal(format!("invalid value for {key:?} field")),
    }
}

/// What Go's `strconv.ParseBool` takes of a value's text: `true`, `false`, `1`, `0`.
pub(super) fn parsed_bool(object: &Object, key: &str) -> Result<bool, Failure> {
    let Some(value) = object.get_str(key) else {
        return Ok(false);
    };
    match shown(value).as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => internal(format!("strconv.ParseBool: parsing {other:?}: invalid syntax")),
    }
}

pub(super) fn retries(object: &Object) -> Result<u32, Failure> {
    let Some(value) = object.get_str("max_retry_attempts") else {
        return Ok(0);
    };
    match value.as_i64() {
        Some(retries @ 0..) => Ok(u32::try_from(retries.min(MAX_RETRIES)).unwrap_or(u32::MAX)),
        _ => {
            let value = shown(value);
            internal(format!("invalid value {value} for field \"max_retry_attempts\""))
        }
    }
}

/// Whether the answer may be kept beyond the evaluation.
pub(super) fn keep(object: &Object) -> Result<Option<HttpKeep>, Failure> {
    let is_kept = flag(object, "cache")?;
    if !flag(object, "force_cache")? {
        return Ok(is_kept.then_some(HttpKeep::AsItSays));
    }
    match object.get_str("force_cache_duration_seconds") {
        None => internal("'force_cache' set but 'force_cache_duration_seconds' parameter is missing"),
        Some(seconds) => match shown(seconds).parse::<i32>() {
            // OPA takes what isn't positive for no duration.
            Ok(seconds) => Ok(Some(match u32::try_from(seconds) {
                Ok(seconds @ 1..) => HttpKeep::For { seconds },
                _ => HttpKeep::AsItSays,
            })),
            Err(_) => {
                let seconds = shown(seconds);
                internal(format!("strconv.ParseInt: parsing {seconds:?}: invalid syntax"))
            }
        },
    }
}

/// Whom to trust is the host's configuration, never the policy's.
pub(super) fn check_tls(object: &Object) -> Result<(), Failure> {
    parsed_bool(object, "tls_use_system_certs")?;
    if parsed_bool(object, "tls_insecure_skip_verify")? {
        return refuse("a request with tls_insecure_skip_verify");
    }
    let harmless = ["tls_use_system_certs", "tls_insecure_skip_verify"];
    let mut keys = object.keys().filter_map(Value::as_str);
    match keys.find(|key| key.starts_with("tls_") && !harmless.contains(key)) {
        Some(key) => refuse(format_args!("a request with {key}")),
        None => Ok(()),
    }
}

/// What the answer is kept under: the whole object, without the headers that `cache_ignored_headers` names.
pub(super) fn key(context: &mut Context<'_>, object: &Object) -> Result<Value, Failure> {
    let (Some(ignored), Some(headers)) = (object.get_str("cache_ignored_headers"), object.get_str("headers"))
    else {
        return Ok(replaced(object, None));
    };
    let message = "cache_ignored_headers must be an array of strings";
    let Some(ignored) = ignored.as_array() else {
        return internal(message);
    };
    if ignored.iter().any(|name| name.as_str().is_none()) {
        return internal(message);
    }
    let Some(headers) = headers.as_object() else {
        return internal("invalid type for headers key");
    };
    // Each header is looked for among the names.
    context.spend(ignored.len().saturating_mul(headers.len()))?;
    let counts = |(name, _): &(&Value, &Value)| !ignored.iter().any(|other| other == *name);
    let counting = headers.iter().filter(counts);
    let counting: Object = counting
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Ok(replaced(object, Some(&counting)))
}

fn replaced(object: &Object, headers: Option<&Object>) -> Value {
    let kept = object.iter().map(|(key, value)| match (key.as_str(), headers) {
        (Some("cache_ignored_headers"), _) => (key.clone(), Value::Null),
        (Some("headers"), Some(headers)) => (key.clone(), Value::Object(headers.clone())),
        _ => (key.clone(), value.clone()),
    });
    let mut kept: Object = kept.collect();
    // Present or not, it says nothing of the answer.
    kept.insert(Value::from("cache_ignored_headers"), Value::Null);
    Value::Object(kept)
}
