//! Why a token is refused. Messages never quote the token: they are safe for logs.

/// Why a token is refused, one reason each (R1.2, R1.3). The first check that fails names the reason; the order is:
/// form, algorithm, key choice, `crit`, key, signature, and only then what the signed claims say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is longer than 16384 bytes")]
    TooLarge,
    /// Not a compact JWS of two JSON objects and a signature, or a member of the wrong JSON type; says which.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is symmetric, `none`, unknown, not allowed for this issuer, or not one that the key is for.
    #[error("the token's algorithm is not allowed")]
    AlgorithmRefused,
    /// The header carries the named member (`jku`, `x5u`, `x5c`, `jwk`), which would let the token choose its own key.
    #[error("the token tries to choose its own key with `{0}`")]
    KeyChoiceRefused(&'static str),
    /// The header demands an extension (`crit`, RFC 7515 §4.1.11; `b64`, RFC 7797); none is understood.
    #[error("the token requires an extension that is not supported")]
    CritRefused,
    /// No key with the token's `kid`, or no key for its algorithm when it has no `kid`. A refetch may help.
    #[error("the token's key is not known")]
    KeyUnknown,
    /// More than one key could be meant: the token has no `kid`, or the issuer uses one `kid` twice. A refetch won't help.
    #[error("the token doesn't say which of several keys signed it")]
    KeyAmbiguous,
    /// The signature doesn't verify.
    #[error("the token's signature is not valid")]
    BadSignature,
    /// `exp` is not in the future, leeway included.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is in the future, leeway included.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not exactly the expected issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// None of `aud` is an expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `typ` is missing or not an expected type.
    #[error("the token is of the wrong type")]
    WrongType,
    /// A claim that is required (always `iss`, `aud`, `exp`) is missing; carries its name.
    #[error("the token lacks the claim `{0}`")]
    MissingClaim(String),
}
