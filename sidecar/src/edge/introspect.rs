//! IntrospectToken: whether a token is active (RFC 7662). A JWT is verified here and sent nowhere; another one is its
//! issuer's to judge, and what the issuer says is held to what is expected of its tokens, as a check would.

use postern_decide::{Word, remember_introspection};
use postern_jose::{MAX_TOKEN_BYTES, TokenRef};
use postern_proto::edge::v1::introspect_token_response::Source;
use postern_proto::edge::v1::{IntrospectTokenRequest, IntrospectTokenResponse};
use postern_telemetry::{Code, CorrelationId, Error};

use super::payload;
use crate::checker::Checker;
use crate::clock;
use crate::introspect::{AskError, From};

/// Whether the token is active.
///
/// # Errors
/// When it can't be known, or it isn't clear whom to ask.
pub(super) async fn answer(
    checker: &Checker,
    request: &IntrospectTokenRequest,
    correlation_id: &CorrelationId,
) -> Result<IntrospectTokenResponse, Error> {
    let token = request.token.as_str();
    if token.len() > MAX_TOKEN_BYTES {
        return Ok(inactive(Code::TokenTooLarge, Source::Local));
    }
    if TokenRef::parse(token).is_ok() {
        return local(checker, token, correlation_id);
    }
    // What no issuer makes isn't shown to one (RFC 6750 §2.1).
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(inactive(Code::TokenMalformed, Source::Local));
    }
    let issuer = issuer(checker, &request.issuer)?;
    by_issuer(checker, &issuer, token).await
}

/// What the issuer's keys say.
fn local(
    checker: &Checker,
    token: &str,
    correlation_id: &CorrelationId,
) -> Result<IntrospectTokenResponse, Error> {
    match checker.verify(token, correlation_id) {
        Ok(_) => Ok(active(payload(token).unwrap_or_default(), Source::Local)),
        Err(refusal) if refusal.code == Code::KeysUnavailable => {
            Err(Error::new(Code::KeysUnavailable, Code::KeysUnavailable.meaning()))
        }
        Err(refusal) => Ok(inactive(refusal.code, Source::Local)),
    }
}

/// What the issuer says.
async fn by_issuer(checker: &Checker, issuer: &str, token: &str) -> Result<IntrospectTokenResponse, Error> {
    let now = clock::now().seconds();
    let said = checker
        .introspector
        .ask(issuer, token, now)
        .await
        .map_err(unavailable)?;
    let source = match said.from {
        From::Issuer => Source::Issuer,
        From::Cache => Source::Cache,
        From::Stale => Source::Stale,
    };
    let judged = remember_introspection(
        &checker.published.load(),
        &checker.caches,
        issuer,
        token,
        &said.response,
        said.for_seconds,
        now,
    );
    match judged {
        Ok(Word::Active) => Ok(active(
            String::from_utf8_lossy(&said.response).into_owned(),
            source,
        )),
        Ok(Word::Inactive) => Ok(inactive(Code::InvalidToken, source)),
        Err(refusal) if refusal.code == Code::IntrospectionUnavailable => {
            let refused = Error::new(refusal.code, refusal.code.meaning());
            Err(refused.with_cause(refusal.reason))
        }
        Err(refusal) => Ok(inactive(refusal.code, source)),
    }
}

/// The issuer to ask about a token that doesn't say whose it is.
fn issuer(checker: &Checker, named: &str) -> Result<String, Error> {
    let mut known = checker.introspector.issuers();
    let expected = |what: &str| {
        let message = "the token is no JWT, so it doesn't say whose it is";
        Error::validation(message).with_field("issuer", what)
    };
    if named.is_empty() {
        return match (known.next(), known.next()) {
            (Some(only), None) => Ok(only.to_string()),
            (None, _) => Err(expected("no issuer here has an introspection endpoint")),
            (Some(_), Some(_)) => Err(expected(
                "expected the issuer to ask; more than one here has an introspection endpoint",
            )),
        };
    }
    if known.any(|issuer| issuer.as_ref() == named) {
        Ok(named.to_owned())
    } else {
        Err(expected(
            "expected an issuer that has an introspection endpoint here",
        ))
    }
}

fn unavailable(error: AskError) -> Error {
    let code = Code::IntrospectionUnavailable;
    let unavailable = Error::new(code, code.meaning());
    match error {
        AskError::NoEndpoint => unavailable,
        AskError::Unavailable { retry_after_seconds } => unavailable.with_retry_after(retry_after_seconds),
    }
}

fn active(claims_json: String, source: Source) -> IntrospectTokenResponse {
    IntrospectTokenResponse {
        active: true,
        code: String::new(),
        claims_json,
        source: source.into(),
    }
}

fn inactive(code: Code, source: Source) -> IntrospectTokenResponse {
    IntrospectTokenResponse {
        active: false,
        // Whoever may forge tokens can ask here too: the exact code is for the log.
        code: code.for_stranger().as_str().to_owned(),
        claims_json: String::new(),
        source: source.into(),
    }
}
