//! What routes must be, each told with its line and key where it isn't.

use std::sync::Arc;

use postern_config::{ConfigError, Document};
use postern_decide::dpop::is_public_origin;
use postern_decide::routes::{DpopRule, OnPolicyError, PathMode, PolicyMode, RevocationRule, RoutesError};
use postern_decide::{Route, Routes};

use super::conditions::conditions;
use super::place::Place;
use super::{file, rules};
use crate::config::accept::{self, Around};
use crate::config::{Issuer, peer};

/// What the rest of the file has, that routes may need.
pub(in crate::config) struct Surroundings<'a> {
    pub(in crate::config) issuers: &'a [Issuer],
    pub(in crate::config) control_plane: bool,
    pub(in crate::config) policy: bool,
    pub(in crate::config) http_send: bool,
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

fn one(place: &Place<'_>, file: file::Route, surroundings: &Surroundings<'_>) -> Result<Route, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if file.name.is_empty() || file.name.len() > 64 || !file.name.bytes().all(plain) {
        return Err(place.invalid(&["name"], "expected 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    if file.policy != file::AskPolicy::Off && !surroundings.policy {
        return Err(place.invalid(
            &["policy"],
            "expected `policy: off`, or the policy that decides at the top of the file (`policy:` with its bundle)",
        ));
    }
    if file.http_send && (file.policy != file::AskPolicy::Enforce || !surroundings.http_send) {
        return Err(place.invalid(
            &["http_send"],
            "needs a policy that may ask somebody: `policy.http_send` with its hosts, and `policy: enforce` here: nothing waits for a policy that decides nothing",
        ));
    }
    if file.on_policy_error == file::OnPolicyError::Error && file.policy == file::AskPolicy::Off {
        return Err(place.invalid(
            &["on_policy_error"],
            "says nothing on a route that asks no policy; take it out, or let `policy` be enforce or shadow",
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
    let accept = accept::checked(&around, &place.key(&["accept"]), &file.accept)?;
    rules::satisfiable(place, &file, &accept)?;
    Ok(Route {
        accept,
        paths: match file.paths {
            file::Paths::Strict => PathMode::Strict,
            file::Paths::Compat => PathMode::Compat,
        },
        peer,
        required_claims: file.required_claims.0,
        required_scopes: place
            .each(&["required_scopes"], &file.required_scopes, rules::scope)?
            .into(),
        public_origin,
        dpop: match &file.dpop {
            Some(dpop) => rules::dpop(place, dpop, surroundings.control_plane)?,
            None => DpopRule::default(),
        },
        step_up: file
            .step_up
            .map(|rule| rules::step_up(place, &rule))
            .transpose()?,
        revocation: match &file.revocation {
            Some(rule) => rules::revocation(place, rule, surroundings.control_plane)?,
            None => RevocationRule::default(),
        },
        policy: match file.policy {
            file::AskPolicy::Enforce => PolicyMode::Enforce,
            file::AskPolicy::Shadow => PolicyMode::Shadow,
            file::AskPolicy::Off => PolicyMode::Off,
        },
        on_policy_error: match file.on_policy_error {
            file::OnPolicyError::Deny => OnPolicyError::Deny,
            file::OnPolicyError::Error => OnPolicyError::Error,
        },
        http_send: file.http_send,
        ..Route::named(&file.name)
    })
}
