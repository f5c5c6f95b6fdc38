//! The texts that a client is made of: what characters each may have, and how many.

use std::fmt;

/// Declares a text type with one way in.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What [`Self::parse`] takes, in words.
            pub const EXPECTED: &str = $expected;

            /// The text, if it is valid.
            pub fn parse(text: &str) -> Option<Self> {
                let valid: fn(&str) -> bool = $valid;
                valid(text).then(|| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text! {
    /// `client_id` (RFC 6749 §2.2), of the characters that need no escaping in a URL (RFC 3986 §2.3).
    ClientId,
    "1 to 128 characters of `A-Z a-z 0-9 - . _ ~`",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    }
}

text! {
    /// What a person calls a client.
    ClientName,
    "1 to 128 characters, none of them a control character",
    |text| (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

text! {
    /// A `scope-token` (RFC 6749 §3.3), at most 128 characters long.
    Scope,
    "1 to 128 printable ASCII characters without space, `\"` and `\\` (RFC 6749 §3.3)",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    }
}

text! {
    /// An `aud` value: a `StringOrURI` (RFC 7519 §2) of printable ASCII, at most 512 characters long.
    Audience,
    "1 to 512 printable ASCII characters without space, a URI as a rule",
    |text| (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

text! {
    /// The part of an API key that may be shown.
    ApiKeyId,
    "16 characters of `0-9 a-z`",
    |text| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

text! {
    /// What a person calls an API key.
    ApiKeyName,
    "1 to 128 characters, none of them a control character",
    |text| (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

text! {
    /// Whom an API key stands for; it becomes a header, as a token's `sub` does.
    Subject,
    "1 to 128 characters, none of them a control character",
    |text| (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_takes_what_its_grammar_has_and_nothing_else() {
        let long = |length| "x".repeat(length);
        for (text, valid) in [
            ("reader", true),
            ("a-._~9", true),
            ("", false),
            ("a b", false),
            ("é", false),
            ("a/b", false),
        ] {
            assert_eq!(ClientId::parse(text).is_some(), valid, "client_id {text:?}");
        }
        for (text, valid) in [
            ("orders:read", true),
            ("!#[]~", true),
            ("", false),
            ("a b", false),
            ("a\"", false),
            ("a\\", false),
            ("é", false),
        ] {
            assert_eq!(Scope::parse(text).is_some(), valid, "scope {text:?}");
        }
        for (text, valid) in [("Bestellungen für 2", true), ("", false), ("a\nb", false)] {
            assert_eq!(ClientName::parse(text).is_some(), valid, "name {text:?}");
        }
        for (text, valid) in [
            ("urn:postern:demo", true),
            ("https://a.example/b?c", true),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(Audience::parse(text).is_some(), valid, "audience {text:?}");
        }
        assert!(ClientId::parse(&long(128)).is_some() && ClientId::parse(&long(129)).is_none());
        assert!(Scope::parse(&long(128)).is_some() && Scope::parse(&long(129)).is_none());
        assert!(ClientName::parse(&long(128)).is_some() && ClientName::parse(&long(129)).is_none());
        assert!(Audience::parse(&long(512)).is_some() && Audience::parse(&long(513)).is_none());
    }
}
