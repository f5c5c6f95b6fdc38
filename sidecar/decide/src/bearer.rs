//! Where the token is: `Authorization: Bearer …` (RFC 6750 §2.1) and nowhere else. Never looks into the token.

use crate::headers::Headers;
use crate::refusal::Refusal;

/// The token that the request presents.
///
/// # Errors
/// `missing_token` where there are no bearer credentials, `token_malformed` where they aren't exactly one token.
pub(crate) fn token<'r>(headers: &'r Headers<'_>) -> Result<&'r str, Refusal> {
    let Some(credentials) = headers.value("authorization") else {
        return Err(Refusal::missing_token("no Authorization header"));
    };
    // Repeated headers arrive joined by a comma, and no token holds one: which of two would count is anybody's guess.
    if credentials.contains(',') {
        return Err(Refusal::malformed(
            "the Authorization header is repeated, or holds a comma",
        ));
    }
    let (scheme, rest) = credentials.split_once(' ').unwrap_or((credentials, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::missing_token("the Authorization scheme is not Bearer"));
    }
    let token = rest.trim_matches(' ');
    if token.is_empty() {
        return Err(Refusal::malformed("the Bearer scheme comes without a token"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use postern_telemetry::Code;

    use super::*;

    fn check(headers: &[(&str, &str)], expected: Result<&str, Code>) {
        let headers = Headers::from_raw(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        assert_eq!(
            token(&headers).map_err(|refusal| refusal.code),
            expected,
            "{headers:?}"
        );
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            check(&[("Authorization", &format!("{scheme} a.b.c"))], Ok("a.b.c"));
        }
        check(&[("authorization", "Bearer   a.b.c")], Ok("a.b.c"));
    }

    #[test]
    fn without_bearer_credentials_the_token_is_missing() {
        check(&[], Err(Code::MissingToken));
        for credentials in ["", "Basic dTpw", "DPoP a.b.c", "Bearera.b.c", "a.b.c"] {
            check(&[("authorization", credentials)], Err(Code::MissingToken));
        }
    }

    #[test]
    fn two_tokens_or_half_of_one_are_refused() {
        check(
            &[("authorization", "Bearer a.b.c, Bearer d.e.f")],
            Err(Code::TokenMalformed),
        );
        check(
            &[("authorization", "Bearer a"), ("Authorization", "Bearer b")],
            Err(Code::TokenMalformed),
        );
        check(
            &[("authorization", "Basic dTpw"), ("authorization", "Bearer b")],
            Err(Code::TokenMalformed),
        );
        check(&[("authorization", "Bearer")], Err(Code::TokenMalformed));
        check(&[("authorization", "Bearer  ")], Err(Code::TokenMalformed));
    }
}
