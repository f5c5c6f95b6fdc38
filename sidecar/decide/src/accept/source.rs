//! Where tokens are looked for.

use std::sync::Arc;

/// Where an issuer's tokens are sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TokenSource {
    /// `Authorization: Bearer …` (RFC 6750 §2.1) or `Authorization: DPoP …` (RFC 9449 §7.1).
    Authorization,
    /// A cookie of this name.
    Cookie(Arc<str>),
    /// A header of this name, in lower case, that holds the token and nothing else.
    Header(Arc<str>),
    /// A parameter of the query. Tokens in URLs end up in logs and histories (RFC 6750 §2.3): only where asked for.
    Query(Arc<str>),
}
