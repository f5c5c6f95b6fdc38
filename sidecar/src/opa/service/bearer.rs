//! A token in `Authorization`.

use http::HeaderValue;
use postern_opa_config::{BearerToken, Host as _};
use secrecy::{ExposeSecret, SecretString};

use crate::opa::machine::Machine;

/// What goes into `Authorization`: `scheme` and the token.
///
/// # Errors
/// When the token's file can't be read, or what is in it can't be sent.
pub(super) async fn authorization(scheme: &str, token: &BearerToken) -> Result<HeaderValue, String> {
    match token {
        BearerToken::Given(token) => {
            value(scheme, token).ok_or_else(|| "the token can't be sent in a header".to_owned())
        }
        BearerToken::File(path) => {
            let token = secret_file(path).await?;
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
pub(super) async fn secret_file(path: &str) -> Result<SecretString, String> {
    let file = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Machine.file(&file)).await;
    let content = read
        .map_err(|_| format!("{path}: reading it was given up"))?
        .map_err(|error| format!("{path}: {error}"))?;
    let text = String::from_utf8(content).map_err(|_| format!("{path}: it isn't text"))?;
    Ok(SecretString::from(text.trim()))
}
