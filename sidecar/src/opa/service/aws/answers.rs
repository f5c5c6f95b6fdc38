//! The answers of AWS's services that hold keys.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use super::signature::AwsKeys;

/// Keys, and until when they hold. An answer that says nothing of that holds for this once.
pub(super) type Temporary = (AwsKeys, Option<Timestamp>);

/// Reads the answer of a metadata service. `role` is whether one was asked for by its name.
///
/// # Errors
/// What is wrong with it; nothing that it says is quoted but its own code.
pub(super) fn metadata(body: &[u8], role: bool, region: &str) -> Result<Temporary, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        code: Option<String>,
        access_key_id: Option<String>,
        secret_access_key: Option<String>,
        token: Option<String>,
        expiration: Option<String>,
    }
    let unreadable = || "the metadata service's answer isn't the JSON that was expected".to_owned();
    let answer: Answer = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if role && answer.code.as_deref() != Some("Success") {
        let code = answer.code.as_deref().unwrap_or_default();
        let code: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(64)
            .collect();
        return Err(format!("the metadata service says `{code}`, not `Success`"));
    }
    let keys = AwsKeys {
        access_key: answer.access_key_id.unwrap_or_default(),
        secret_key: answer.secret_access_key.unwrap_or_default().into(),
        session_token: present(answer.token),
        region: region.to_owned(),
    };
    let expires = answer.expiration.map(|text| text.parse());
    Ok((keys, expires.transpose().map_err(|_| unreadable())?))
}

/// Reads STS's answer to `AssumeRoleWithWebIdentity`: what stands in its `Credentials`.
///
/// # Errors
/// When it isn't there.
pub(super) fn sts(body: &[u8], region: &str) -> Result<Temporary, String> {
    let unreadable = || "the answer of STS isn't the XML that was expected".to_owned();
    let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
    let result = element(text, "AssumeRoleWithWebIdentityResult").ok_or_else(unreadable)?;
    let credentials = element(result, "Credentials").ok_or_else(unreadable)?;
    let value = |name| {
        // None of them needs an escape, or holds another element.
        let value = element(credentials, name).map(str::trim);
        value
            .filter(|value| !value.contains(['<', '&']))
            .ok_or_else(unreadable)
    };
    let expires = value("Expiration")?.parse().map_err(|_| unreadable())?;
    let keys = AwsKeys {
        access_key: value("AccessKeyId")?.to_owned(),
        secret_key: value("SecretAccessKey")?.into(),
        session_token: present(Some(value("SessionToken")?.to_owned())),
        region: region.to_owned(),
    };
    Ok((keys, Some(expires)))
}

fn present(token: Option<String>) -> Option<SecretString> {
    token.filter(|token| !token.is_empty()).map(SecretString::from)
}

/// What is in the first element of that name, which has no prefix, as in AWS's answers.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}"))?;
    let (attributes, rest) = rest.split_once('>')?;
    let is_named_so = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
    if !is_named_so || attributes.ends_with('/') {
        return None;
    }
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
