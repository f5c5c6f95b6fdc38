//! The parameters of a URL as OPA reads them (`getBoolParam`, `getStringSliceParam`).

use axum::http::Uri;
use percent_encoding::percent_decode_str;

/// Whether a flag is set: it is there without a value, or says `true`.
pub(super) fn flag(uri: &Uri, name: &str) -> bool {
    let values = values(uri, name);
    match values.as_slice() {
        [only] if only.is_empty() => true,
        values => values.iter().any(|value| value.eq_ignore_ascii_case("true")),
    }
}

/// All values of a parameter.
pub(super) fn values(uri: &Uri, name: &str) -> Vec<String> {
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| unescaped(key) == name)
        .map(|(_, value)| unescaped(value))
        .collect()
}

fn unescaped(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_set_by_being_there_or_by_true() {
        for (uri, want) in [
            ("/health", false),
            ("/health?bundles", true),
            ("/health?bundles=", true),
            ("/health?bundles=TRUE", true),
            ("/health?bundles=false", false),
            ("/health?bundles=1", false),
            ("/health?bundles&bundles", false),
            ("/health?bundles&bundles=true", true),
            ("/health?x&b%75ndles", true),
        ] {
            assert_eq!(flag(&uri.parse().unwrap(), "bundles"), want, "{uri}");
        }
    }

    #[test]
    fn a_parameter_has_all_its_values() {
        let uri: Uri = "/health?exclude-plugin=a+b&plugins&exclude-plugin=%2F"
            .parse()
            .unwrap();
        assert_eq!(values(&uri, "exclude-plugin"), ["a b", "/"]);
    }
}
