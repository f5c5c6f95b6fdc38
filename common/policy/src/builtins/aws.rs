//! `providers.aws.sign_req`: a request with the headers of AWS's Signature Version 4.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use postern_rego::{BuiltinError, Context, Object, Set, Value, host};

use super::go_url::GoUrl;
use super::{Answer, answer, fail, refuse};

/// What the configuration must have.
const CREDENTIALS: [&str; 4] = [
    "aws_access_key",
    "aws_region",
    "aws_secret_access_key",
    "aws_service",
];

/// The members that a request may have: those of `http.send`.
const MEMBERS: [&str; 28] = [
    "method",
    "url",
    "body",
    "enable_redirect",
    "force_json_decode",
    "force_yaml_decode",
    "headers",
    "raw_body",
    "tls_use_system_certs",
    "tls_ca_cert",
    "tls_ca_cert_file",
    "tls_ca_cert_env_variable",
    "tls_client_cert",
    "tls_client_cert_file",
    "tls_client_cert_env_variable",
    "tls_client_key",
    "tls_client_key_file",
    "tls_client_key_env_variable",
    "tls_insecure_skip_verify",
    "tls_server_name",
    "timeout",
    "cache",
    "force_cache",
    "force_cache_duration_seconds",
    "raise_error",
    "caching_mode",
    "max_retry_attempts",
    "cache_ignored_headers",
];

/// Headers that are on their way changed, and so not signed.
const UNSIGNED: [&str; 3] = ["authorization", "user-agent", "x-amzn-trace-id"];

pub(super) fn sign_req(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let request = host::object(operands, 1)?;
    let Value::Object(config) = host::any(operands, 2)? else {
        // OPA calls this one the first, too.
        return host::wrong_type(1, host::any(operands, 2)?, &["object"]);
    };
    check_members(config, &CREDENTIALS, (2, "AWS config parameters(s)"))?;
    let Value::Number(time) = host::any(operands, 3)? else {
        return host::wrong_type(1, host::any(operands, 3)?, &["number"]);
    };
    let Some(time_ns) = time.as_i64() else {
        return fail("operand 3 could not convert time_ns value into a unix timestamp");
    };
    let unknown: Set = request
        .keys()
        .filter(|name| !name.as_str().is_some_and(|name| MEMBERS.contains(&name)))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        let unknown = host::rego_text(&Value::from(unknown));
        return fail(format!("operand 1 invalid request parameters(s): {unknown}"));
    }
    let missing = absent(request, &["method", "url"]);
    if !missing.is_empty() {
        let missing = host::rego_text(&Value::from(missing));
        return fail(format!(
            "operand 1 missing required request parameters(s): {missing}"
        ));
    }
    let headers = match request.get_str("headers") {
        None => &Object::default(),
        Some(Value::Object(headers)) => headers,
        Some(other) => return host::wrong_type(0, other, &["object"]),
    };
    check_members(request, &["method", "url"], (1, "request parameters(s)"))?;
    let weight = usize::try_from(Value::from(request.clone()).weight()).unwrap_or(usize::MAX);
    let texts = [request, config, headers].into_iter().flatten();
    let bytes = texts.fold(0_usize, |bytes, (name, value)| {
        let text = |value: &Value| value.as_str().map_or(0, str::len);
        bytes.saturating_add(text(name)).saturating_add(text(value))
    });
    // Each name is compared with those before it; texts are read, put into others, and hashed.
    let compared = weight.saturating_add(headers.len().saturating_pow(2));
    context.spend(compared.saturating_add(bytes.saturating_mul(8)))?;
    context.build(weight.saturating_mul(256).saturating_add(bytes.saturating_mul(8)))?;
    let url = GoUrl::parse(text(request, "url"))?;
    let body = body(context, request)?;
    let hash = match config.get_str("disable_payload_signing") {
        None | Some(Value::Bool(false)) => hex::encode(digest(&SHA256, body.as_bytes())),
        Some(Value::Bool(true)) => "UNSIGNED-PAYLOAD".to_owned(),
        Some(_) => return fail("operand 2 invalid value for 'disable_payload_signing' in AWS config"),
    };
    let signing = Signing {
        method: text(request, "method"),
        url: &url,
        hash,
        config,
        time: Time::of(time_ns),
    };
    let mut signed = signing.headers(headers)?;
    let mut all = Object::default();
    for (name, value) in headers {
        let name = Value::from(name.as_str().unwrap_or_default());
        all.insert(name, Value::from(value.as_str().unwrap_or_default()));
    }
    let authorization = signed.remove("").unwrap_or_default();
    all.insert(Value::from("Authorization"), Value::from(authorization));
    for (name, value) in signed {
        all.insert(Value::from(name), Value::from(value));
    }
    let mut request = request.clone();
    request.insert(Value::from("headers"), Value::from(all));
    answer(request)
}

/// The names that aren't there.
fn absent(object: &Object, names: &[&str]) -> Set {
    let absent = names.iter().filter(|name| object.get_str(name).is_none());
    absent.map(|name| Value::from(*name)).collect()
}

/// That the members are there and strings.
fn check_members(
    object: &Object,
    names: &[&str],
    (operand, what): (usize, &str),
) -> Result<(), BuiltinError> {
    let missing = absent(object, names);
    if !missing.is_empty() {
        let missing = host::rego_text(&Value::from(missing));
        return fail(format!("operand {operand} missing required {what}: {missing}"));
    }
    let is_wrong = |name: &&&str| object.get_str(name).is_none_or(|value| value.as_str().is_none());
    let wrong: Set = names
        .iter()
        .filter(is_wrong)
        .map(|name| Value::from(*name))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = host::rego_text(&Value::from(wrong));
    fail(format!(
        "operand {operand} invalid values for required {what}: {wrong}"
    ))
}

fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get_str(name).and_then(Value::as_str).unwrap_or_default()
}

fn body(context: &mut Context<'_>, request: &Object) -> Result<String, BuiltinError> {
    let body = match (request.get_str("raw_body"), request.get_str("body")) {
        (Some(raw), _) => raw.as_str().unwrap_or_default().to_owned(),
        (None, Some(body)) => host::go_json(context, body)?,
        (None, None) => String::new(),
    };
    context.spend(body.len())?;
    Ok(body)
}

struct Signing<'a> {
    method: &'a str,
    url: &'a GoUrl,
    hash: String,
    config: &'a Object,
    time: Time,
}

impl Signing<'_> {
    /// The headers that the signature adds, and the signature itself under an empty name.
    fn headers(&self, given: &Object) -> Result<BTreeMap<String, String>, BuiltinError> {
        let service = text(self.config, "aws_service");
        let mut added = BTreeMap::from([
            ("host".to_owned(), self.url.host.clone()),
            ("x-amz-date".to_owned(), self.time.instant.clone()),
        ]);
        if matches!(service, "s3" | "glacier") {
            added.insert("x-amz-content-sha256".to_owned(), self.hash.clone());
        }
        let session = text(self.config, "aws_session_token");
        if !session.is_empty() {
            added.insert("x-amz-security-token".to_owned(), session.to_owned());
        }
        let mut signed = added.clone();
        let mut seen = Vec::new();
        for (name, value) in given {
            let name = name.as_str().unwrap_or_default();
            if !name.is_ascii() {
                return refuse("a header whose name is not ASCII");
            }
            let name = name.to_ascii_lowercase();
            if seen.contains(&name) {
                // Which of the two Go takes is a matter of chance.
                return refuse("two headers whose names differ in case only");
            }
            if !UNSIGNED.contains(&name.as_str()) {
                signed.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
            }
            seen.push(name);
        }
        added.insert(String::new(), self.authorization(&signed, service));
        Ok(added)
    }

    fn authorization(&self, signed: &BTreeMap<String, String>, service: &str) -> String {
        let names: Vec<&str> = signed.keys().map(String::as_str).collect();
        let names = names.join(";");
        let mut canonical = format!(
            "{}\n{}\n{}\n",
            self.method,
            self.url.escaped_path(),
            self.url.raw_query
        );
        for (name, value) in signed {
            canonical.push_str(&format!("{name}:{value}\n"));
        }
        canonical.push_str(&format!("\n{names}\n{}", self.hash));
        let region = text(self.config, "aws_region");
        let scope = format!("{}/{region}/{service}/aws4_request", self.time.day);
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            self.time.instant,
            hex::encode(digest(&SHA256, canonical.as_bytes()))
        );
        let secret = format!("AWS4{}", text(self.config, "aws_secret_access_key"));
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        for part in [&self.time.day, region, service, "aws4_request"] {
            let derived = hmac::sign(&key, part.as_bytes());
            key = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        }
        let signature = hex::encode(hmac::sign(&key, to_sign.as_bytes()));
        let access_key = text(self.config, "aws_access_key");
        format!(
            "AWS4-HMAC-SHA256 Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
        )
    }
}

/// An instant in UTC, as AWS writes it.
struct Time {
    /// `20150830`
    day: String,
    /// `20150830T123600Z`
    instant: String,
}

impl Time {
    fn of(ns: i64) -> Self {
        let seconds = ns.div_euclid(1_000_000_000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = super::calendar::date(days);
        let day = format!("{year:04}{month:02}{day:02}");
        let instant = format!(
            "{day}T{:02}{:02}{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        Self { day, instant }
    }
}
