//! A token taken apart for the eye. Shows what no verifier would accept too, so it proves nothing.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};

use super::verification::Verification;
use crate::output::Printed;

/// What a token says.
#[derive(Debug, Serialize)]
pub struct Inspected {
    /// What is known of its truth.
    #[serde(flatten)]
    pub verification: Verification,
    /// The JOSE header (RFC 7515 §4).
    pub header: Map<String, Value>,
    /// The claims (RFC 7519 §4).
    pub claims: Map<String, Value>,
}

impl Inspected {
    /// Takes `token` apart; `None` when it isn't of a token's form.
    pub fn read(token: &str, verification: Verification) -> Option<Self> {
        let mut parts = token.split('.');
        let (header, claims) = (object(parts.next()?)?, object(parts.next()?)?);
        // The signature may be empty (`alg: none`), but its place must be there.
        let _signature = parts.next()?;
        parts.next().is_none().then_some(Self {
            verification,
            header,
            claims,
        })
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl Printed for Inspected {
    fn human(&self) -> String {
        let (colour, text) = match &self.verification {
            Verification::NotVerified => (
                anstyle::AnsiColor::Yellow,
                "NOT VERIFIED: what follows is what the token says of itself (to verify, give --jwks, --issuer and --audience)".to_owned(),
            ),
            Verification::Refused { reason } => (anstyle::AnsiColor::Red, format!("REFUSED: {reason}")),
            Verification::Verified => (
                anstyle::AnsiColor::Green,
                "VERIFIED: signed by the issuer, meant for the audience, current".to_owned(),
            ),
        };
        let style = colour.on_default().bold();
        let mut out = format!("{style}{text}{style:#}");
        for (title, object) in [("header", &self.header), ("claims", &self.claims)] {
            let _ = write!(out, "\n\n{title}");
            for (name, value) in object {
                let _ = write!(out, "\n  {name}: {}", shown(name, value));
            }
        }
        out
    }
}

/// A value as JSON, and a time beside it where the claim is one (RFC 7519 §4.1).
fn shown(name: &str, value: &Value) -> String {
    let time = matches!(name, "exp" | "iat" | "nbf" | "auth_time")
        .then(|| value.as_i64())
        .flatten();
    match time {
        Some(seconds) => format!("{value} ({})", crate::time_text::utc(seconds)),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str, signature: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", encode(header), encode(claims))
    }

    #[test]
    fn header_and_claims_are_shown_under_a_loud_not_verified() {
        let token = token(r#"{"alg":"ES256"}"#, r#"{"sub":"reader","exp":0}"#, "AAAA");
        let text = Inspected::read(&token, Verification::NotVerified)
            .unwrap()
            .human();
        for part in [
            "NOT VERIFIED",
            "--jwks, --issuer and --audience",
            "alg: \"ES256\"",
            "sub: \"reader\"",
            "exp: 0 (1970-01-01T00:00:00Z)",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn an_unsigned_token_is_shown_too() {
        let token = token(r#"{"alg":"none"}"#, "{}", "");
        assert!(Inspected::read(&token, Verification::NotVerified).is_some());
    }

    #[test]
    fn what_has_no_tokens_form_is_not_shown() {
        for wrong in ["", "a", "a.b", "a.b.c", "e30.e30", "e30.e30.a.b", "W10.e30.a"] {
            assert!(
                Inspected::read(wrong, Verification::NotVerified).is_none(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_program_reads_the_state_beside_the_parts() {
        let refused = Verification::Refused {
            reason: "expired".into(),
        };
        let json = serde_json::to_value(Inspected::read("e30.e30.a", refused).unwrap()).unwrap();
        assert_eq!(json["verification"], "refused");
        assert_eq!(json["reason"], "expired");
    }
}
