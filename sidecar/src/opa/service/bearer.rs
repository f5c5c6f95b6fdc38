//! A token in `Authorization`.

use http::HeaderValue;
use postern_opa_config::BearerToken;
use secrecy::{ExposeSecret, SecretString};

use super::Around;

/// What goes into `Authorization`: `scheme` and the token.
///
/// # Errors
/// When the token's file can't be read, or what is in it can't be sent.
pub(super) async fn authorization(
    scheme: &str,
    token: &BearerToken,
    around: &Around,
) -> Result<HeaderValue, String> {
    match token {
        BearerToken::Given(token) => {
            value(scheme, token).ok_or_else(|| "the token can't be sent in a header".to_owned())
        }
        BearerToken::File(path) => {
            let token = secret_file(path, around).await?;
            value(scheme, &token).ok_or_else(|| format!("{path}: what is in it can't be sent in a header"))
        }
    }
}

/// `scheme token`, which is never shown.
pub(super) fn value(scheme: &str, token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What is in a file, without white space around it. It may have been replaced since the last time.
///
/// # Errors
/// The path, and why it can't be read.
pub(super) async fn secret_file(path: &str, around: &Around) -> Result<SecretString, String> {
    let text = String::from_utf8(around.file(path).await?).map_err(|_| format!("{path}: it isn't text"))?;
    Ok(SecretString::from(text.trim()))
}
