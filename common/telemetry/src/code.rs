//! The vocabulary: each way in which a request can fail, its stable name, and what that is on each surface.
//! One table; whatever else needs a status or a sentence asks it. It never grows a second mapping.

use std::fmt;
use std::str::FromStr;

/// Makes the enum and all of its lookups from one row per code:
/// `Variant "name" http grpc "title" "meaning" "what to do"`.
macro_rules! codes {
    ($($variant:ident $name:literal $http:literal $grpc:ident $title:literal $meaning:literal $remedy:literal)+) => {
        /// A stable error code. Names never change and are never used again for something else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The code as it is written in answers and logs: lower case with underscores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// A short summary that is the same for each occurrence (RFC 9457 §3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)+ }
            }

            /// What it means, a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning,)+ }
            }

            /// What whoever sees it can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)+ }
            }

            /// The HTTP status (RFC 9110 §15).
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Code::$variant => $http,)+ }
            }

            /// `type` of the problem document (RFC 9457 §3.1.1): `urn:postern:error:<code>`.
            #[must_use]
            pub const fn type_uri(self) -> &'static str {
                match self { $(Code::$variant => concat!("urn:postern:error:", $name),)+ }
            }

            const fn rpc(self) -> Rpc {
                match self { $(Code::$variant => Rpc::$grpc,)+ }
            }
        }
    };
}

codes! {
    InvalidRequest "invalid_request" 400 InvalidArgument "Invalid request"
        "The request can't be understood: a parameter is missing, repeated or malformed."
        "Correct the request as the message says; sending it again unchanged won't help."
    ValidationFailed "validation_failed" 400 InvalidArgument "Validation failed"
        "The request was understood, but some of its fields have values that aren't allowed."
        "Correct the fields listed in `errors`."
    MissingToken "missing_token" 401 Unauthenticated "Token missing"
        "The request needs an access token and has none."
        "Send `Authorization: Bearer <access token>`."
    InvalidToken "invalid_token" 401 Unauthenticated "Token refused"
        "The access token is not one that is accepted here; why stands in the log."
        "Get a new access token from a trusted issuer, for this audience."
    TokenMalformed "token_malformed" 401 Unauthenticated "Token malformed"
        "The token is not a well-formed signed JWT: its parts, encoding or JSON are wrong, or a member occurs twice."
        "Send the token exactly as the issuer gave it."
    TokenExpired "token_expired" 401 Unauthenticated "Token expired"
        "The token was valid until a time that has passed."
        "Get a new access token; if it is new, compare the clocks."
    TokenNotYetValid "token_not_yet_valid" 401 Unauthenticated "Token not yet valid"
        "The token is valid from, or was issued at, a time that lies in the future."
        "Compare the clocks of issuer and verifier."
    TokenBadSignature "token_bad_signature" 401 Unauthenticated "Token signature wrong"
        "The signature doesn't verify with the key that the token names: it was changed or forged."
        "Get a token from the issuer itself; if it came from there, look at the keys that the issuer publishes."
    TokenWrongIssuer "token_wrong_issuer" 401 Unauthenticated "Token issuer not trusted"
        "The token's `iss` is not an issuer that is trusted here."
        "Get a token from a trusted issuer, or add this one to the sidecar's `issuers`."
    TokenWrongAudience "token_wrong_audience" 401 Unauthenticated "Token for another audience"
        "The token's `aud` names none of the audiences accepted here."
        "Ask the issuer for a token for this audience, or correct the issuer's `audiences`."
    TokenWrongType "token_wrong_type" 401 Unauthenticated "Token of another type"
        "The token's `typ` is not one accepted here; an ID token was sent as an access token, say."
        "Send an access token (`at+jwt`), or add the type to the issuer's `types`."
    TokenAlgorithmRefused "token_algorithm_refused" 401 Unauthenticated "Token algorithm refused"
        "The token's `alg` is not allowed for its issuer; `none` and HMAC never are."
        "Have the issuer sign with an allowed asymmetric algorithm, or correct the issuer's `algorithms`."
    TokenKeyUnknown "token_key_unknown" 401 Unauthenticated "Token key unknown"
        "The token names a key that its issuer doesn't publish, or hasn't yet when keys were last fetched."
        "Try again shortly if the issuer has just changed keys; otherwise look at its `jwks_uri`."
    TokenKeyChoiceRefused "token_key_choice_refused" 401 Unauthenticated "Token brings its own key"
        "The token's header offers a key or says where to get one (`jwk`, `jku`, `x5c`, `x5u`); keys come from the issuer alone."
        "Have the issuer leave those header members out and name its key by `kid`."
    TokenMissingClaim "token_missing_claim" 401 Unauthenticated "Token lacks a claim"
        "The token lacks a claim that is required here, or has it with the wrong type."
        "Have the issuer add the claim."
    TokenTooLarge "token_too_large" 401 Unauthenticated "Token too large"
        "The token is longer than 16 KiB."
        "Have the issuer put less into it."
    TokenRevoked "token_revoked" 401 Unauthenticated "Token revoked"
        "The token, its session, its family, its key or a claim of it has been revoked."
        "Get a new token, by signing in again; why it was revoked, whoever revoked it knows."
    TokenClaimMismatch "token_claim_mismatch" 401 Unauthenticated "Token claim has another value"
        "A claim of the token is there, but has none of the values that are required here."
        "Get a token with a required value, or correct `required_claims` of the issuer or the route."
    TokenBindingRequired "token_binding_required" 401 Unauthenticated "Token is bound to a key"
        "The token is bound to its sender's key (`cnf`), and was sent as a plain bearer token, or is bound in a way that isn't known here."
        "Send it as `Authorization: DPoP` with a proof (RFC 9449), or over mTLS with the certificate it was issued for (RFC 8705)."
    TokenBindingMismatch "token_binding_mismatch" 401 Unauthenticated "Token is bound to another key"
        "The token is bound to another key or certificate than the caller has shown, or to none where the route asks for one."
        "Use the key or certificate that the token was issued for."
    DpopProofMissing "dpop_proof_missing" 401 Unauthenticated "DPoP proof missing"
        "The request needs a DPoP proof (RFC 9449) and has none."
        "Send one `DPoP` header with a proof made for this request."
    DpopProofInvalid "dpop_proof_invalid" 401 Unauthenticated "DPoP proof refused"
        "The DPoP proof is malformed, badly signed, too old, or made for another request, token or key; which stands in the log."
        "Make a proof for this very request: method, URL without query, access token, and a clock that is right."
    DpopProofReplayed "dpop_proof_replayed" 401 Unauthenticated "DPoP proof used before"
        "A DPoP proof counts once, and this one was seen already, or no more proofs can be remembered at the moment."
        "Make a new proof, with a new `jti`, for each request."
    UseDpopNonce "use_dpop_nonce" 401 Unauthenticated "DPoP nonce needed"
        "The DPoP proof must hold a nonce that this resource gave out lately (RFC 9449 §9)."
        "Send the request again with a proof that holds the value of the `DPoP-Nonce` header."
    InsufficientUserAuthentication "insufficient_user_authentication" 401 Unauthenticated "Stronger sign-in needed"
        "The token is valid, but the user's sign-in behind it is too weak or too long ago for this request (RFC 9470)."
        "Send the user to sign in again with the `acr_values` and `max_age` named in `WWW-Authenticate`."
    ApiKeyInvalid "api_key_invalid" 401 Unauthenticated "API key refused"
        "The API key is unknown, expired or revoked; which of them is not said."
        "Get a new key from whoever runs this: `postern api-key create`."
    PeerRequired "peer_required" 401 Unauthenticated "Client certificate needed"
        "The route asks for a workload identity, and the connection has none that can be believed."
        "Connect over mTLS with a certificate that holds one SPIFFE ID, and have Envoy send it (`include_peer_certificate`)."
    PeerUntrusted "peer_untrusted" 403 PermissionDenied "Workload not allowed"
        "The caller's workload identity is proved, but its trust domain or SPIFFE ID is not allowed on this route."
        "Add it to the route's `peer`, if it should be."
    PeerAmbiguous "peer_ambiguous" 403 PermissionDenied "Workload identity ambiguous"
        "The sources of the caller's workload identity say different things, or one of them says more than one."
        "Use a certificate with exactly one URI SAN that is a SPIFFE ID; look at what sits between caller and Envoy."
    NoRoute "no_route" 403 PermissionDenied "No route"
        "None of the configured routes matches this request, and what isn't matched is denied."
        "See why: `postern-sidecar --config FILE routes test 'GET https://host/path'`."
    AmbiguousPath "ambiguous_path" 400 InvalidArgument "Path ambiguous"
        "Proxy, policy and upstream could each read the request's path in another way, so that none is asked."
        "Send the path in its plainest form: no dot segments, empty segments, encoded delimiters or backslashes."
    UntrustedForwarder "untrusted_forwarder" 403 PermissionDenied "Forwarder not trusted"
        "Headers that describe another request (`X-Forwarded-…`, `X-Original-…`) came from a peer that isn't listed, or are missing or repeated."
        "Add the proxy's address to `http_auth.trusted_peers`, and have it send each header once."
    InsufficientScope "insufficient_scope" 403 PermissionDenied "Scope insufficient"
        "The token is valid, but lacks a scope that this request needs."
        "Ask for a token with the scope named in `WWW-Authenticate`."
    AccessDenied "access_denied" 403 PermissionDenied "Access denied"
        "The caller is known; policy doesn't allow this request."
        "Ask whoever owns the policy; give them the decision id."
    Unauthenticated "unauthenticated" 401 Unauthenticated "Credential missing or wrong"
        "The endpoint needs one of Postern's own credentials and got none, or a wrong one."
        "Send `Authorization: Bearer <credential>` with one from the control plane's data folder."
    InvalidClient "invalid_client" 401 Unauthenticated "Client authentication failed"
        "The client is unknown, or its secret is wrong (RFC 6749 §5.2); which of them is not said."
        "Check client_id and client_secret, and send them in one way only."
    InvalidGrant "invalid_grant" 400 InvalidArgument "Grant refused"
        "The grant (code, refresh token, …) is invalid, expired, used before, or another client's (RFC 6749 §5.2)."
        "Start the flow again."
    InvalidScope "invalid_scope" 400 InvalidArgument "Scope refused"
        "A scope that was asked for is unknown, malformed, or more than the client may have (RFC 6749 §5.2)."
        "Ask only for scopes that the client is registered with."
    UnauthorizedClient "unauthorized_client" 400 FailedPrecondition "Grant type not allowed"
        "The client is not allowed to use this grant type (RFC 6749 §5.2)."
        "Use a grant type that the client is registered with."
    UnsupportedGrantType "unsupported_grant_type" 400 InvalidArgument "Grant type not supported"
        "The token endpoint doesn't know this grant type (RFC 6749 §5.2)."
        "Use a grant type listed in the server's metadata under `grant_types_supported`."
    NotFound "not_found" 404 NotFound "Not found"
        "There is no such thing, or none that the caller may know of."
        "Check the name."
    AlreadyExists "already_exists" 409 AlreadyExists "Already exists"
        "There is one with that name."
        "Choose another name, or use the one that exists."
    MethodNotAllowed "method_not_allowed" 405 Unimplemented "Method not allowed"
        "The path exists, the method doesn't there."
        "Use a method listed in the `Allow` header."
    MisdirectedRequest "misdirected_request" 421 PermissionDenied "Not a name of this server"
        "The request names another host than this listener answers to, as a browser does that a web page's name has led here."
        "Ask by address or `localhost`, or add the name to the sidecar's `admin.hosts`."
    HeadersTooMany "headers_too_many" 431 ResourceExhausted "Too many headers"
        "With the headers that Postern tells the upstream, the request would have more than the proxy lets through."
        "Send fewer headers, or raise Envoy's `max_headers_count` and the sidecar's `ext_authz.max_headers` alike."
    PayloadTooLarge "payload_too_large" 413 ResourceExhausted "Payload too large"
        "The request's body is larger than this endpoint takes."
        "Send less; the limit stands in the message."
    BundleRefused "bundle_refused" 422 InvalidArgument "Bundle refused"
        "The policy bundle is unsigned, wrongly signed, damaged, or holds a plan that can't run here; the one before keeps serving."
        "Read the reason, then build and sign it again: `postern bundle build`, `postern bundle sign`."
    PolicyError "policy_error" 500 Internal "Policy failed"
        "Policy came to no result: its rules conflict, or the result has no known form. The request is denied."
        "Look into the log by the decision id, and correct the policy."
    PolicyTimeout "policy_timeout" 500 Internal "Policy stopped"
        "Policy took more time, memory or work than one decision may, and was stopped. The request is denied."
        "Look into the log by the decision id: which limit, and where. Make the policy cheaper, or raise the sidecar's `policy.limits`."
    PolicyUnavailable "policy_unavailable" 503 Unavailable "No policy loaded"
        "No bundle has ever been loaded, so that nothing can be decided. The request is denied."
        "See what keeps it from loading: `postern status`, or the sidecar's /readyz."
    KeysUnavailable "keys_unavailable" 503 Unavailable "No keys loaded"
        "The issuer's keys have never been fetched, so that its tokens can't be verified. The request is denied."
        "See whether the issuer's `jwks_uri` can be reached: `postern status`, or the sidecar's /readyz."
    RevocationsStale "revocations_stale" 503 Unavailable "Revocations too old"
        "Nothing has been heard of revocations for longer than this route allows. The request is denied."
        "See what keeps the control plane away: the sidecar's /readyz and /snapshot; or let the route serve on (`when_stale: serve`)."
    IntrospectionUnavailable "introspection_unavailable" 503 Unavailable "Introspection not available"
        "The issuer that alone can tell whether this token is valid doesn't answer. The request is denied."
        "See whether the issuer's introspection endpoint can be reached; the breaker lets requests through once it answers again."
    Overloaded "overloaded" 503 Unavailable "Too many checks at once"
        "As many checks are under way as may be, and this one was denied rather than queued."
        "Try again; if it stays, give the sidecar more CPU or raise `overload.max_in_flight`."
    RateLimited "rate_limited" 429 ResourceExhausted "Too many requests"
        "The caller has sent more than it may in this time."
        "Wait as long as `Retry-After` says."
    LimitReached "limit_reached" 409 ResourceExhausted "Limit reached"
        "There are as many of these as there may be."
        "Use one that exists; the limit stands in the message."
    Timeout "timeout" 504 DeadlineExceeded "Took too long"
        "Something that the answer depends on didn't answer before the deadline."
        "Try again; if it stays, look into the log by the correlation id."
    Unavailable "unavailable" 503 Unavailable "Not available"
        "The service, or something it needs, is not available at the moment."
        "Try again after the time that `Retry-After` says."
    Internal "internal" 500 Internal "Internal error"
        "Something went wrong that is not the caller's fault. Details stand in the log only."
        "Report it with the correlation id."
}

impl Code {
    /// The gRPC status, as a number of `google.rpc.Code`.
    #[must_use]
    pub const fn grpc_code(self) -> i32 {
        self.rpc() as i32
    }

    /// The gRPC status by its name, `PERMISSION_DENIED` say.
    #[must_use]
    pub const fn grpc_name(self) -> &'static str {
        self.rpc().name()
    }

    /// The code that says as much as a status alone can, for peers that send no details.
    /// A number that is no failure we know is [`Code::Internal`].
    #[must_use]
    pub const fn from_grpc(grpc_code: i32) -> Self {
        match grpc_code {
            3 | 9 | 11 => Code::InvalidRequest,
            4 => Code::Timeout,
            5 => Code::NotFound,
            6 => Code::AlreadyExists,
            7 => Code::AccessDenied,
            8 => Code::RateLimited,
            12 => Code::MethodNotAllowed,
            14 => Code::Unavailable,
            16 => Code::Unauthenticated,
            _ => Code::Internal,
        }
    }

    /// The `error` that OAuth has for this: RFC 6750 §3.1 on protected resources, RFC 6749 §4.1.2.1 and §5.2 elsewhere.
    /// `None` where it has no word, as for a token that wasn't sent.
    #[must_use]
    pub const fn oauth_error(self) -> Option<&'static str> {
        match self {
            Code::InvalidToken
            | Code::TokenMalformed
            | Code::TokenExpired
            | Code::TokenNotYetValid
            | Code::TokenBadSignature
            | Code::TokenWrongIssuer
            | Code::TokenWrongAudience
            | Code::TokenWrongType
            | Code::TokenAlgorithmRefused
            | Code::TokenKeyUnknown
            | Code::TokenKeyChoiceRefused
            | Code::TokenMissingClaim
            | Code::TokenTooLarge
            | Code::TokenRevoked
            | Code::TokenClaimMismatch
            | Code::TokenBindingRequired
            | Code::TokenBindingMismatch => Some("invalid_token"),
            // RFC 9449 §7.1.
            Code::DpopProofMissing | Code::DpopProofInvalid | Code::DpopProofReplayed => {
                Some("invalid_dpop_proof")
            }
            Code::InvalidRequest
            | Code::ValidationFailed
            | Code::HeadersTooMany
            | Code::PayloadTooLarge
            | Code::AmbiguousPath => Some("invalid_request"),
            Code::UseDpopNonce
            | Code::InsufficientUserAuthentication
            | Code::InsufficientScope
            | Code::InvalidClient
            | Code::InvalidGrant
            | Code::InvalidScope
            | Code::UnauthorizedClient
            | Code::UnsupportedGrantType => Some(self.as_str()),
            Code::Unavailable | Code::Timeout | Code::RateLimited | Code::Overloaded => {
                Some("temporarily_unavailable")
            }
            Code::Internal => Some("server_error"),
            Code::MissingToken
            | Code::AccessDenied
            | Code::Unauthenticated
            | Code::NotFound
            | Code::AlreadyExists
            | Code::MethodNotAllowed
            | Code::BundleRefused
            | Code::LimitReached
            | Code::PolicyError
            | Code::PolicyTimeout
            | Code::PolicyUnavailable
            | Code::KeysUnavailable
            | Code::ApiKeyInvalid
            | Code::PeerRequired
            | Code::PeerUntrusted
            | Code::PeerAmbiguous
            | Code::NoRoute
            | Code::UntrustedForwarder
            | Code::RevocationsStale
            | Code::MisdirectedRequest
            | Code::IntrospectionUnavailable => None,
        }
    }

    /// What a stranger may be told: why a token was refused helps whoever forges one, except that it has expired.
    #[must_use]
    pub fn for_stranger(self) -> Self {
        match self {
            Code::TokenExpired => self,
            _ if self.oauth_error() == Some("invalid_token") => Code::InvalidToken,
            _ => self,
        }
    }

    /// Seconds after which trying again makes sense, where it does (R10.2: 429 and 503 always say so).
    #[must_use]
    pub const fn retry_after_seconds(self) -> Option<u32> {
        match self.http_status() {
            429 | 503 => Some(1),
            _ => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no code of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code; docs/errors.md lists them")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == name)
            .ok_or(UnknownCode)
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The statuses of `google.rpc.Code` that the table uses.
#[derive(Clone, Copy)]
enum Rpc {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Rpc {
    const fn name(self) -> &'static str {
        match self {
            Rpc::InvalidArgument => "INVALID_ARGUMENT",
            Rpc::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Rpc::NotFound => "NOT_FOUND",
            Rpc::AlreadyExists => "ALREADY_EXISTS",
            Rpc::PermissionDenied => "PERMISSION_DENIED",
            Rpc::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Rpc::FailedPrecondition => "FAILED_PRECONDITION",
            Rpc::Unimplemented => "UNIMPLEMENTED",
            Rpc::Internal => "INTERNAL",
            Rpc::Unavailable => "UNAVAILABLE",
            Rpc::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}
