//! `WWW-Authenticate`: what would do, for each way in which the route lets somebody prove who they are (RFC 6750 §3,
//! RFC 9449 §7.1, RFC 9470 §3). Says no more of what was wrong than the words for the client do.

use postern_telemetry::Code;

use crate::accept::Accept;
use crate::credentials::{PROOF_ALGORITHMS, takes_tokens};
use crate::header::Header;
use crate::refusal::{About, Wanted, Words};
use crate::routes::Route;

const WWW_AUTHENTICATE: &str = "www-authenticate";

/// The header that hands the client a nonce for its next proof (RFC 9449 §8.1).
pub(crate) fn nonce(nonce: &str) -> Header {
    Header::ours("dpop-nonce", nonce.to_owned())
}

/// Adds the challenges that `words` call for: with every 401, and with a 403 that more scope would avoid.
pub(crate) fn add(headers: &mut Vec<Header>, words: &Words<'_>, wanted: Option<&Wanted>, about: &About<'_>) {
    let error = error_of(words.code);
    let asks_for_scope = words.code == Code::InsufficientScope;
    let Some(route) = about
        .route
        .filter(|_| words.code.http_status() == 401 || asks_for_scope)
    else {
        return;
    };
    let realm = quoted(&about.settings.realm);
    let tokens = Tokens::of(route, words.code, about);
    let with_error = |challenge: &mut String| {
        let Some(error) = error else { return };
        challenge.push_str(&format!(
            ", error=\"{error}\", error_description={}",
            quoted(&words.detail)
        ));
        wanted.into_iter().for_each(|wanted| ask(challenge, wanted));
    };
    if tokens.bearer && (!asks_for_scope || !tokens.error_is_dpops) {
        let mut challenge = format!("Bearer realm={realm}");
        if !tokens.error_is_dpops {
            with_error(&mut challenge);
        }
        headers.push(Header::ours(WWW_AUTHENTICATE, challenge));
    }
    if tokens.dpop && (!asks_for_scope || tokens.error_is_dpops) {
        let mut challenge = format!("DPoP realm={realm}");
        if tokens.error_is_dpops {
            with_error(&mut challenge);
        }
        let algorithms: Vec<&str> = PROOF_ALGORITHMS.iter().map(|one| one.as_str()).collect();
        challenge.push_str(&format!(", algs=\"{}\"", algorithms.join(" ")));
        headers.push(Header::ours(WWW_AUTHENTICATE, challenge));
    }
    if !asks_for_scope {
        add_others(headers, route, &realm);
    }
}

/// API keys and certificates have no scheme that anybody registered; who reads challenges learns at least what is missing.
fn add_others(headers: &mut Vec<Header>, route: &Route, realm: &str) {
    let mut certificate = route.peer.names_peers();
    for leaf in route.accept.leaves() {
        match leaf {
            Accept::ApiKey(key) => headers.push(Header::ours(
                WWW_AUTHENTICATE,
                format!("ApiKey realm={realm}, header={}", quoted(&key.header)),
            )),
            Accept::Mtls(_) => certificate = true,
            _ => {}
        }
    }
    if certificate {
        headers.push(Header::ours(
            WWW_AUTHENTICATE,
            format!("ClientCertificate realm={realm}"),
        ));
    }
}

/// How tokens may be sent on a route, and of which way the error is.
struct Tokens {
    bearer: bool,
    dpop: bool,
    error_is_dpops: bool,
}

impl Tokens {
    fn of(route: &Route, code: Code, about: &About<'_>) -> Self {
        let tokens = takes_tokens(&route.accept);
        let dpop = tokens && route.public_origin.is_some();
        let bearer = tokens && !(dpop && route.dpop.required);
        let sent_by_dpop = about
            .headers
            .value("authorization")
            .and_then(|credentials| credentials.get(..5))
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop "));
        let of_a_proof = matches!(
            code,
            Code::DpopProofMissing | Code::DpopProofInvalid | Code::DpopProofReplayed | Code::UseDpopNonce
        );
        Self {
            bearer,
            dpop,
            error_is_dpops: dpop && (of_a_proof || sent_by_dpop || !bearer),
        }
    }
}

/// `error` of a challenge. RFC 6750 §3.1: a request without any credentials is told none.
fn error_of(code: Code) -> Option<&'static str> {
    match code {
        Code::MissingToken | Code::Unauthenticated | Code::ApiKeyInvalid | Code::PeerRequired => None,
        code => code.oauth_error(),
    }
}

fn ask(challenge: &mut String, wanted: &Wanted) {
    match wanted {
        Wanted::Scope(scope) => challenge.push_str(&format!(", scope={}", quoted(scope))),
        Wanted::StepUp(step_up) => {
            if !step_up.acr_values.is_empty() {
                let values = step_up.acr_values.join(" ");
                challenge.push_str(&format!(", acr_values={}", quoted(&values)));
            }
            if let Some(seconds) = step_up.max_age_seconds {
                challenge.push_str(&format!(", max_age=\"{seconds}\""));
            }
        }
    }
}

/// A quoted-string (RFC 9110 §5.6.4) of the printable ASCII in `text`; anything else becomes `?`.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_cannot_be_left() {
        assert_eq!(quoted("a\", error=\"x"), "\"a\\\", error=\\\"x\"");
        assert_eq!(quoted("a\\"), "\"a\\\\\"");
        assert_eq!(quoted("a\r\nb: é"), "\"a??b: ?\"");
    }
}
