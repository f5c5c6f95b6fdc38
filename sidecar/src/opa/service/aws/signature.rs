//! AWS's Signature Version 4, as OPA makes it (`internal/providers/aws/signing_v4.go`).

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern_decide::Now;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

/// Headers that may be changed on their way, and so aren't signed.
const UNSIGNED: [&str; 3] = ["authorization", "user-agent", "x-amzn-trace-id"];

/// What AWS knows its caller by.
#[derive(Clone)]
pub(super) struct AwsKeys {
    pub(super) access_key: String,
    pub(super) secret_key: SecretString,
    pub(super) session_token: Option<SecretString>,
    pub(super) region: String,
}

/// What is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// The headers that make it a signed one.
///
/// # Errors
/// When a header can't be signed, or keys can't be sent.
pub(super) fn sign(
    request: &Signed<'_>,
    service: &str,
    keys: &AwsKeys,
    now: Now,
) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let time = time(now).ok_or("the clock is out of range")?;
    let date = time.split('T').next().unwrap_or_default();
    let hash = hex(digest(&SHA256, request.body).as_ref());
    let mut added = BTreeMap::from([("host", host(request.url)), ("x-amz-date", time.clone())]);
    if matches!(service, "s3" | "glacier") {
        added.insert("x-amz-content-sha256", hash.clone());
    }
    if let Some(token) = &keys.session_token {
        added.insert("x-amz-security-token", token.expose_secret().to_owned());
    }
    let mut signed: BTreeMap<&str, String> = added.clone();
    for name in request
        .headers
        .keys()
        .filter(|name| !UNSIGNED.contains(&name.as_str()))
    {
        let values = request.headers.get_all(name).iter().map(HeaderValue::to_str);
        let values = values.collect::<Result<Vec<_>, _>>();
        let values = values.map_err(|_| format!("the header {name} isn't ASCII, so it can't be signed"))?;
        signed.insert(name.as_str(), values.join(","));
    }
    let names: Vec<&str> = signed.keys().copied().collect();
    let names = names.join(";");
    let lines: String = signed
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{hash}",
        request.method,
        request.url.path(),
        request.url.query().unwrap_or_default(),
    );
    let scope = format!("{date}/{}/{service}/aws4_request", keys.region);
    let canonical = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
    let secret = format!("AWS4{}", keys.secret_key.expose_secret());
    let key = [date, &keys.region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={}",
        keys.access_key,
        hex(&mac(&key, &text))
    );
    let mut headers = vec![(http::header::AUTHORIZATION, secret_value(&authorization)?)];
    for (name, value) in added.iter().filter(|(name, _)| **name != "host") {
        headers.push((HeaderName::from_static(name), secret_value(value)?));
    }
    Ok(headers)
}

/// What goes into `Host`: the port where it isn't the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn secret_value(text: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| "AWS's keys can't be sent in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// `20150830T123600Z`.
fn time(now: Now) -> Option<String> {
    let time = jiff::Timestamp::from_nanosecond(now.unix_ns.into()).ok()?;
    Some(time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
