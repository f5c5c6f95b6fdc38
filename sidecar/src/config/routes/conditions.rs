//! Which requests a route means: what the file says, read into patterns that can match.

use postern_config::ConfigError;
use postern_decide::Header;
use postern_decide::routes::{Conditions, HostPattern, PathPattern};

use super::file;
use super::place::Place;

/// The conditions of the route at `place`.
pub(super) fn conditions(place: &Place<'_>, file: &file::Match) -> Result<Conditions, ConfigError> {
    let none = |key, what| {
        place.invalid(
            &["match", key],
            format!("expected at least one {what}; leave the key out to mean any"),
        )
    };
    let hosts = match &file.hosts {
        Some(hosts) if hosts.is_empty() => return Err(none("hosts", "host")),
        Some(hosts) => Some(place.each(&["match", "hosts"], hosts, HostPattern::parse)?.into()),
        None => None,
    };
    let methods = match &file.methods {
        Some(methods) if methods.is_empty() => return Err(none("methods", "method")),
        Some(methods) => Some(place.each(&["match", "methods"], methods, method)?.into()),
        None => None,
    };
    let path = match &file.path {
        Some(path) => Some(pattern(place, path)?),
        None => None,
    };
    Ok(Conditions {
        hosts,
        path,
        methods,
        context_extensions: file
            .context_extensions
            .iter()
            .map(|(name, value)| (Box::from(name.as_str()), Box::from(value.as_str())))
            .collect(),
    })
}

fn pattern(place: &Place<'_>, file: &file::Path) -> Result<PathPattern, ConfigError> {
    let (key, pattern) = match (&file.exact, &file.prefix, &file.template) {
        (Some(text), None, None) => ("exact", PathPattern::exact(text)),
        (None, Some(text), None) => ("prefix", PathPattern::prefix(text)),
        (None, None, Some(text)) => ("template", PathPattern::template(text)),
        _ => {
            return Err(place.invalid(
                &["match", "path"],
                "expected one of `exact`, `prefix` and `template`; several paths are several routes",
            ));
        }
    };
    pattern.map_err(|error| place.invalid(&["match", "path", key], error.to_string()))
}

fn method(text: &str) -> Result<Box<str>, &'static str> {
    let is_token = Header::new(text, "").is_ok() && !text.starts_with(':');
    if !is_token {
        return Err("expected a method, such as GET");
    }
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(
            "expected capitals: methods are compared as they are sent, and no client sends small letters",
        );
    }
    Ok(Box::from(text))
}
