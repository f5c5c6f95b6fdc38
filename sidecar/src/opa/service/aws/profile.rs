//! AWS's keys from a file of profiles, read as OPA's reader of such files (`gopkg.in/ini.v1`) reads it.

use std::collections::BTreeMap;

use postern_opa_config::Profile;
use secrecy::SecretString;

use super::super::Around;
use super::signature::AwsKeys;

/// The keys of a profile.
///
/// # Errors
/// What is missing, and where.
pub(super) async fn keys(configured: &Profile, around: &Around) -> Result<AwsKeys, String> {
    let variable = |name: &str| around.variable(name);
    let path = configured
        .path
        .clone()
        .or_else(|| variable("AWS_SHARED_CREDENTIALS_FILE"));
    let path = match path {
        Some(path) => path,
        None => {
            let home = variable("HOME").ok_or("HOME isn't set, so there is no file of profiles")?;
            format!("{home}/.aws/credentials")
        }
    };
    let name = configured.profile.clone().or_else(|| variable("AWS_PROFILE"));
    let name = name.unwrap_or_else(|| "default".to_owned());
    let content = around.file(&path).await?;
    let content = String::from_utf8(content).map_err(|_| format!("{path}: it isn't text"))?;
    let profile = section(&content, &name).map_err(|problem| format!("{path}: {problem}"))?;
    let mut profile = profile.ok_or_else(|| format!("{path}: there is no profile `{name}`"))?;
    let mut setting = |key: &str| profile.remove(key).filter(|value| !value.is_empty());
    let missing = |key: &str| format!("{path}: the profile `{name}` has no {key}");
    let region = configured.region.clone().or_else(|| variable("AWS_REGION"));
    Ok(AwsKeys {
        access_key: setting("aws_access_key_id").ok_or_else(|| missing("aws_access_key_id"))?,
        secret_key: setting("aws_secret_access_key")
            .ok_or_else(|| missing("aws_secret_access_key"))?
            .into(),
        session_token: setting("aws_session_token").map(SecretString::from),
        region: region.ok_or("neither `aws_region` nor AWS_REGION is set")?,
    })
}

/// The settings of the section `name`; a later one adds to an earlier one.
fn section(content: &str, name: &str) -> Result<Option<BTreeMap<String, String>>, String> {
    let mut settings = None;
    let mut is_here = false;
    for (number, line) in (1..).zip(content.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        let unclear = |why: &str| Err(format!("line {number}: {why}"));
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some((found, _)) = rest.rsplit_once(']') else {
                return unclear("a section's name that isn't closed");
            };
            is_here = found == name;
            if is_here {
                settings.get_or_insert_with(BTreeMap::new);
            }
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return unclear("neither a section nor a setting");
        };
        if !is_here {
            continue;
        }
        let (key, value) = (key.trim(), value.trim());
        if key.starts_with(['"', '`'])
            || value.ends_with('\\')
            || value.starts_with('`')
            || value.contains("%(")
        {
            return unclear("a setting of a form that isn't read here; write it as key = value");
        }
        let value = match quoted(value) {
            Some(inner) => inner,
            // Whatever follows is a comment.
            None => value.split(['#', ';']).next().unwrap_or_default().trim(),
        };
        settings
            .get_or_insert_with(BTreeMap::new)
            .insert(key.to_owned(), value.to_owned());
    }
    Ok(settings)
}

/// What is between quotes that a value begins and ends with.
fn quoted(value: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}
