//! Revocations between protobuf and the domain: requests in, entries and refusals out.

use postern_proto::token::v1 as proto;
use postern_telemetry::{Code, CorrelationId, Error};
use proto::revoke_token_request::Which as Asked;
use tonic::Status;

use crate::model::{ClaimValue, Invalid, Revocation, RevokedTokens, Which};
use crate::revocations::{MAX_CLAIMS_PER_ISSUER, RevocationError};

/// The entry that a request asks for, at `now`, by the service whose own issuer is `issuer`.
pub(super) fn parse(
    request: proto::RevokeTokenRequest,
    issuer: &str,
    now: i64,
) -> Result<Revocation, Vec<Invalid>> {
    let text = |name: &str, value| Which::Claim {
        name: name.to_owned(),
        value: ClaimValue::Text(value),
    };
    let (field, which) = match request.which {
        Some(Asked::Jti(jti)) => ("jti", text("jti", jti)),
        Some(Asked::Sid(sid)) => ("sid", text("sid", sid)),
        Some(Asked::Family(family)) => ("family", text("fam", family)),
        Some(Asked::KeyId(key_id)) => ("key_id", Which::KeyId(key_id)),
        Some(Asked::Claim(claim)) => ("claim", claimed(claim)?),
        None => return Err(missing("which", "one of jti, sid, family, key_id, claim")),
    };
    let issuer = if request.issuer.is_empty() {
        issuer.to_owned()
    } else {
        request.issuer
    };
    let tokens = RevokedTokens { issuer, which };
    Revocation::parse(
        tokens,
        field,
        request.issued_before,
        request.expires_at,
        request.reason,
        now,
    )
}

fn claimed(claim: proto::Claim) -> Result<Which, Vec<Invalid>> {
    let value = match claim.value {
        Some(proto::claim::Value::Text(text)) => ClaimValue::Text(text),
        Some(proto::claim::Value::Integer(number)) => ClaimValue::Integer(number),
        Some(proto::claim::Value::Boolean(boolean)) => ClaimValue::Boolean(boolean),
        None => return Err(missing("claim.value", "one of text, integer, boolean")),
    };
    Ok(Which::Claim {
        name: claim.name,
        value,
    })
}

fn missing(field: &str, expected: &'static str) -> Vec<Invalid> {
    vec![Invalid {
        field: field.to_owned(),
        expected,
    }]
}

/// What callers are told; the log gets the whole.
pub(super) fn refused(error: RevocationError, id: &CorrelationId) -> Status {
    let error = match error {
        RevocationError::Full => Error::new(
            Code::LimitReached,
            "There are as many revocations as there may be (1,000,000); they make room as they expire.",
        ),
        RevocationError::TooManyClaims { issuer } => Error::new(
            Code::LimitReached,
            format!(
                "Tokens of {issuer} are revoked by {MAX_CLAIMS_PER_ISSUER} different claims already, the most there may be, since every token of \
                 it is looked at for each. Revoke by one of those, or take back the entries of one: `postern revocation list`."
            ),
        ),
        RevocationError::NotFound => {
            Error::new(Code::NotFound, "No revocation that hasn't expired has this id.")
        }
        RevocationError::PageToken => Error::validation("The page can't be found.")
            .with_field("page_token", "expected the next_page_token of the page before"),
        error @ RevocationError::Store(_) => {
            let error = Error::unavailable(error);
            tracing::error!(error = error.log_detail(), "the list of revocations failed");
            error
        }
    };
    error.to_status(id)
}

impl From<Revocation> for proto::Revocation {
    fn from(entry: Revocation) -> Self {
        let id = entry.tokens.id();
        let which = match &entry.tokens.which {
            Which::KeyId(key_id) => proto::revocation::Which::KeyId(key_id.clone()),
            Which::Claim { name, value } => proto::revocation::Which::Claim(proto::Claim {
                name: name.clone(),
                value: Some(value.into()),
            }),
        };
        Self {
            id,
            issuer: entry.tokens.issuer,
            issued_before: entry.issued_before,
            expires_at: entry.expires_at,
            revoked_at: entry.revoked_at,
            reason: entry.reason,
            which: Some(which),
        }
    }
}
