//! What a policy answered, as a value that can be acted on. It reads the result forms of OPA-Envoy (a boolean, or an
//! object with `allowed` and its companions) and Postern's own member `postern`. It never guesses: a member of the
//! wrong form is an error that names it, and the caller denies.

mod members;

use postern_rego::Value;

/// A policy's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyResult {
    /// The request may go on.
    Allow(Allow),
    /// The request is refused. An undefined result is one of these.
    Deny(Deny),
}

/// What goes with an allowed request. Members that only a refusal uses (`body`, `http_status`) are not looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Allow {
    /// `headers`: set on the request to the upstream. A name may stand more than once.
    pub headers: Vec<(String, String)>,
    /// `response_headers_to_add`: added to the response to the client.
    pub response_headers_to_add: Vec<(String, String)>,
    /// `request_headers_to_remove`: taken off the request to the upstream.
    pub request_headers_to_remove: Vec<String>,
    /// `query_parameters_to_set`: set on the request to the upstream.
    pub query_parameters_to_set: Vec<(String, String)>,
    /// `query_parameters_to_remove`: taken off the request to the upstream.
    pub query_parameters_to_remove: Vec<String>,
    /// `dynamic_metadata`: an object, handed to Envoy's later filters.
    pub dynamic_metadata: Option<Value>,
    /// `postern.cache_seconds`: for how long this answer may be given again where the same is asked. `postern` has no other use
    /// here.
    pub cache_seconds: Option<u32>,
}

/// How a request is refused. Members that only an allowed request uses are not looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Deny {
    /// What kind of result refused.
    pub origin: DenyOrigin,
    /// `http_status`: 200 to 599, one that Envoy knows. 403 is meant where it is absent.
    pub http_status: Option<u16>,
    /// `headers`: sent to the client.
    pub headers: Vec<(String, String)>,
    /// `body`: sent to the client in place of the problem document.
    pub body: Option<String>,
    /// `dynamic_metadata`: an object, handed to Envoy.
    pub dynamic_metadata: Option<Value>,
    /// `postern`: the refusal in Postern's own terms.
    pub refusal: Refusal,
    /// `postern.cache_seconds`: for how long this answer may be given again where the same is asked.
    pub cache_seconds: Option<u32>,
}

/// What kind of result refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyOrigin {
    /// The policy said nothing.
    Undefined,
    /// It said `false`.
    Boolean,
    /// It answered with an object whose `allowed` is `false`.
    Object,
}

/// The member `postern` of a refusal, all of it optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// `code`: the stable code to answer with; [`RefusalCode::AccessDenied`] where it is absent.
    pub code: RefusalCode,
    /// `required_scope`: what a token would have needed (RFC 6750 §3), told to the client with `insufficient_scope`.
    pub required_scope: Option<String>,
    /// `reason`: why, in the policy's words. For the client to read, so without secrets.
    pub reason: Option<String>,
}

/// The codes that a policy may refuse with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusalCode {
    /// `access_denied`: not for this caller.
    #[default]
    AccessDenied,
    /// `insufficient_scope`: a token with more scope would do (RFC 6750 §3.1).
    InsufficientScope,
}

impl RefusalCode {
    const ALL: [Self; 2] = [Self::AccessDenied, Self::InsufficientScope];

    /// The stable code, as clients and logs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// What is wrong with a policy's answer. The text is for the author of the policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// The result is neither a boolean nor an object.
    #[error("the result is {found}; expected a boolean, or an object with `allowed`")]
    NeitherBooleanNorObject {
        /// What it is.
        found: &'static str,
    },
    /// An object without `allowed`.
    #[error("the result has no `allowed`; expected `allowed: true` or `allowed: false`")]
    AllowedMissing,
    /// A member of the wrong form.
    #[error("`{member}` {problem}")]
    Member {
        /// Where in the result, `headers.x-user[1]` say.
        member: String,
        /// What came and what was expected.
        problem: String,
    },
}

impl PolicyResult {
    /// Reads what an [`Engine`](crate::Engine) answered; `None` is undefined, which denies.
    ///
    /// # Errors
    /// When the result, or a member that its answer makes use of, is not of a known form.
    pub fn from_value(result: Option<&Value>) -> Result<Self, ResultError> {
        let Some(result) = result else {
            return Ok(Self::Deny(Deny::bare(DenyOrigin::Undefined)));
        };
        match result.as_bool() {
            Some(true) => return Ok(Self::Allow(Allow::default())),
            Some(false) => return Ok(Self::Deny(Deny::bare(DenyOrigin::Boolean))),
            None => {}
        }
        let Some(result) = result.as_object() else {
            return Err(ResultError::NeitherBooleanNorObject {
                found: members::kind(result),
            });
        };
        let allowed = result.get_str("allowed").ok_or(ResultError::AllowedMissing)?;
        match allowed.as_bool() {
            Some(true) => members::allow(result).map(Self::Allow),
            Some(false) => members::deny(result).map(Self::Deny),
            None => Err(members::wrong("allowed", allowed, "true or false")),
        }
    }

    /// For how long the policy says that this answer may be given again where the same is asked; `None` where it doesn't
    /// say.
    #[must_use]
    pub const fn cache_seconds(&self) -> Option<u32> {
        match self {
            Self::Allow(allow) => allow.cache_seconds,
            Self::Deny(deny) => deny.cache_seconds,
        }
    }

    /// Whether the request may go on.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

impl Deny {
    fn bare(origin: DenyOrigin) -> Self {
        Self {
            origin,
            http_status: None,
            headers: Vec::new(),
            body: None,
            dynamic_metadata: None,
            refusal: Refusal::default(),
            cache_seconds: None,
        }
    }
}

#[cfg(test)]
mod tests;
