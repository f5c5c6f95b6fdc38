//! `cnf` (RFC 7800 §3.1): the key that a token is bound to. Read once, when the token is verified; a way of binding that
//! isn't known here refuses the token, since nobody could prove it.

use postern_jose::base64url;
use postern_rego::Value;

/// The keys that a token is bound to: all that are there must be proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// `jkt`: the RFC 7638 thumbprint of a DPoP key (RFC 9449 §6.1).
    pub(crate) jkt: Option<Box<str>>,
    /// `x5t#S256`: the SHA-256 of a certificate's DER (RFC 8705 §3.1).
    pub(crate) x5t_s256: Option<[u8; 32]>,
}

/// Why a `cnf` can't be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfirmationError {
    #[error("the token's `cnf` is not an object with at least one member")]
    Form,
    #[error("the token's `cnf` has a `{0}` that is no SHA-256 in base64url")]
    Thumbprint(&'static str),
    #[error("the token's `cnf` binds it in a way that isn't known here; expected `jkt` or `x5t#S256`")]
    Unknown,
}

impl Confirmation {
    /// What the claims bind the token to; nothing where they have no `cnf`.
    pub(crate) fn of(claims: &Value) -> Result<Self, ConfirmationError> {
        let Some(cnf) = claims.get("cnf") else {
            return Ok(Self::default());
        };
        let members = cnf
            .as_object()
            .filter(|members| !members.is_empty())
            .ok_or(ConfirmationError::Form)?;
        let mut confirmation = Self::default();
        for (name, value) in members {
            match name.as_str() {
                Some("jkt") => {
                    let text = value.as_str().ok_or(ConfirmationError::Thumbprint("jkt"))?;
                    sha256(text).ok_or(ConfirmationError::Thumbprint("jkt"))?;
                    confirmation.jkt = Some(text.into());
                }
                Some("x5t#S256") => {
                    let digest = value.as_str().and_then(sha256);
                    confirmation.x5t_s256 = Some(digest.ok_or(ConfirmationError::Thumbprint("x5t#S256"))?);
                }
                _ => return Err(ConfirmationError::Unknown),
            }
        }
        Ok(confirmation)
    }
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    base64url::decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
    const CANONICAL: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";

    fn check(claims: &str, expected: Result<(bool, bool), ConfirmationError>) {
        let read = Confirmation::of(&Value::from_json_str(claims).unwrap());
        assert_eq!(
            read.map(|cnf| (cnf.jkt.is_some(), cnf.x5t_s256.is_some())),
            expected,
            "{claims}"
        );
    }

    #[test]
    fn the_two_ways_of_binding_are_known_alone_and_together() {
        check("{}", Ok((false, false)));
        check(
            &format!(r#"{{"cnf":{{"jkt":"{CANONICAL}"}}}}"#),
            Ok((true, false)),
        );
        check(
            &format!(r#"{{"cnf":{{"x5t#S256":"{CANONICAL}"}}}}"#),
            Ok((false, true)),
        );
        check(
            &format!(r#"{{"cnf":{{"jkt":"{CANONICAL}","x5t#S256":"{CANONICAL}"}}}}"#),
            Ok((true, true)),
        );
    }

    #[test]
    fn what_nobody_could_prove_is_refused() {
        for cnf in ["null", "{}", "[]", "\"x\"", "7"] {
            check(&format!(r#"{{"cnf":{cnf}}}"#), Err(ConfirmationError::Form));
        }
        for member in ["jwk", "jwe", "kid", "jku", "x5t", "JKT"] {
            check(
                &format!(r#"{{"cnf":{{"jkt":"{CANONICAL}","{member}":"{CANONICAL}"}}}}"#),
                Err(ConfirmationError::Unknown),
            );
        }
        for digest in ["", "AAAA", SHA256] {
            check(
                &format!(r#"{{"cnf":{{"x5t#S256":"{digest}"}}}}"#),
                Err(ConfirmationError::Thumbprint("x5t#S256")),
            );
            check(
                &format!(r#"{{"cnf":{{"jkt":"{digest}"}}}}"#),
                Err(ConfirmationError::Thumbprint("jkt")),
            );
        }
    }
}
