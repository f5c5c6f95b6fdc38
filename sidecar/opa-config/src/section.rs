//! A map of the configuration, read key by key as Go reads JSON: keys without regard to case, nothing for `null`, and
//! never a number where text is due.

use postern_config::ConfigError;
use secrecy::SecretString;

use crate::tree::{Node, Place, Value, whole};

/// A map, or the lack of one, and its key.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    entries: &'a [(String, Node)],
    at: &'a Place,
    path: String,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(crate) fn root(node: &'a Node) -> Self {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        Self {
            entries,
            at: &node.at,
            path: String::new(),
        }
    }

    /// What `node`, which stands at `path`, says.
    pub(crate) fn of(node: &'a Node, path: String) -> Result<Self, ConfigError> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            other => {
                return Err(node
                    .at
                    .error(path, format!("expected a map, got {}", other.described())));
            }
        };
        Ok(Self {
            entries,
            at: &node.at,
            path,
        })
    }

    /// The key of `key` in here, from the root.
    pub(crate) fn key(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value at `key`. Of spellings that differ in case the last in the alphabet holds, since Go sorts them; at the
    /// root only the one counts that it is written with here.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        let is_root = self.path.is_empty();
        let is_same = |name: &str| {
            if is_root {
                name == key
            } else {
                name.eq_ignore_ascii_case(key)
            }
        };
        let same = self.entries.iter().filter(|(name, _)| is_same(name));
        let (_, node) = same.max_by(|(a, _), (b, _)| a.cmp(b))?;
        Some(node)
    }

    fn present(&self, key: &str) -> Option<&'a Node> {
        self.node(key).filter(|node| !matches!(node.value, Value::Null))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.present(key).is_some()
    }

    /// An error about the value at `key`.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        let at = self.node(key).map_or(self.at, |node| &node.at);
        at.error(self.key(key), message)
    }

    /// An error about the map itself.
    pub(crate) fn error_here(&self, message: impl Into<String>) -> ConfigError {
        self.at.error(self.path.clone(), message)
    }

    fn wrong(&self, key: &str, expected: &str, got: &Node) -> ConfigError {
        let hint = match (&got.value, expected) {
            (Value::Flag(_) | Value::Number(_), "a string") => "; put it in quotes",
            _ => "",
        };
        self.error(
            key,
            format!("expected {expected}, got {}{hint}", got.value.described()),
        )
    }

    /// Text, which may be empty.
    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        self.present(key)
            .map(|node| match &node.value {
                Value::Text { text, .. } => Ok(text.clone()),
                _ => Err(self.wrong(key, "a string", node)),
            })
            .transpose()
    }

    /// Text, where Go doesn't tell an empty one from none.
    pub(crate) fn word(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn secret(&self, key: &str) -> Result<Option<SecretString>, ConfigError> {
        Ok(self.word(key)?.map(SecretString::from))
    }

    pub(crate) fn flag(&self, key: &str) -> Result<bool, ConfigError> {
        match self.present(key) {
            None => Ok(false),
            Some(node) => match &node.value {
                Value::Flag(flag)
                | Value::Text {
                    spelled: Some(flag), ..
                } => Ok(*flag),
                _ => Err(self.wrong(key, "true or false", node)),
            },
        }
    }

    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, ConfigError> {
        self.present(key)
            .map(|node| match &node.value {
                Value::Number(number) => {
                    whole(*number).ok_or_else(|| self.wrong(key, "a whole number", node))
                }
                _ => Err(self.wrong(key, "a whole number", node)),
            })
            .transpose()
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        self.present(key)
            .map(|node| match &node.value {
                Value::Number(number) => Ok(*number),
                _ => Err(self.wrong(key, "a number", node)),
            })
            .transpose()
    }

    fn list(&self, key: &str) -> Result<Option<&'a [Node]>, ConfigError> {
        self.present(key)
            .map(|node| match &node.value {
                Value::List(items) => Ok(items.as_slice()),
                _ => Err(self.wrong(key, "a list", node)),
            })
            .transpose()
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let items = self.list(key)?.unwrap_or_default().iter();
        items
            .map(|node| match &node.value {
                Value::Text { text, .. } => Ok(text.clone()),
                _ => Err(self.wrong(key, "a list of strings", node)),
            })
            .collect()
    }

    pub(crate) fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, ConfigError> {
        let number = |node: &Node| match &node.value {
            Value::Number(number) => Ok(*number),
            _ => Err(self.wrong(key, "a list of numbers", node)),
        };
        let items = self.list(key)?;
        items.map(|items| items.iter().map(number).collect()).transpose()
    }

    /// The map at `key`; one without keys if there is none.
    pub(crate) fn section(&self, key: &str) -> Result<Self, ConfigError> {
        match self.node(key) {
            Some(node) => Self::of(node, self.key(key)),
            None => Ok(Self {
                entries: &[],
                at: self.at,
                path: self.key(key),
            }),
        }
    }

    /// The map at `key`, if there is one.
    pub(crate) fn optional(&self, key: &str) -> Result<Option<Self>, ConfigError> {
        if self.has(key) {
            self.section(key).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The values in here, by their keys.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> {
        self.entries.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// The maps in here, by their keys; what is `null` is passed over.
    pub(crate) fn sections(&self) -> Result<Vec<(&'a str, Self)>, ConfigError> {
        let there = self
            .entries()
            .filter(|(_, node)| !matches!(node.value, Value::Null));
        there
            .map(|(name, node)| Ok((name, Self::of(node, self.key(name))?)))
            .collect()
    }

    /// The texts at `key`, by their keys.
    pub(crate) fn text_map(&self, key: &str) -> Result<Vec<(String, String)>, ConfigError> {
        let section = self.section(key)?;
        let names: Vec<&str> = section.entries().map(|(name, _)| name).collect();
        names
            .into_iter()
            .map(|name| {
                let node = section.entries().find(|(other, _)| *other == name);
                match node.map(|(_, node)| (&node.value, node)) {
                    Some((Value::Text { text, .. }, _)) => Ok((name.to_owned(), text.clone())),
                    Some((Value::Null, _)) | None => Ok((name.to_owned(), String::new())),
                    Some((_, node)) => Err(section.wrong(name, "a string", node)),
                }
            })
            .collect()
    }
}
