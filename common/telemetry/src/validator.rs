//! Whether a caller has the current version already (RFC 9110 §13.1.2), asked wherever an entity tag is served.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;

/// Whether `If-None-Match` names `etag` (given without quotes, weakly compared) or is `*`. Our tags have no comma, so
/// that a list can be split at commas.
#[must_use]
pub fn if_none_match(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || opaque.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(etag)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn tags_are_compared_weakly_over_lists_and_lines() {
        for (lines, matches) in [
            (&["\"abc\""][..], true),
            (&["W/\"abc\""], true),
            (&["*"], true),
            (&["\"x\", \"abc\""], true),
            (&["\"x\",W/\"abc\" , \"y\""], true),
            (&["\"x\"", "\"abc\""], true),
            (&[], false),
            (&["\"x\""], false),
            (&["abc"], false),
            (&["\"abc"], false),
            (&["\"ABC\""], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_NONE_MATCH, HeaderValue::from_static(line));
            }
            assert_eq!(if_none_match(&headers, "abc"), matches, "{lines:?}");
        }
    }
}
