//! What is wrong with a configuration, in one line that says where. Quotes keys and the words of enums, no other
//! values: they could be secrets.

use std::fmt;

use crate::document::MAX_CONFIG_BYTES;

/// One thing that is wrong with a configuration, and where. Displays as one line: `file:line: key: what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    line: Option<u64>,
    key_path: String,
    problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file can't be read; carries the operating system's reason.
    #[error("can't be read: {0}")]
    Unreadable(String),
    /// Longer than 1 MiB.
    #[error("longer than {MAX_CONFIG_BYTES} bytes, so hardly a configuration")]
    TooLarge,
    /// Not UTF-8.
    #[error("not UTF-8 text")]
    NotText,
    /// Nothing but white space and comments.
    #[error("empty; expected a map of keys")]
    Empty,
    /// Not YAML; carries the parser's reason.
    #[error("not YAML: {0}")]
    NotYaml(String),
    /// More than a configuration needs: too many or too deep values, or aliases that unfold into too much.
    #[error("{0}")]
    TooComplex(&'static str),
    /// A key that nothing reads.
    #[error("{0}")]
    UnknownKey(String),
    /// A key that must be there isn't.
    #[error("missing; this key is required")]
    Missing,
    /// The same key twice in one map.
    #[error("there twice; keep one of them")]
    Duplicate,
    /// A value of the wrong type or form; says what was expected.
    #[error("{0}")]
    Invalid(String),
}

impl ConfigError {
    pub(crate) fn new(file: &str, line: Option<u64>, key_path: String, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            line,
            key_path,
            problem,
        }
    }

    /// An error about a value that has the right type but not the right meaning, without a file to point into (where
    /// there is one, [`Document::invalid`](crate::Document::invalid) names it). `message` says what was expected.
    #[must_use]
    pub fn invalid(key_path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new("", None, key_path.into(), Problem::Invalid(message.into()))
    }

    /// The same, about a value in `file` (or in what stands for one, such as a flag) on `line`: for formats that
    /// [`Document`](crate::Document) doesn't read.
    #[must_use]
    pub fn at(
        file: &str,
        line: Option<u64>,
        key_path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(file, line, key_path.into(), Problem::Invalid(message.into()))
    }

    /// The name of the file, as it was given; empty when there is none.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1, when the error is about one.
    #[must_use]
    pub const fn line(&self) -> Option<u64> {
        self.line
    }

    /// The key, such as `issuers[0].audiences`; empty when the error is about the whole file.
    #[must_use]
    pub fn key_path(&self) -> &str {
        &self.key_path
    }

    /// What is wrong there.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if !self.file.is_empty() {
            text.push_str(&self.file);
            if let Some(line) = self.line {
                text.push_str(&format!(":{line}"));
            }
            text.push_str(": ");
        }
        if !self.key_path.is_empty() {
            text.push_str(&format!("{}: ", self.key_path));
        }
        text.push_str(&self.problem.to_string());
        // One line whatever a file name, a key or a parser says, and nothing that moves a terminal's cursor.
        text.chars().try_for_each(|c| {
            if c.is_control() {
                f.write_str(" ")
            } else {
                fmt::Write::write_char(f, c)
            }
        })
    }
}

impl std::error::Error for ConfigError {}
