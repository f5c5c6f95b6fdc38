//! Where the token is: `Authorization` (RFC 6750 §2.1, RFC 9449 §7.1) or wherever else its issuer's tokens are looked for.
//! Never looks into the token. Two tokens in one request are refused: which of them would count is anybody's guess.

use crate::accept::TokenSource;
use crate::headers::Headers;
use crate::refusal::Refusal;

/// How a token was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// As something that whoever holds it may use.
    Bearer,
    /// With the claim to hold the key that it is bound to.
    Dpop,
}

/// A token as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'r> {
    /// As it came. Whether it is text is seen where it is read, which a remembered token isn't.
    pub(crate) token: &'r [u8],
    pub(crate) scheme: Scheme,
    pub(crate) source: &'r TokenSource,
}

/// The token that the request presents in one of `sources`.
///
/// # Errors
/// `token_malformed` where there are credentials that aren't exactly one token.
pub(crate) fn token<'r>(
    headers: &'r Headers<'_>,
    target: &'r str,
    sources: &'r [TokenSource],
) -> Result<Option<Presented<'r>>, Refusal> {
    let mut found: Option<Presented<'r>> = None;
    for source in sources {
        let Some((token, scheme)) = in_source(headers, target, source)? else {
            continue;
        };
        if found.is_some_and(|earlier| earlier.token != token) {
            return Err(Refusal::malformed("the request presents more than one token"));
        }
        found = found.or(Some(Presented {
            token,
            scheme,
            source,
        }));
    }
    Ok(found)
}

fn in_source<'r>(
    headers: &'r Headers<'_>,
    target: &'r str,
    source: &TokenSource,
) -> Result<Option<(&'r [u8], Scheme)>, Refusal> {
    let bearer = |token: Option<&'r str>| token.map(|token| (token.as_bytes(), Scheme::Bearer));
    match source {
        TokenSource::Authorization => authorization(headers),
        TokenSource::Cookie(name) => cookie(headers, name).map(bearer),
        TokenSource::Header(name) => header(headers, name).map(bearer),
        TokenSource::Query(name) => query(target, name).map(bearer),
    }
}

fn authorization<'r>(headers: &'r Headers<'_>) -> Result<Option<(&'r [u8], Scheme)>, Refusal> {
    let Some(credentials) = headers.bytes("authorization") else {
        return Ok(None);
    };
    // Repeated headers arrive joined by a comma, and no token holds one.
    if memchr::memchr(b',', credentials).is_some() {
        return Err(Refusal::malformed(
            "the Authorization header is repeated, or holds a comma",
        ));
    }
    let end = credentials.iter().position(|byte| *byte == b' ');
    let (scheme, rest) = credentials.split_at(end.unwrap_or(credentials.len()));
    let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        return Ok(None);
    };
    match without_spaces(rest) {
        [] => Err(Refusal::malformed(
            "the Authorization header has a scheme and no token",
        )),
        token => Ok(Some((token, scheme))),
    }
}

fn without_spaces(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

fn header<'r>(headers: &'r Headers<'_>, name: &str) -> Result<Option<&'r str>, Refusal> {
    match headers.value(name) {
        None => Ok(None),
        Some(value) if value.contains(',') => Err(Refusal::malformed(
            "the token's header is repeated, or holds a comma",
        )),
        Some("") => Err(Refusal::malformed("the token's header is empty")),
        Some(value) => Ok(Some(value)),
    }
}

/// RFC 6265 §4.2. A comma, which no cookie's value holds, is where repeated headers were joined: what is behind it isn't
/// looked at, and a cookie with one in it is refused.
fn cookie<'r>(headers: &'r Headers<'_>, name: &str) -> Result<Option<&'r str>, Refusal> {
    let Some(cookies) = headers.value("cookie") else {
        return Ok(None);
    };
    let values = cookies.split(';').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim_matches(' ') == name).then(|| value.trim_matches(' '))
    });
    only(values, "the token's cookie is there twice")
}

/// The parameter as it stands in the URL: a token has nothing that would be escaped.
fn query<'r>(target: &'r str, name: &str) -> Result<Option<&'r str>, Refusal> {
    let Some((_, query)) = target.split_once('?') else {
        return Ok(None);
    };
    let values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    only(values, "the token's query parameter is there twice")
}

fn only<'r>(
    mut values: impl Iterator<Item = &'r str>,
    twice: &'static str,
) -> Result<Option<&'r str>, Refusal> {
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Refusal::malformed(twice)),
        (Some(value), None) if value.is_empty() || value.contains(',') => {
            Err(Refusal::malformed("the token's cookie or parameter is no token"))
        }
        (Some(value), None) => Ok(Some(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use postern_telemetry::Code;

    use super::*;

    fn check(headers: &[(&str, &str)], expected: Result<Option<(&str, Scheme)>, Code>) {
        check_in(&[TokenSource::Authorization], headers, "/", expected);
    }

    fn check_in(
        sources: &[TokenSource],
        headers: &[(&str, &str)],
        target: &str,
        expected: Result<Option<(&str, Scheme)>, Code>,
    ) {
        let headers = Headers::from_raw(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let found = token(&headers, target, sources)
            .map(|presented| {
                presented.map(|presented| (std::str::from_utf8(presented.token).unwrap(), presented.scheme))
            })
            .map_err(|refusal| refusal.code);
        assert_eq!(found, expected, "{headers:?} {target}");
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            check(
                &[("Authorization", &format!("{scheme} a.b.c"))],
                Ok(Some(("a.b.c", Scheme::Bearer))),
            );
        }
        check(
            &[("authorization", "Bearer   a.b.c")],
            Ok(Some(("a.b.c", Scheme::Bearer))),
        );
        check(
            &[("authorization", "DPoP a.b.c")],
            Ok(Some(("a.b.c", Scheme::Dpop))),
        );
        check(
            &[("authorization", "dpop a.b.c")],
            Ok(Some(("a.b.c", Scheme::Dpop))),
        );
    }

    #[test]
    fn without_credentials_of_a_known_scheme_there_is_no_token() {
        check(&[], Ok(None));
        for credentials in ["", "Basic dTpw", "Bearera.b.c", "a.b.c"] {
            check(&[("authorization", credentials)], Ok(None));
        }
    }

    #[test]
    fn two_tokens_or_half_of_one_are_refused() {
        let malformed = Err(Code::TokenMalformed);
        check(&[("authorization", "Bearer a.b.c, Bearer d.e.f")], malformed);
        check(
            &[("authorization", "Bearer a"), ("Authorization", "Bearer b")],
            malformed,
        );
        check(
            &[("authorization", "Basic dTpw"), ("authorization", "Bearer b")],
            malformed,
        );
        check(&[("authorization", "Bearer")], malformed);
        check(&[("authorization", "DPoP  ")], malformed);
    }

    #[test]
    fn a_cookie_a_header_and_a_query_hold_tokens_where_asked_for_and_nowhere_else() {
        let cookie = [TokenSource::Cookie(Arc::from("session"))];
        let bearer = |token| Ok(Some((token, Scheme::Bearer)));
        check_in(
            &cookie,
            &[("cookie", "a=1; session=a.b.c; b=2")],
            "/",
            bearer("a.b.c"),
        );
        check_in(&cookie, &[("cookie", "xsession=a.b.c; Session=d")], "/", Ok(None));
        check_in(&cookie, &[("authorization", "Bearer a.b.c")], "/", Ok(None));
        let header = [TokenSource::Header(Arc::from("x-access-token"))];
        check_in(&header, &[("X-Access-Token", "a.b.c")], "/", bearer("a.b.c"));
        let query = [TokenSource::Query(Arc::from("access_token"))];
        check_in(&query, &[], "/a?b=1&access_token=a.b.c", bearer("a.b.c"));
        check_in(&query, &[], "/a?xaccess_token=a.b.c", Ok(None));
        check_in(&query, &[], "/access_token=a.b.c", Ok(None));
        check(&[("cookie", "session=a.b.c")], Ok(None));
    }

    #[test]
    fn a_source_that_holds_two_tokens_or_none_is_refused() {
        let malformed = Err(Code::TokenMalformed);
        let cookie = [TokenSource::Cookie(Arc::from("session"))];
        check_in(&cookie, &[("cookie", "session=a; session=b")], "/", malformed);
        check_in(&cookie, &[("cookie", "session=")], "/", malformed);
        check_in(
            &cookie,
            &[("cookie", "session=a"), ("cookie", "b=1")],
            "/",
            malformed,
        );
        let header = [TokenSource::Header(Arc::from("x-t"))];
        check_in(&header, &[("x-t", "a"), ("x-t", "b")], "/", malformed);
        check_in(&header, &[("x-t", "")], "/", malformed);
        let query = [TokenSource::Query(Arc::from("t"))];
        check_in(&query, &[], "/?t=a&t=b", malformed);
    }

    #[test]
    fn different_tokens_in_two_places_are_refused_and_the_same_in_both_is_one() {
        let sources = [
            TokenSource::Authorization,
            TokenSource::Cookie(Arc::from("session")),
        ];
        check_in(
            &sources,
            &[("authorization", "Bearer a.b.c"), ("cookie", "session=d.e.f")],
            "/",
            Err(Code::TokenMalformed),
        );
        check_in(
            &sources,
            &[("authorization", "DPoP a.b.c"), ("cookie", "session=a.b.c")],
            "/",
            Ok(Some(("a.b.c", Scheme::Dpop))),
        );
    }
}
