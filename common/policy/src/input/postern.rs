//! `input.postern`: what Postern has proved, so that a policy needn't verify anything itself.
//!
//! `{api_key: {id, name}, auth, claims, client_id, issuer, path, peer: {spiffe_id}, route, scopes, subject}`. What was
//! not proved or isn't known is absent, so that a rule which uses it is undefined and the policy denies; `scopes` is
//! then empty.

use std::sync::Arc;

use postern_rego::{Array, Value};

use super::names::Names;
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

/// The value of a part of `input.postern`, but of the claims, which are there already; `None` where it isn't known.
pub(super) fn value(part: Part, parts: &PosternParts<'_>) -> Option<Value> {
    match part {
        Part::PosternApiKey => {
            let ApiKeyParts { id, name } = parts.api_key?;
            Some(object([("id", id), ("name", name)]))
        }
        Part::PosternAuth => {
            let methods = parts.auth.split(',');
            let made = || Names::with(|names| methods.map(|method| names.word(method)).collect::<Array>());
            (!parts.auth.is_empty()).then(|| made().into())
        }
        Part::PosternClientId => parts.client_id.map(Value::from),
        Part::PosternIssuer => parts.issuer.map(Value::from),
        Part::PosternPath => Some(parts.path.into()),
        Part::PosternPeer => Some(object([("spiffe_id", parts.peer_spiffe_id?)])),
        Part::PosternRoute => parts.route.map(Value::from),
        Part::PosternScopes => {
            let scopes = parts.scopes.iter().map(|scope| Value::from(scope.as_ref()));
            Some(scopes.collect::<Array>().into())
        }
        Part::PosternSubject => parts.subject.map(Value::from),
        _ => None,
    }
}

fn object<const N: usize>(members: [(&str, Text<'_>); N]) -> Value {
    Value::Object(Vec::from(members.map(|(name, text)| (Value::from(name), Value::from(text)))).into())
}
