//! The request that a policy asks for, read and checked as OPA does (`validateHTTPRequestOperand`, `createHTTPRequest`).

use std::fmt;
use std::time::Duration;

use super::{Failure, halt, headers, internal, options, refuse, shown, url};
use crate::builtins::time::duration;
use crate::builtins::{Context, json};
use crate::value::{Object, Set, Value};

/// How long OPA waits where the policy doesn't say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest body.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What OPA knows.
const ALLOWED: [&str; 28] = [
    "body",
    "cache",
    "cache_ignored_headers",
    "caching_mode",
    "enable_redirect",
    "force_cache",
    "force_cache_duration_seconds",
    "force_json_decode",
    "force_yaml_decode",
    "headers",
    "max_retry_attempts",
    "method",
    "raise_error",
    "raw_body",
    "timeout",
    "tls_ca_cert",
    "tls_ca_cert_env_variable",
    "tls_ca_cert_file",
    "tls_client_cert",
    "tls_client_cert_env_variable",
    "tls_client_cert_file",
    "tls_client_key",
    "tls_client_key_env_variable",
    "tls_client_key_file",
    "tls_insecure_skip_verify",
    "tls_server_name",
    "tls_use_system_certs",
    "url",
];

/// How long an answer may serve other evaluations (`cache`, `force_cache`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpKeep {
    /// As long as its own headers say.
    AsItSays,
    /// That long, whatever its headers say.
    For {
        /// How long, at least 1.
        seconds: u32,
    },
}

/// A request that the host is asked to make. Everything in it is checked: it can be sent as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// A token, in capitals; never `CONNECT`.
    pub method: String,
    /// An absolute http or https URL in ASCII, in a form that every parser of URLs reads alike: no user, no fragment, no
    /// dot segments, the host in lower case.
    pub url: String,
    /// Headers, in the order of their names; each name once, none that belongs to the connection.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// How long the policy waits for all of the answer, for each try; `None` for as long as the host does.
    pub timeout: Option<Duration>,
    /// Whether redirects are followed. Where not, such a response is an answer.
    pub follow_redirects: bool,
    /// How often it is tried again after a failure.
    pub retries: u32,
    /// Whether the answer may serve other evaluations, too. A host that keeps none just asks again.
    pub keep: Option<HttpKeep>,
    pub(super) force_json: bool,
    pub(super) force_yaml: bool,
    key: Value,
}

impl HttpRequest {
    pub(super) fn new(context: &mut Context<'_>, object: &Object) -> Result<Self, Failure> {
        check_keys(object)?;
        let keep = options::keep(object)?;
        options::check_tls(object)?;
        let text = |key: &'static str| match object.get_str(key) {
            None => Ok(None),
            // OPA takes quotes away at both ends.
            Some(Value::String(text)) => Ok(Some(text.trim_matches('"'))),
            Some(_) => internal(format!("{key:?} must be a string")),
        };
        let body = match (text("raw_body")?, object.get_str("body")) {
            (Some(raw), _) => raw.as_bytes().to_vec(),
            (None, Some(body)) => json::marshal_text(context, body)?.into_bytes(),
            (None, None) => Vec::new(),
        };
        if body.len() > MAX_BODY_BYTES {
            return Err(halt(format!(
                "a body of more than {MAX_BODY_BYTES} bytes is refused"
            )));
        }
        let address = text("url")?.unwrap_or_default();
        context.spend(address.len())?;
        let url = url::checked(address)?;
        Ok(Self {
            method: method(text("method")?.unwrap_or_default())?,
            headers: headers::read(context, object.get_str("headers"))?,
            url,
            body,
            timeout: timeout(object.get_str("timeout"))?,
            follow_redirects: options::parsed_bool(object, "enable_redirect")?,
            retries: options::retries(object)?,
            keep,
            force_json: options::flag(object, "force_json_decode")?,
            force_yaml: options::flag(object, "force_yaml_decode")?,
            key: options::key(context, object)?,
        })
    }

    /// What the answer is kept under: the request object, but for headers that don't count.
    #[must_use]
    pub fn key(&self) -> &Value {
        &self.key
    }

    pub(super) fn into_key(self) -> Value {
        self.key
    }
}

impl fmt::Debug for HttpRequest {
    /// Without what may be a secret: query, headers and body.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HttpRequest({self})")
    }
}

impl fmt::Display for HttpRequest {
    /// Method and URL, without the query.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        write!(formatter, "{} {path}", self.method)
    }
}

fn check_keys(object: &Object) -> Result<(), Failure> {
    let known = |key: &&Value| !key.as_str().is_some_and(|key| ALLOWED.contains(&key));
    let invalid: Set = object.keys().filter(known).cloned().collect();
    if !invalid.is_empty() {
        let invalid = shown(&Value::Set(invalid));
        return internal(format!("operand 1 invalid request parameters(s): {invalid}"));
    }
    let missing = ["method", "url"]
        .into_iter()
        .filter(|key| object.get_str(key).is_none());
    let missing: Set = missing.map(Value::from).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = shown(&Value::Set(missing));
    internal(format!(
        "operand 1 missing required request parameters(s): {missing}"
    ))
}

/// Go takes an empty one for GET.
fn method(text: &str) -> Result<String, Failure> {
    if text.is_empty() {
        return Ok("GET".to_owned());
    }
    if !headers::is_token(text) {
        return internal(format!("net/http: invalid method {:?}", text.to_uppercase()));
    }
    let method = text.to_ascii_uppercase();
    if method == "CONNECT" {
        return refuse("the method CONNECT");
    }
    Ok(method)
}

fn timeout(value: Option<&Value>) -> Result<Option<Duration>, Failure> {
    let nanoseconds = match value {
        None => return Ok(Some(DEFAULT_TIMEOUT)),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(nanoseconds) => nanoseconds,
            None => {
                let number = number.source();
                return internal(format!("invalid timeout number value {number}, must be int64"));
            }
        },
        Some(Value::String(text)) => match plain_nanoseconds(text).map_or_else(|| duration::go(text), Ok) {
            Ok(nanoseconds) => nanoseconds,
            Err(error) => {
                let text = shown(&Value::String(text.clone()));
                return internal(format!("invalid timeout value {text}: {error}"));
            }
        },
        Some(other) => {
            let got = other.type_name();
            return internal(format!(
                "operand 1 'timeout' must be one of {{string, number}} but got {got}"
            ));
        }
    };
    // Go waits without end for what isn't positive.
    let positive = u64::try_from(nanoseconds)
        .ok()
        .filter(|nanoseconds| *nanoseconds > 0);
    Ok(positive.map(Duration::from_nanos))
}

/// A number without a unit, which OPA takes for nanoseconds: `20`, also `+20` and `20.0`.
fn plain_nanoseconds(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned.is_empty() || unsigned.len() > 19 {
        return None;
    }
    let (whole, zeros) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) || !zeros.bytes().all(|byte| byte == b'0') {
        return None;
    }
    // OPA takes a lone point for nothing.
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some(if negative { -whole } else { whole })
}
