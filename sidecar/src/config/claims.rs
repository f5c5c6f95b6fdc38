//! Claims that must be there: a list of names, or a map from names to the values that will do.

use std::fmt;
use std::sync::Arc;

use postern_decide::routes::RequiredClaim;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// `[tenant]`, or `{ tenant: [acme, beta], email_verified: [true] }`; an empty list of values, or none, means any.
#[derive(Debug, Clone, Default)]
pub struct RequiredClaims(pub(crate) Arc<[RequiredClaim]>);

/// A value that a claim may have.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl From<Scalar> for postern_rego::Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Bool(flag) => Self::from(flag),
            Scalar::Integer(number) => Self::from(serde_json::Value::from(number)),
            Scalar::Text(text) => Self::from(text.as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for RequiredClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Claims)
    }
}

struct Claims;

impl<'de> Visitor<'de> for Claims {
    type Value = RequiredClaims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "a list of claims, or a map from claims to lists of strings, whole numbers and booleans",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<RequiredClaims, A::Error> {
        let mut claims = Vec::new();
        while let Some(name) = names.next_element::<String>()? {
            claims.push(claim(name, Vec::new()));
        }
        Ok(RequiredClaims(claims.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RequiredClaims, A::Error> {
        let mut claims = Vec::new();
        while let Some((name, values)) = map.next_entry::<String, Option<Vec<Scalar>>>()? {
            claims.push(claim(name, values.unwrap_or_default()));
        }
        Ok(RequiredClaims(claims.into()))
    }
}

fn claim(name: String, values: Vec<Scalar>) -> RequiredClaim {
    RequiredClaim {
        name: name.into(),
        one_of: values.into_iter().map(Into::into).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        claims: RequiredClaims,
    }

    fn check(yaml: &str, expected: Result<&[(&str, &str)], &str>) {
        let read = postern_config::parse::<Holder>("test.yaml", yaml);
        match (read, expected) {
            (Ok(read), Ok(expected)) => {
                let read: Vec<(String, String)> = read
                    .claims
                    .0
                    .iter()
                    .map(|claim| {
                        let values: Vec<_> = claim.one_of.iter().map(postern_rego::Value::to_json).collect();
                        (claim.name.to_string(), values.join(" "))
                    })
                    .collect();
                let read: Vec<_> = read.iter().map(|(name, values)| (&**name, &**values)).collect();
                assert_eq!(read, expected, "{yaml}");
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{yaml}: {error}");
            }
            (read, _) => panic!("{yaml}: {:?}", read.err()),
        }
    }

    #[test]
    fn names_alone_mean_any_value() {
        check("claims: [tenant, sid]", Ok(&[("tenant", ""), ("sid", "")]));
        check(
            "claims: { tenant: , sid: [] }",
            Ok(&[("tenant", ""), ("sid", "")]),
        );
        check("claims: []", Ok(&[]));
    }

    #[test]
    fn values_keep_their_types() {
        check(
            "claims: { tenant: [acme, beta], verified: [true], level: [2, '2'] }",
            Ok(&[
                ("tenant", r#""acme" "beta""#),
                ("verified", "true"),
                ("level", r#"2 "2""#),
            ]),
        );
    }

    #[test]
    fn anything_else_is_refused() {
        check("claims: tenant", Err("claims: expected a list of claims"));
        check("claims: { tenant: acme }", Err("claims.tenant: expected a list"));
        check("claims: { tenant: [[a]] }", Err("claims.tenant[0]"));
    }
}
