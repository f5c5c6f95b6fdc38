//! How long a caller would wait for something else than what it has (`Prefer: wait`, RFC 7240 §4.3).

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::HeaderName;

/// Longer than any proxy leaves a silent connection open.
const MAX_WAIT_SECONDS: u64 = 300;

/// How long the caller would wait; `None` when it doesn't say, or not in whole seconds. OPA writes
/// `modes=snapshot,delta;wait=60`, with a comma inside a value, so that both separators are taken.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all(HeaderName::from_static("prefer")).iter();
    preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .map(|seconds| Duration::from_secs(seconds.min(MAX_WAIT_SECONDS)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn wait_is_found_among_other_preferences_and_bounded() {
        for (line, seconds) in [
            ("wait=5", Some(5)),
            ("modes=snapshot,delta;wait=60", Some(60)),
            ("respond-async, WAIT = 10", Some(10)),
            ("wait=\"7\"", Some(7)),
            ("wait=0", Some(0)),
            ("wait=99999", Some(MAX_WAIT_SECONDS)),
            ("wait=-1", None),
            ("wait=soon", None),
            ("wait", None),
            ("modes=snapshot", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_str(line).unwrap());
            assert_eq!(wait(&headers), seconds.map(Duration::from_secs), "{line}");
        }
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
