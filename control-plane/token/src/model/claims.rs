//! The claims of an access token (RFC 9068 §2.2), from a grant that was checked.

use postern_jose::UnixTime;
use serde::Serialize;

/// The longest lifetime that may be asked for, in seconds: a day. Revocations live a little longer by default.
pub(crate) const MAX_TTL_SECONDS: u32 = 86_400;
/// Of one text claim, in bytes.
const MAX_TEXT: usize = 512;
/// Of scopes or audiences.
const MAX_VALUES: usize = 100;

/// Whom a token is for and what it may do; every part is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    subject: String,
    client_id: String,
    audience: Vec<String>,
    scope: Vec<String>,
    ttl_seconds: Option<u32>,
}

/// What is wrong with one field of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as the contract names it.
    pub field: String,
    /// What was expected.
    pub expected: &'static str,
}

impl Grant {
    /// Checks all parts and says everything that is wrong. `ttl_seconds` 0 asks for the default.
    ///
    /// # Errors
    /// One [`Invalid`] for each part that is not what it has to be.
    pub fn parse(
        subject: String,
        client_id: String,
        audience: Vec<String>,
        scope: Vec<String>,
        ttl_seconds: u32,
    ) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let mut check = |valid: bool, field: String, expected| {
            if !valid {
                wrong.push(Invalid { field, expected });
            }
        };
        check(
            is_text(&subject),
            "subject".into(),
            "1 to 512 characters, none of them a control character",
        );
        check(
            is_text(&client_id),
            "client_id".into(),
            "1 to 512 characters, none of them a control character",
        );
        check(
            (1..=MAX_VALUES).contains(&audience.len()),
            "audience".into(),
            "1 to 100 audiences",
        );
        check(scope.len() <= MAX_VALUES, "scope".into(), "at most 100 scopes");
        for (n, audience) in audience.iter().enumerate() {
            check(
                is_text(audience),
                format!("audience[{n}]"),
                "1 to 512 characters, none of them a control character",
            );
        }
        for (n, scope) in scope.iter().enumerate() {
            check(
                is_scope_token(scope),
                format!("scope[{n}]"),
                "a scope-token (RFC 6749 §3.3) of at most 512 characters",
            );
        }
        check(
            ttl_seconds <= MAX_TTL_SECONDS,
            "ttl_seconds".into(),
            "at most 86400 (a day)",
        );
        if wrong.is_empty() {
            let ttl_seconds = (ttl_seconds > 0).then_some(ttl_seconds);
            Ok(Self {
                subject,
                client_id,
                audience,
                scope,
                ttl_seconds,
            })
        } else {
            Err(wrong)
        }
    }

    /// The claims of its token, and how long it lives in seconds.
    pub(crate) fn access_token<'a>(
        &'a self,
        issuer: &'a str,
        default_ttl_seconds: u32,
        now: UnixTime,
        jti: String,
    ) -> (AccessToken<'a>, u32) {
        let ttl_seconds = self.ttl_seconds.unwrap_or(default_ttl_seconds);
        let audience = match self.audience.as_slice() {
            [one] => Audience::One(one),
            several => Audience::Several(several),
        };
        let claims = AccessToken {
            iss: issuer,
            sub: &self.subject,
            aud: audience,
            client_id: &self.client_id,
            scope: (!self.scope.is_empty()).then(|| self.scope.join(" ")),
            iat: now.0,
            exp: now.plus_seconds(ttl_seconds.into()).0,
            jti,
        };
        (claims, ttl_seconds)
    }
}

/// The payload of an access token, member by member as RFC 9068 §2.2 and §2.2.3 name them.
#[derive(Debug, Serialize)]
pub struct AccessToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    iat: i64,
    exp: i64,
    jti: String,
}

/// `aud` (RFC 7519 §4.1.3): one audience is a string, several are an array.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_scope_token(text: &str) -> bool {
    is_text(text)
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn claims(grant: &Grant) -> serde_json::Value {
        let (claims, _) = grant.access_token("https://issuer.example", 900, UnixTime(1_000), "id".into());
        serde_json::to_value(claims).unwrap()
    }

    #[test]
    fn claims_have_the_names_and_forms_of_rfc_9068() {
        let grant = Grant::parse(
            "sub".into(),
            "client".into(),
            strings(&["urn:a"]),
            strings(&["a", "b"]),
            0,
        )
        .unwrap();
        assert_eq!(
            claims(&grant),
            serde_json::json!({
                "iss": "https://issuer.example", "sub": "sub", "aud": "urn:a", "client_id": "client",
                "scope": "a b", "iat": 1_000, "exp": 1_900, "jti": "id",
            })
        );
    }

    #[test]
    fn several_audiences_are_an_array_and_no_scope_is_no_claim() {
        let grant = Grant::parse("s".into(), "c".into(), strings(&["urn:a", "urn:b"]), vec![], 60).unwrap();
        let claims = claims(&grant);
        assert_eq!(claims["aud"], serde_json::json!(["urn:a", "urn:b"]));
        assert_eq!(claims.get("scope"), None);
        assert_eq!(claims["exp"], 1_060);
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let wrong = Grant::parse(
            "".into(),
            "a\n".into(),
            vec![],
            strings(&["a b"]),
            MAX_TTL_SECONDS + 1,
        )
        .unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(
            fields,
            ["subject", "client_id", "audience", "scope[0]", "ttl_seconds"]
        );
    }
}
