//! IntrospectToken: whether a token is active (RFC 7662). A JWT is verified here; another one is its issuer's to judge.

use postern_jose::TokenRef;
use postern_proto::edge::v1::introspect_token_response::Source;
use postern_proto::edge::v1::{IntrospectTokenRequest, IntrospectTokenResponse};
use postern_telemetry::{Code, CorrelationId, Error};

use super::payload;
use crate::checker::Checker;

/// Whether the token is active.
///
/// # Errors
/// When it can't be known.
pub(super) fn answer(
    checker: &Checker,
    request: &IntrospectTokenRequest,
    correlation_id: &CorrelationId,
) -> Result<IntrospectTokenResponse, Error> {
    if TokenRef::parse(&request.token).is_err() {
        let message =
            "this token is no JWT, and no issuer here has an introspection endpoint to ask about it";
        return Err(Error::new(Code::InvalidRequest, message).with_field("token", "expected a JWT"));
    }
    local(checker, &request.token, correlation_id)
}

/// What the issuer's keys say.
fn local(
    checker: &Checker,
    token: &str,
    correlation_id: &CorrelationId,
) -> Result<IntrospectTokenResponse, Error> {
    let (active, code, claims_json) = match checker.verify(token, correlation_id) {
        Ok(_) => (true, String::new(), payload(token).unwrap_or_default()),
        Err(refusal) if refusal.code == Code::KeysUnavailable => {
            return Err(Error::new(Code::KeysUnavailable, Code::KeysUnavailable.meaning()));
        }
        Err(refusal) => (
            false,
            refusal.code.for_stranger().as_str().to_owned(),
            String::new(),
        ),
    };
    Ok(IntrospectTokenResponse {
        active,
        code,
        claims_json,
        source: Source::Local.into(),
    })
}
