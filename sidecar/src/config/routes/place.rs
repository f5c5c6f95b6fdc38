//! Where in the file a route stands, for what is wrong with it. Judges nothing.

use postern_config::{ConfigError, Document};

use crate::config::{each, within};

/// A route that is being checked.
pub(super) struct Place<'a> {
    pub(super) document: &'a Document,
    pub(super) index: &'a str,
}

impl Place<'_> {
    pub(super) fn key<'k>(&'k self, key: &[&'k str]) -> Vec<&'k str> {
        [&["routes", self.index], key].concat()
    }

    pub(super) fn invalid(&self, key: &[&str], message: impl Into<String>) -> ConfigError {
        self.document.invalid(&self.key(key), message)
    }

    pub(super) fn within(&self, key: &[&str], value: u64, least: u64, most: u64) -> Result<u32, ConfigError> {
        let value = within(self.document, &self.key(key), value, least, most)?;
        u32::try_from(value).map_err(|_| self.invalid(key, "too large"))
    }

    pub(super) fn each<T, E: ToString>(
        &self,
        key: &[&str],
        texts: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, ConfigError> {
        each(self.document, &self.key(key), texts, read)
    }
}
