//! `input.postern`: what Postern has proved, so that a policy needn't verify anything itself.
//!
//! `{claims, subject, client_id, issuer, scopes, peer: {spiffe_id}, route, path}`. What was not proved or
//! isn't known is absent, so that a rule which uses it is undefined and the policy denies; `scopes` is then empty.

use postern_rego::{Array, Value};

use super::names::NAMES;

/// What is known of the caller and of the request, beyond what Envoy says.
#[derive(Debug, Clone, Copy, Default)]
pub struct PosternParts<'a> {
    /// All claims of the verified token.
    pub claims: Option<&'a Value>,
    /// Its `sub`.
    pub subject: Option<&'a str>,
    /// Its `client_id`.
    pub client_id: Option<&'a str>,
    /// Its `iss`.
    pub issuer: Option<&'a str>,
    /// Its scopes, one by one.
    pub scopes: &'a [&'a str],
    /// The SPIFFE id of the peer's verified certificate.
    pub peer_spiffe_id: Option<&'a str>,
    /// The name of the route that was matched, where routes have names.
    pub route: Option<&'a str>,
    /// The canonical path, without the query: decoded where decoding is unambiguous, without dot segments.
    pub path: &'a str,
}

pub(super) fn value(parts: &PosternParts<'_>) -> Value {
    let mut members = Vec::with_capacity(8);
    let mut text = |name: &Value, text: Option<&str>| {
        if let Some(text) = text {
            members.push((name.clone(), Value::from(text)));
        }
    };
    text(&NAMES.client_id, parts.client_id);
    text(&NAMES.issuer, parts.issuer);
    text(&NAMES.path, Some(parts.path));
    text(&NAMES.route, parts.route);
    text(&NAMES.subject, parts.subject);
    if let Some(claims) = parts.claims {
        members.push((NAMES.claims.clone(), claims.clone()));
    }
    if let Some(id) = parts.peer_spiffe_id {
        let peer = [(NAMES.spiffe_id.clone(), Value::from(id))];
        members.push((NAMES.peer.clone(), Value::Object(peer.into_iter().collect())));
    }
    let scopes: Array = parts.scopes.iter().map(|scope| Value::from(*scope)).collect();
    members.push((NAMES.scopes.clone(), scopes.into()));
    Value::Object(members.into_iter().collect())
}
