//! The canonical form of a request's path: there is one form, it is its own, and nothing in it means anything else.

use postern_decide::path::canonical;

/// Reads `data` as a request target.
pub fn run(data: &[u8]) {
    let Ok(target) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(path) = canonical(target) else {
        return;
    };
    let form = path.as_str();
    if form == "*" {
        return;
    }
    assert!(form.starts_with('/'), "{target:?} -> {form:?}");
    assert!(!form.contains("//"), "{target:?} -> {form:?}");
    assert!(
        !form.split('/').any(|segment| matches!(segment, "." | "..")),
        "{target:?} -> {form:?}"
    );
    assert!(
        !form
            .chars()
            .any(|c| c.is_control() || matches!(c, '\\' | ';' | '?' | '#')),
        "{target:?} -> {form:?}"
    );
    assert_eq!(canonical(form).as_deref(), Ok(form), "of {target:?}");
    // The query is never part of it.
    if !target.contains(['?', '#']) {
        let with_query = format!("{target}?/../admin;x#/");
        assert_eq!(canonical(&with_query).as_deref(), Ok(form));
    }
    if path.strict().is_ok() {
        // All readers read it alike: decoding once is all that happened.
        let path = target.split(['?', '#']).next().unwrap_or_default();
        assert_eq!(path.matches('/').count(), form.matches('/').count(), "{target:?}");
        assert!(!path.contains(['\\', ';']), "{target:?}");
    }
}
