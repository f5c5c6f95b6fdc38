//! ValidateToken: a JWT, verified with the keys at hand. Never asks anybody else.

use postern_proto::edge::v1::{ValidateTokenRequest, ValidateTokenResponse};
use postern_telemetry::{Code, CorrelationId, Error};

use super::payload;
use crate::checker::Checker;

/// What verification found.
///
/// # Errors
/// While there are no keys to verify with.
pub(super) fn answer(
    checker: &Checker,
    request: &ValidateTokenRequest,
    correlation_id: &CorrelationId,
) -> Result<ValidateTokenResponse, Error> {
    match checker.verify(&request.token, correlation_id) {
        Ok(_) => Ok(ValidateTokenResponse {
            valid: true,
            code: String::new(),
            claims_json: payload(&request.token).unwrap_or_default(),
        }),
        Err(refusal) if refusal.code == Code::KeysUnavailable => {
            Err(Error::new(Code::KeysUnavailable, Code::KeysUnavailable.meaning()))
        }
        Err(refusal) => Ok(ValidateTokenResponse {
            valid: false,
            // Whoever may forge tokens can ask here too: the exact code is for the log.
            code: refusal.code.for_stranger().as_str().to_owned(),
            claims_json: String::new(),
        }),
    }
}
