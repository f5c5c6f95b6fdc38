//! An API key and what one may be asked for. The secret is not part of it.

use std::collections::BTreeSet;

use super::{ApiKeyId, ApiKeyName, Invalid, MAX_SCOPES, Scope, Subject, Wrong};

/// What is known of an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The part of it that may be shown.
    pub id: ApiKeyId,
    /// Whom it stands for.
    pub subject: Subject,
    /// What a person calls it.
    pub name: ApiKeyName,
    /// What it may be used for, in order, each once.
    pub scopes: BTreeSet<Scope>,
    /// When it was made, seconds since the epoch.
    pub created_at: i64,
    /// From then on it is refused, seconds since the epoch; 0: it doesn't expire.
    pub expires_at: i64,
}

/// A key that may be made: every part is valid.
#[derive(Debug)]
pub struct ApiKeyRequest {
    pub(crate) subject: Subject,
    pub(crate) name: ApiKeyName,
    pub(crate) scopes: BTreeSet<Scope>,
    pub(crate) expires_at: i64,
}

impl ApiKeyRequest {
    /// Checks all parts at `now` and says everything that is wrong. A scope that is named twice counts once.
    ///
    /// # Errors
    /// One [`Invalid`] for each part that is not what it has to be.
    pub fn parse(
        subject: &str,
        name: &str,
        scopes: &[String],
        expires_at: i64,
        now: i64,
    ) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Wrong::default();
        let subject = wrong.unless("subject", Subject::EXPECTED, Subject::parse(subject));
        let name = wrong.unless("name", ApiKeyName::EXPECTED, ApiKeyName::parse(name));
        let scopes: Option<BTreeSet<_>> = wrong
            .each("scopes", Scope::EXPECTED, scopes, Scope::parse)
            .map(|scopes| scopes.into_iter().collect());
        if scopes.as_ref().is_some_and(|scopes| scopes.len() > MAX_SCOPES) {
            wrong.add("scopes", "at most 100 scopes");
        }
        if expires_at != 0 && expires_at <= now {
            wrong.add(
                "expires_at",
                "a time in the future, or 0 for a key that doesn't expire",
            );
        }
        match (subject, name, scopes) {
            (Some(subject), Some(name), Some(scopes)) if wrong.0.is_empty() => Ok(Self {
                subject,
                name,
                scopes,
                expires_at,
            }),
            _ => Err(wrong.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let scopes = ["fine".to_owned(), "not fine".to_owned()];
        let wrong = ApiKeyRequest::parse("", "\n", &scopes, 100, 100).unwrap_err();
        let fields: Vec<&str> = wrong.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["subject", "name", "scopes[1]", "expires_at"]);
        let many: Vec<String> = (0..101).map(|n| format!("s{n}")).collect();
        assert_eq!(
            ApiKeyRequest::parse("s", "n", &many, 0, 100).unwrap_err()[0].field,
            "scopes"
        );
        assert!(ApiKeyRequest::parse("s", "n", &scopes[..1], 101, 100).is_ok());
        assert!(ApiKeyRequest::parse("s", "n", &[], 0, 100).is_ok());
    }
}
