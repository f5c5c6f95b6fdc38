//! Clients, API keys and their parts. Each type is made by one `parse` and holds only what is valid; nothing here does I/O.

use std::collections::BTreeSet;
use std::fmt;

use crate::secret::ClientSecret;

mod api_key;
mod text;

pub use api_key::{ApiKey, ApiKeyRequest};
pub use text::{ApiKeyId, ApiKeyName, Audience, ClientId, ClientName, Scope, Subject};

/// More scopes than this make tokens that no proxy accepts as a header.
const MAX_SCOPES: usize = 100;
const MAX_AUDIENCES: usize = 20;

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id` (RFC 6749 §2.2).
    pub client_id: ClientId,
    /// What a person calls it.
    pub name: ClientName,
    /// What it may ask for, in order, each once.
    pub scopes: BTreeSet<Scope>,
    /// Whom its tokens are for; at least one.
    pub audience: Vec<Audience>,
    /// When it was registered, seconds since the epoch.
    pub created_at: i64,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as the contract names it.
    pub field: String,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}", self.field, self.expected)
    }
}

/// A client that may be registered: every part is valid.
#[derive(Debug)]
pub struct Registration {
    /// `None` asks for a generated one.
    pub client_id: Option<ClientId>,
    /// What a person calls it.
    pub name: ClientName,
    /// What it may ask for.
    pub scopes: BTreeSet<Scope>,
    /// Whom its tokens are for; at least one.
    pub audience: Vec<Audience>,
    /// `None` asks for a generated one.
    pub secret: Option<ClientSecret>,
}

impl Registration {
    /// Checks all parts and says everything that is wrong, not only the first thing. An empty id or secret asks for a
    /// generated one; a scope or audience that is named twice counts once.
    ///
    /// # Errors
    /// One [`Invalid`] for each part that is not what it has to be.
    pub fn parse(
        client_id: &str,
        name: &str,
        scopes: &[String],
        audience: &[String],
        secret: ClientSecret,
    ) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Wrong::default();
        let client_id = match client_id {
            "" => None,
            text => wrong.unless("client_id", ClientId::EXPECTED, ClientId::parse(text)),
        };
        let name = wrong.unless("name", ClientName::EXPECTED, ClientName::parse(name));
        let scopes: Option<BTreeSet<_>> = wrong
            .each("scopes", Scope::EXPECTED, scopes, Scope::parse)
            .map(|scopes| scopes.into_iter().collect());
        let mut named = BTreeSet::new();
        let audience: Option<Vec<_>> = wrong
            .each("audience", Audience::EXPECTED, audience, Audience::parse)
            .map(|all| {
                all.into_iter()
                    .filter(|audience| named.insert(audience.clone()))
                    .collect()
            });
        if scopes.as_ref().is_some_and(|scopes| scopes.len() > MAX_SCOPES) {
            wrong.add("scopes", "at most 100 scopes");
        }
        if audience
            .as_ref()
            .is_some_and(|audience| audience.is_empty() || audience.len() > MAX_AUDIENCES)
        {
            wrong.add("audience", "1 to 20 audiences");
        }
        if !secret.is_empty() && !secret.is_acceptable() {
            wrong.add("client_secret", ClientSecret::EXPECTED);
        }
        let secret = (!secret.is_empty()).then_some(secret);
        match (name, scopes, audience) {
            (Some(name), Some(scopes), Some(audience)) if wrong.0.is_empty() => Ok(Self {
                client_id,
                name,
                scopes,
                audience,
                secret,
            }),
            _ => Err(wrong.0),
        }
    }
}

/// Gathers what is wrong.
#[derive(Default)]
struct Wrong(Vec<Invalid>);

impl Wrong {
    fn add(&mut self, field: impl Into<String>, expected: &'static str) {
        self.0.push(Invalid {
            field: field.into(),
            expected,
        });
    }

    fn unless<T>(
        &mut self,
        field: impl Into<String>,
        expected: &'static str,
        parsed: Option<T>,
    ) -> Option<T> {
        if parsed.is_none() {
            self.add(field, expected);
        }
        parsed
    }

    /// `None` when one or more of them is wrong.
    fn each<T>(
        &mut self,
        field: &str,
        expected: &'static str,
        values: &[String],
        parse: fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let parsed: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(n, value)| self.unless(format!("{field}[{n}]"), expected, parse(value)))
            .collect();
        parsed.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(wrong: &[Invalid]) -> Vec<&str> {
        wrong.iter().map(|invalid| invalid.field.as_str()).collect()
    }

    fn parse(
        id: &str,
        name: &str,
        scopes: &[&str],
        audience: &[&str],
        secret: &str,
    ) -> Result<Registration, Vec<Invalid>> {
        let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        Registration::parse(
            id,
            name,
            &owned(scopes),
            &owned(audience),
            ClientSecret::from(secret.to_owned()),
        )
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let wrong = parse("a b", "", &["fine", "not fine"], &[], "short").unwrap_err();
        assert_eq!(
            fields(&wrong),
            ["client_id", "name", "scopes[1]", "audience", "client_secret"]
        );
    }

    #[test]
    fn empty_id_and_secret_ask_for_generated_ones() {
        let registration = parse("", "Orders", &["b", "a", "b"], &["urn:x", "urn:x"], "").unwrap();
        assert_eq!(registration.client_id, None);
        assert!(registration.secret.is_none());
        assert_eq!(
            registration.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(registration.audience.len(), 1, "named twice counts once");
    }

    #[test]
    fn too_many_are_refused() {
        let many: Vec<String> = (0..101).map(|n| format!("s{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            fields(&parse("", "n", &many, &["urn:x"], "").unwrap_err()),
            ["scopes"]
        );
        assert_eq!(
            fields(&parse("", "n", &[], &many[..21], "").unwrap_err()),
            ["audience"]
        );
    }
}
