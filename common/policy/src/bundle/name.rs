//! What bundles are called where they are served: one rule for whoever names one and whoever serves it. Bundle servers of
//! others may have another.

use std::fmt;
use std::sync::Arc;

/// The name of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleName(Arc<str>);

impl BundleName {
    /// What [`BundleName::parse`] takes, in words.
    pub const EXPECTED: &str = "1 to 128 characters of `a-z 0-9 - _ .`, the first a letter or digit";

    /// The name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let valid = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| plain(&byte) || b"-_.".contains(&byte))
            && text.as_bytes().first().is_some_and(plain);
        valid.then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BundleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_enough_for_paths_and_logs() {
        for (text, valid) in [
            ("demo", true),
            ("0-a_b.c", true),
            ("", false),
            (".hidden", false),
            ("-x", false),
            ("Demo", false),
            ("a/b", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(BundleName::parse(text).is_some(), valid, "{text:?}");
        }
        assert!(BundleName::parse(&"x".repeat(128)).is_some());
        assert!(BundleName::parse(&"x".repeat(129)).is_none());
    }
}
