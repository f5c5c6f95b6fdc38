//! `alg` and `typ` of a header that is given as text: read as the parser that OPA uses for it (valyala/fastjson) reads
//! them, which takes the first of two members with one name.

use std::fmt;

use postern_rego::{BuiltinError, host};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::fail;

/// What is looked at.
pub(super) struct RawHeader {
    /// Or why there is none.
    pub(super) alg: Result<String, BuiltinError>,
    /// If it is a string.
    pub(super) typ: Option<String>,
}

/// Reads the header.
pub(super) fn read(text: &str) -> Result<RawHeader, BuiltinError> {
    let missing = |why: &str| BuiltinError::Lenient(format!("missing or invalid 'alg' header: {why}"));
    if text.is_empty() {
        return Err(missing("cannot parse JSON: cannot parse empty string"));
    }
    let not_found = "jwsbb: header \"alg\" not found";
    if !host::is_json(text) {
        // That parser takes any row of these for a number, and a number has no members.
        let number = text.trim_matches([' ', '\t', '\r', '\n']);
        if number
            .chars()
            .all(|c| matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E'))
        {
            return Err(missing(not_found));
        }
        return Err(missing("cannot parse JSON: cannot parse object"));
    }
    let members: Members = match serde_json::from_str(text) {
        Ok(members) => members,
        // JSON of another kind, or with half a surrogate in it.
        Err(_) if text.trim_start().starts_with('{') => {
            return Err(BuiltinError::Halt(
                "a header with half a surrogate pair, which is not supported".into(),
            ));
        }
        Err(_) => return Err(missing(not_found)),
    };
    Ok(RawHeader {
        alg: match members.alg {
            None => fail(format!("missing or invalid 'alg' header: {not_found}")),
            Some(Member::Text(alg)) => Ok(alg),
            Some(Member::Other) => fail("missing or invalid 'alg' header: value doesn't contain string"),
        },
        typ: match members.typ {
            Some(Member::Text(typ)) => Some(typ),
            Some(Member::Other) | None => None,
        },
    })
}

#[derive(Default)]
struct Members {
    alg: Option<Member>,
    typ: Option<Member>,
}

enum Member {
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;

        impl<'de> Visitor<'de> for First {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some(name) = map.next_key::<String>()? {
                    let place = match name.as_str() {
                        "alg" => &mut members.alg,
                        "typ" => &mut members.typ,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    let value = match map.next_value::<serde_json::Value>()? {
                        serde_json::Value::String(text) => Member::Text(text),
                        _ => Member::Other,
                    };
                    place.get_or_insert(value);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(First)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn alg(text: &str) -> Result<String, String> {
        read(text)
            .and_then(|header| header.alg)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_of_two_stands() {
        assert_eq!(alg(r#"{"alg": "HS256", "alg": "none"}"#).as_deref(), Ok("HS256"));
        assert_eq!(read(r#"{"typ": 1, "typ": "JWT"}"#).unwrap().typ, None);
        assert_eq!(
            alg(r#"{"a": {"alg": "HS256"}, "\u0061lg": "HS384"}"#).as_deref(),
            Ok("HS384")
        );
    }

    #[test]
    fn what_is_no_header_says_so_in_opas_words() {
        let missing = |text: &str, why: &str| {
            assert_eq!(
                alg(text),
                Err(format!("missing or invalid 'alg' header: {why}")),
                "{text}"
            );
        };
        missing("", "cannot parse JSON: cannot parse empty string");
        for text in ["{}", "e", "1", "[]", "null", "\"alg\""] {
            missing(text, "jwsbb: header \"alg\" not found");
        }
        assert!(alg("{\"alg\": 1}").is_err());
        assert!(alg("{\"alg:").unwrap_err().contains("cannot parse JSON"));
        assert!(alg(r#"{"alg": "\ud800"}"#).unwrap_err().contains("surrogate"));
    }
}
