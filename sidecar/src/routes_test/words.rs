//! A route's rules in words, for people.

use std::fmt::Display;

use postern_decide::accept::{Accept, TokenSource};
use postern_decide::routes::{OnPolicyError, PathMode, PeerRules, PolicyMode, Route, WhenStale};

/// The rules that a route has, each under a name of its own.
pub(super) fn rules(route: &Route) -> Vec<(&'static str, String)> {
    let mut rules = vec![
        (
            "paths",
            match route.paths {
                PathMode::Strict => "strict".to_owned(),
                PathMode::Compat => "compat".to_owned(),
            },
        ),
        ("accepts", accepted(&route.accept)),
    ];
    if let Some(peer) = peer(&route.peer) {
        rules.push(("peer", peer));
    }
    if !route.required_scopes.is_empty() {
        rules.push(("scopes", list(&route.required_scopes)));
    }
    if !route.required_claims.is_empty() {
        let claims: Vec<_> = route
            .required_claims
            .iter()
            .map(|claim| match &*claim.one_of {
                [] => claim.name.to_string(),
                values => {
                    let values: Vec<_> = values.iter().map(postern_rego::Value::to_json).collect();
                    format!("{} is {}", claim.name, values.join(" or "))
                }
            })
            .collect();
        rules.push(("claims", claims.join(", ")));
    }
    if let Some(origin) = &route.public_origin {
        let dpop = &route.dpop;
        let required = if dpop.required {
            "required"
        } else {
            "where the token is bound"
        };
        let nonce = if dpop.nonce { ", with a nonce" } else { "" };
        rules.push((
            "dpop",
            format!(
                "{required}, for {origin}, within {} s{nonce}",
                dpop.iat_window_seconds
            ),
        ));
    }
    if let Some(step_up) = &route.step_up {
        let acr = (!step_up.acr_values.is_empty()).then(|| format!("acr {}", list(&step_up.acr_values)));
        let age = step_up.max_age_seconds.map(|age| format!("at most {age} s ago"));
        let parts: Vec<_> = acr.into_iter().chain(age).collect();
        rules.push(("step-up", parts.join(", ")));
    }
    if let Some(seconds) = route.revocation.max_staleness_seconds {
        let after = match route.revocation.when_stale {
            WhenStale::Serve => "served all the same",
            WhenStale::Deny => "refused",
        };
        rules.push((
            "revoked",
            format!("heard of within {seconds} s, after that {after}"),
        ));
    }
    rules.push((
        "policy",
        match route.policy {
            PolicyMode::Enforce => "enforce".to_owned(),
            PolicyMode::Shadow => "shadow".to_owned(),
            PolicyMode::Off => "off".to_owned(),
        },
    ));
    if route.on_policy_error == OnPolicyError::Error {
        rules.push((
            "failing",
            "left to the proxy, which may let it through".to_owned(),
        ));
    }
    rules
}

fn accepted(accept: &Accept) -> String {
    match accept {
        Accept::Anonymous => "anybody".to_owned(),
        Accept::Jwt(jwt) => {
            let from = match &jwt.issuers {
                None => "any issuer".to_owned(),
                Some(issuers) => list(issuers),
            };
            let sources: Vec<_> = jwt.sources.iter().map(source).collect();
            format!("a token of {from} in {}", sources.join(" or "))
        }
        Accept::Mtls(rules) => match peer(rules) {
            Some(peer) => format!("a workload: {peer}"),
            None => "any workload".to_owned(),
        },
        Accept::ApiKey(key) => format!("an API key in {}", key.header),
        Accept::Any(parts) => joined(parts, ", or "),
        Accept::All(parts) => joined(parts, ", and "),
    }
}

fn joined(parts: &[Accept], by: &str) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| match part {
            Accept::Any(_) | Accept::All(_) => format!("({})", accepted(part)),
            leaf => accepted(leaf),
        })
        .collect();
    parts.join(by)
}

fn source(source: &TokenSource) -> String {
    match source {
        TokenSource::Authorization => "Authorization".to_owned(),
        TokenSource::Cookie(name) => format!("cookie {name}"),
        TokenSource::Header(name) => format!("header {name}"),
        TokenSource::Query(name) => format!("query parameter {name}"),
    }
}

fn peer(rules: &PeerRules) -> Option<String> {
    let domains = (!rules.trust_domains.is_empty()).then(|| format!("in {}", list(&rules.trust_domains)));
    let ids = (!rules.spiffe_ids.is_empty()).then(|| list(&rules.spiffe_ids));
    let parts: Vec<_> = domains.into_iter().chain(ids).collect();
    (!parts.is_empty()).then(|| parts.join(", one of "))
}

fn list<T: Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
