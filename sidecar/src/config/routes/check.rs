//! What routes must be, each told with its line and key where it isn't.

use std::sync::Arc;

use postern_config::{ConfigError, Document};
use postern_decide::dpop::{MAX_IAT_WINDOW_SECONDS, is_public_origin};
use postern_decide::routes::{
    Conditions, DpopRule, HostPattern, PathMode, PathPattern, PolicyMode, RevocationRule, RoutesError,
    StepUp, WhenStale,
};
use postern_decide::{Header, Route, Routes};

use super::file;
use crate::config::accept::{self, Around};
use crate::config::{Issuer, each, peer, within};

/// What the rest of the file has, that routes may need.
pub(in crate::config) struct Surroundings<'a> {
    pub(in crate::config) issuers: &'a [Issuer],
    pub(in crate::config) control_plane: bool,
    pub(in crate::config) policy: bool,
}

/// A route that is being checked.
struct Place<'a> {
    document: &'a Document,
    index: &'a str,
}

impl Place<'_> {
    fn key<'k>(&'k self, key: &[&'k str]) -> Vec<&'k str> {
        [&["routes", self.index], key].concat()
    }

    fn invalid(&self, key: &[&str], message: impl Into<String>) -> ConfigError {
        self.document.invalid(&self.key(key), message)
    }

    fn within(&self, key: &[&str], value: u64, least: u64, most: u64) -> Result<u32, ConfigError> {
        let value = within(self.document, &self.key(key), value, least, most)?;
        u32::try_from(value).map_err(|_| self.invalid(key, "too large"))
    }

    fn each<T, E: ToString>(
        &self,
        key: &[&str],
        texts: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, ConfigError> {
        each(self.document, &self.key(key), texts, read)
    }
}

/// The routes of the file; without any, one that every request meets.
pub(in crate::config) fn checked(
    document: &Document,
    routes: Option<Vec<file::Route>>,
    surroundings: &Surroundings<'_>,
) -> Result<Routes, ConfigError> {
    let Some(routes) = routes else {
        if surroundings.policy {
            return Ok(Routes::catch_all(Route {
                accept: accept::any_issuer(document, &["issuers"], surroundings.issuers)?,
                ..Route::named("default")
            }));
        }
        return Err(document.invalid(
            &["policy"],
            "missing; expected the policy that decides, or `routes` that each say `policy: off`",
        ));
    };
    let names: Vec<String> = routes.iter().map(|route| route.name.clone()).collect();
    let mut entries = Vec::with_capacity(routes.len());
    for (index, route) in routes.into_iter().enumerate() {
        let index = index.to_string();
        let place = Place {
            document,
            index: &index,
        };
        entries.push((
            conditions(&place, &route.matches)?,
            one(&place, route, surroundings)?,
        ));
    }
    Routes::new(entries).map_err(|error| {
        let name = |index: usize| names.get(index).map_or("", String::as_str);
        let (index, key, message) = match error {
            RoutesError::None | RoutesError::TooMany => {
                return document.invalid(&["routes"], error.to_string());
            }
            RoutesError::DuplicateName { index, first } => {
                let line = document.line_of(&["routes", &first.to_string(), "name"]).unwrap_or_default();
                (index, "name", format!("`{}` is the route of line {line} already", name(index)))
            }
            RoutesError::Shadowed { index, by } => {
                let line = document.line_of(&["routes", &by.to_string()]).unwrap_or_default();
                let message = format!(
                    "`{}` can never match: route `{}` of line {line} comes first and takes every request that it \
                     means; move it up, or remove one of them",
                    name(index),
                    name(by),
                );
                (index, "match", message)
            }
            RoutesError::NeverStrict { index } => (index, "paths", error.to_string()),
        };
        document.invalid(&["routes", &index.to_string(), key], message)
    })
}

fn conditions(place: &Place<'_>, file: &file::Match) -> Result<Conditions, ConfigError> {
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
        Some(methods) => Some(
            place
                .each(&["match", "methods"], methods, |text| method(text))?
                .into(),
        ),
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

fn one(place: &Place<'_>, file: file::Route, surroundings: &Surroundings<'_>) -> Result<Route, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if file.name.is_empty() || file.name.len() > 64 || !file.name.bytes().all(plain) {
        return Err(place.invalid(&["name"], "expected 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    if file.policy == file::Policy::Enforce && !surroundings.policy {
        return Err(place.invalid(
            &["policy"],
            "expected `policy: off`, or the policy that decides at the top of the file (`policy:` with its bundle)",
        ));
    }
    let public_origin = match &file.public_origin {
        Some(origin) if is_public_origin(origin) => Some(Arc::from(origin.as_str())),
        Some(_) => {
            return Err(place.invalid(
                &["public_origin"],
                "expected scheme and host, and a port that isn't the scheme's own, such as https://orders.example",
            ));
        }
        None => None,
    };
    if file.dpop.is_some() && public_origin.is_none() {
        return Err(place.invalid(
            &["dpop"],
            "needs `public_origin`: a proof names the URL it was made for, and a request can't be asked what its own is",
        ));
    }
    let peer = peer::checked(place.document, &place.key(&["peer"]), &file.peer)?;
    let around = Around {
        document: place.document,
        issuers: surroundings.issuers,
        control_plane: surroundings.control_plane,
        peer: &peer,
    };
    Ok(Route {
        accept: accept::checked(&around, &place.key(&["accept"]), &file.accept)?,
        paths: match file.paths {
            file::Paths::Strict => PathMode::Strict,
            file::Paths::Compat => PathMode::Compat,
        },
        peer,
        required_claims: file.required_claims.0,
        required_scopes: place
            .each(&["required_scopes"], &file.required_scopes, scope)?
            .into(),
        public_origin,
        dpop: match &file.dpop {
            Some(dpop) => self::dpop(place, dpop, surroundings)?,
            None => DpopRule::default(),
        },
        step_up: file.step_up.map(|rule| step_up(place, &rule)).transpose()?,
        revocation: match &file.revocation {
            Some(rule) => revocation(place, rule, surroundings)?,
            None => RevocationRule::default(),
        },
        policy: match file.policy {
            file::Policy::Enforce => PolicyMode::Enforce,
            file::Policy::Off => PolicyMode::Off,
        },
        ..Route::named(&file.name)
    })
}

/// RFC 6749 §3.3.
fn scope(text: &str) -> Result<Box<str>, &'static str> {
    let printable = |byte: u8| (0x21..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if !text.is_empty() && text.bytes().all(printable) {
        Ok(Box::from(text))
    } else {
        Err("expected one scope: printable ASCII without blanks, quotes and backslashes")
    }
}

fn dpop(
    place: &Place<'_>,
    file: &file::Dpop,
    surroundings: &Surroundings<'_>,
) -> Result<DpopRule, ConfigError> {
    if file.nonce && !surroundings.control_plane {
        return Err(place.invalid(
            &["dpop", "nonce"],
            "needs `control_plane`: the keys that nonces are made with come from there",
        ));
    }
    Ok(DpopRule {
        required: file.required,
        nonce: file.nonce,
        iat_window_seconds: place.within(
            &["dpop", "iat_window_seconds"],
            file.iat_window_seconds,
            1,
            u64::from(MAX_IAT_WINDOW_SECONDS),
        )?,
    })
}

fn step_up(place: &Place<'_>, file: &file::StepUp) -> Result<StepUp, ConfigError> {
    let max_age_seconds = match file.max_age_seconds {
        Some(age) => Some(place.within(&["step_up", "max_age_seconds"], age, 0, 31_536_000)?),
        None => None,
    };
    if file.acr_values.is_empty() && max_age_seconds.is_none() {
        return Err(place.invalid(&["step_up"], "expected `acr_values`, `max_age_seconds` or both"));
    }
    // In a challenge they stand between blanks, as scopes do.
    let acr = |text: &str| {
        scope(text).map_err(
            |_| "expected one value of `acr`: printable ASCII without blanks, quotes and backslashes",
        )
    };
    Ok(StepUp {
        acr_values: place
            .each(&["step_up", "acr_values"], &file.acr_values, acr)?
            .into(),
        max_age_seconds,
    })
}

fn revocation(
    place: &Place<'_>,
    file: &file::Revocation,
    surroundings: &Surroundings<'_>,
) -> Result<RevocationRule, ConfigError> {
    if !surroundings.control_plane {
        return Err(place.invalid(
            &["revocation"],
            "needs `control_plane`: what has been revoked is heard from there",
        ));
    }
    Ok(RevocationRule {
        max_staleness_seconds: Some(place.within(
            &["revocation", "max_staleness_seconds"],
            file.max_staleness_seconds,
            1,
            86_400,
        )?),
        when_stale: match file.when_stale {
            file::WhenStale::Serve => WhenStale::Serve,
            file::WhenStale::Deny => WhenStale::Deny,
        },
    })
}
