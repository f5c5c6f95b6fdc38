//! What a route accepts as proof of who calls: an expression, compiled when the configuration loads. How it is judged is
//! the credentials stage's business.

mod source;

use std::sync::Arc;

pub use source::TokenSource;

use crate::routes::PeerRules;

/// What a route accepts.
#[derive(Debug, Clone)]
pub enum Accept {
    /// Everybody, where nothing that the route knows was presented.
    Anonymous,
    /// A token of a trusted issuer.
    Jwt(JwtAccept),
    /// A workload that these rules admit, beyond the route's own.
    Mtls(PeerRules),
    /// An API key of the control plane.
    ApiKey(ApiKeyAccept),
    /// The first that proves anything, in this order, where nothing is presented that another one finds wrong.
    Any(Arc<[Accept]>),
    /// Each of them.
    All(Arc<[Accept]>),
}

/// Which tokens are accepted.
#[derive(Debug, Clone)]
pub struct JwtAccept {
    /// The issuers by name; every trusted one where `None`.
    pub issuers: Option<Arc<[Arc<str>]>>,
    /// Where tokens are looked for: the sources of those issuers, each once.
    pub sources: Arc<[TokenSource]>,
    /// The one of those issuers that is asked about tokens that are no JWTs (RFC 7662).
    pub introspects: Option<Arc<str>>,
}

/// Where an API key is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyAccept {
    /// The header's name, in lower case.
    pub header: Arc<str>,
}

impl JwtAccept {
    /// Tokens of every trusted issuer, in the Authorization header.
    pub fn any_issuer() -> Self {
        Self {
            issuers: None,
            sources: Arc::from([TokenSource::Authorization]),
            introspects: None,
        }
    }

    /// Whether tokens of this issuer are among them.
    pub fn takes(&self, issuer: &str) -> bool {
        self.issuers
            .as_ref()
            .is_none_or(|issuers| issuers.iter().any(|name| **name == *issuer))
    }
}

impl Default for Accept {
    /// A token of any trusted issuer, in the Authorization header.
    fn default() -> Self {
        Self::Jwt(JwtAccept::any_issuer())
    }
}

impl Accept {
    /// The leaves of the expression, in the order written.
    pub fn leaves(&self) -> Vec<&Accept> {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().flat_map(Self::leaves).collect(),
            leaf => vec![leaf],
        }
    }
}
