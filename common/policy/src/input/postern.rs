//! `input.postern`: what Postern has proved, so that a policy needn't verify anything itself.
//!
//! `{api_key: {id, name}, auth, claims, client_id, issuer, path, peer: {spiffe_id}, route, scopes, subject}`. What was
//! not proved or isn't known is absent, so that a rule which uses it is undefined and the policy denies; `scopes` is
//! then empty.

use std::sync::Arc;

use postern_rego::{Array, Value};

use super::members::{Making, Members};
use super::reads::Part;

/// What is known of the caller and of the request, beyond what Envoy says.
#[derive(Debug, Clone, Copy, Default)]
pub struct PosternParts<'a> {
    /// All claims of the verified token.
    pub claims: Option<&'a Value>,
    /// The token's `sub`, or whom the API key stands for.
    pub subject: Option<Text<'a>>,
    /// The token's `client_id`, or the API key's id.
    pub client_id: Option<Text<'a>>,
    /// The token's `iss`.
    pub issuer: Option<Text<'a>>,
    /// The caller's scopes, one by one.
    pub scopes: &'a [Box<str>],
    /// The SPIFFE id of the peer's verified certificate.
    pub peer_spiffe_id: Option<Text<'a>>,
    /// The name of the route that was matched, where routes have names.
    pub route: Option<Text<'a>>,
    /// The canonical path, without the query: decoded where decoding is unambiguous, without dot segments.
    pub path: &'a str,
    /// What authenticated the caller, with a comma between: `jwt`, `mtls`, `api_key`, `anonymous`. An array in the
    /// document.
    pub auth: &'a str,
    /// The API key that was shown.
    pub api_key: Option<ApiKeyParts<'a>>,
}

/// An API key, as far as it may be told.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeyParts<'a> {
    /// Its id, which isn't secret.
    pub id: Text<'a>,
    /// What it is called.
    pub name: Text<'a>,
}

/// A text of the document: borrowed, or shared with whoever keeps it, which saves a copy.
#[derive(Debug, Clone, Copy)]
pub enum Text<'a> {
    /// To be copied.
    Borrowed(&'a str),
    /// To be shared.
    Shared(&'a Arc<str>),
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Text::Borrowed(text)
    }
}

impl<'a> From<&'a Arc<str>> for Text<'a> {
    fn from(text: &'a Arc<str>) -> Self {
        Text::Shared(text)
    }
}

impl From<Text<'_>> for Value {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Borrowed(text) => Value::from(text),
            Text::Shared(text) => Value::String(Arc::clone(text)),
        }
    }
}

pub(super) fn value(making: Making<'_>, parts: &PosternParts<'_>) -> Value {
    let names = making.names;
    let mut members = Members::new(making);
    members.value(Part::PosternApiKey, &names.api_key, || {
        let ApiKeyParts { id, name } = parts.api_key?;
        Some(object([(&names.id, id), (&names.name, name)]))
    });
    members.value(Part::PosternAuth, &names.auth, || {
        let methods = parts.auth.split(',').map(|method| names.word(method));
        (!parts.auth.is_empty()).then(|| methods.collect::<Array>().into())
    });
    members.value(Part::PosternClaims, &names.claims, || parts.claims.cloned());
    members.value(Part::PosternClientId, &names.client_id, || {
        parts.client_id.map(Value::from)
    });
    members.value(Part::PosternIssuer, &names.issuer, || {
        parts.issuer.map(Value::from)
    });
    members.value(Part::PosternPath, &names.path, || Some(parts.path.into()));
    members.value(Part::PosternPeer, &names.peer, || {
        Some(object([(&names.spiffe_id, parts.peer_spiffe_id?)]))
    });
    members.value(Part::PosternRoute, &names.route, || parts.route.map(Value::from));
    members.value(Part::PosternScopes, &names.scopes, || {
        let scopes = parts.scopes.iter().map(|scope| Value::from(scope.as_ref()));
        Some(scopes.collect::<Array>().into())
    });
    members.value(Part::PosternSubject, &names.subject, || {
        parts.subject.map(Value::from)
    });
    members.build()
}

fn object<const N: usize>(members: [(&Value, Text<'_>); N]) -> Value {
    let members = members.map(|(name, text)| (name.clone(), Value::from(text)));
    Value::Object(Vec::from(members).into())
}
