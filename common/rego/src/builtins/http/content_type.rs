//! What a response's `Content-Type` says of its body, as Go's `mime.ParseMediaType` reads it.

use super::headers::is_token;

/// Whether it is JSON: `application/json`, `application/…+json`. `None` where Go's reading isn't known here.
pub(super) fn is_json(value: &str) -> Option<bool> {
    let (kind, parameters) = match value.split_once(';') {
        Some((kind, parameters)) => (kind, Some(parameters)),
        None => (value, None),
    };
    let kind = kind.trim().to_ascii_lowercase();
    let json = match kind.split_once('/') {
        Some(("application", subtype)) => {
            is_token(subtype) && (subtype == "json" || subtype.ends_with("+json"))
        }
        _ => false,
    };
    if !json {
        return Some(false);
    }
    // Parameters that it can't read make Go refuse the whole.
    parameters.is_none_or(are_plain).then_some(true)
}

/// `; name=token; name="text"`, each name once, nothing escaped, continued or in another character set.
fn are_plain(parameters: &str) -> bool {
    let mut names: Vec<String> = Vec::new();
    for parameter in parameters.split(';') {
        let Some((name, value)) = parameter.trim().split_once('=') else {
            return false;
        };
        let name = name.to_ascii_lowercase();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let plain = match quoted {
            Some(text) => text
                .bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')),
            None => is_token(value),
        };
        if !plain || !is_token(&name) || name.contains('*') || names.contains(&name) {
            return false;
        }
        names.push(name);
    }
    true
}

/// Whether OPA takes it for YAML.
pub(super) fn is_yaml(value: &str) -> bool {
    value.contains("application/yaml") || value.contains("application/x-yaml")
}
