//! What the caller expects of a token. Comes from configuration, never from the token.

use crate::algorithm::Algorithm;

/// What a token must be to be accepted, per issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// `iss`, compared as exact text (RFC 7519 §4.1.1).
    pub issuer: String,
    /// At least one of these must be in `aud`. Empty accepts nothing.
    pub audiences: Vec<String>,
    /// The algorithms that this issuer may use. Empty accepts nothing.
    pub algorithms: Vec<Algorithm>,
    /// Accepted `typ`s, such as `at+jwt` (RFC 9068 §4), compared without case and without a leading `application/`
    /// (RFC 7515 §4.1.9). Empty means that `typ` isn't looked at, for issuers that set none.
    pub types: Vec<String>,
    /// How far the issuer's clock may be from ours, in seconds, for `exp`, `nbf` and `iat`.
    pub leeway_seconds: u32,
    /// Claims that must be there and not null, beside `iss`, `aud` and `exp`, which always must.
    pub required_claims: Vec<String>,
}
