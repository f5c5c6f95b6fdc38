//! The token endpoint's answer (RFC 6749, sections 5.1 and 5.2).

use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// The longest code of an error that is shown.
const MAX_CODE: usize = 64;

/// A token, and how long it holds.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) token: SecretString,
    pub(super) lifetime: Duration,
}

/// Reads it.
///
/// # Errors
/// When it holds no bearer token. Of what it says only the code of an error is shown: who knows what it repeats.
pub(super) fn token(status: u16, body: &[u8]) -> Result<Token, String> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: Option<String>,
        token_type: Option<String>,
        expires_in: Option<i64>,
    }
    if status != 200 {
        let code = code(body).map(|code| format!(" ({code})")).unwrap_or_default();
        return Err(format!("it answered {status}{code}"));
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| "its answer isn't the JSON of a token".to_owned())?;
    if !answer
        .token_type
        .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    {
        return Err("its token isn't of the type `bearer`".to_owned());
    }
    let token = answer.access_token.unwrap_or_default();
    Ok(Token {
        token: token.trim().into(),
        lifetime: Duration::from_secs(u64::try_from(answer.expires_in.unwrap_or(0)).unwrap_or(0)),
    })
}

/// `error`, if it is a code as RFC 6749 registers them.
fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let code = serde_json::from_slice::<Refusal>(body).ok()?.error;
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (code.len() <= MAX_CODE && code.bytes().all(is_code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_token_is_read_as_opa_reads_it() {
        for (body, wanted) in [
            (
                r#"{"access_token":" t ","token_type":"Bearer","expires_in":60}"#,
                ("t", 60),
            ),
            (r#"{"access_token":"t","token_type":"bEARER"}"#, ("t", 0)),
            (
                r#"{"access_token":"t","token_type":"bearer","expires_in":-1,"x":[]}"#,
                ("t", 0),
            ),
            (r#"{"token_type":"bearer","expires_in":null}"#, ("", 0)),
        ] {
            let token = token(200, body.as_bytes()).unwrap();
            assert_eq!(
                (token.token.expose_secret(), token.lifetime.as_secs()),
                wanted,
                "{body}"
            );
        }
        for body in [
            r#"{"access_token":"t","token_type":"mac"}"#,
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"t","token_type":"bearer","expires_in":"60"}"#,
            "t",
        ] {
            let refused = token(200, body.as_bytes()).unwrap_err();
            assert!(!refused.contains('{'), "{refused}");
        }
    }

    #[test]
    fn of_an_error_only_its_code_is_shown() {
        for (body, shown) in [
            (
                r#"{"error":"invalid_client","error_description":"s3cr3t"}"#,
                "it answered 401 (invalid_client)",
            ),
            (r#"{"error":"S3cr3t no"}"#, "it answered 401"),
            ("s3cr3t", "it answered 401"),
        ] {
            assert_eq!(token(401, body.as_bytes()).unwrap_err(), shown, "{body}");
        }
    }
}
