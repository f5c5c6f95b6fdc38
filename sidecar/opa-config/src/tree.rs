//! A configuration as a tree whose every value knows where it was written. Never shown: it may hold secrets.

use std::fmt;
use std::sync::Arc;

use postern_config::ConfigError;
use serde_json::{Map, Number, Value as Json};

/// Most values in a configuration, aliases unfolded.
pub(crate) const MAX_NODES: usize = 20_000;
/// Most levels of lists and maps.
pub(crate) const MAX_DEPTH: usize = 32;

/// Where something was written: in a file, or in a flag that stands for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named, or the flag.
    pub source: Arc<str>,
    /// The line, from 1, where there are lines.
    pub line: Option<u64>,
}

impl Place {
    pub(crate) fn new(source: &str, line: Option<u64>) -> Self {
        Self {
            source: source.into(),
            line,
        }
    }

    pub(crate) fn error(&self, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.source, self.line, key, message)
    }
}

/// One value and where its key stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) value: Value,
}

impl fmt::Debug for Node {
    /// Without the value, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What JSON has, which is what OPA makes of YAML. Numbers are what Go makes of them there.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Number(f64),
    /// `spelled`: the boolean that YAML 1.1, which the plugin's OPA reads, sees in this unquoted word (`yes`, `off`).
    Text {
        text: String,
        spelled: Option<bool>,
    },
    List(Vec<Node>),
    /// In the order of writing, each key once.
    Map(Vec<(String, Node)>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            spelled: None,
        }
    }

    pub(crate) const fn described(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text { .. } => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// How many values stand in it, itself included.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
            _ => 0,
        }
    }

    /// The value as JSON.
    pub(crate) fn json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Flag(flag) => Json::Bool(*flag),
            Value::Number(number) => self::number(*number),
            Value::Text { text, .. } => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.clone(), node.json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

/// A whole number is written as one, as Go does it.
fn number(number: f64) -> Json {
    match whole(number) {
        Some(whole) => Json::Number(whole.into()),
        None => Number::from_f64(number).map_or(Json::Null, Json::Number),
    }
}

/// `number` as a whole one, when it is one that 64 bits hold.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked: whole, and within 63 bits"
)]
pub(crate) fn whole(number: f64) -> Option<i64> {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-EDGE..EDGE).contains(&number)).then_some(number as i64)
}

/// The entry `key` of `entries`.
pub(crate) fn entry<'a>(entries: &'a [(String, Node)], key: &str) -> Option<&'a Node> {
    entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
}

/// Puts `node` at `key`, in place of what was there.
pub(crate) fn put(entries: &mut Vec<(String, Node)>, key: String, node: Node) {
    match entries.iter_mut().find(|(name, _)| *name == key) {
        Some((_, there)) => *there = node,
        None => entries.push((key, node)),
    }
}

/// Lays `over` on `base`: maps are merged, whatever else is replaced.
pub(crate) fn merge(base: &mut Vec<(String, Node)>, over: Vec<(String, Node)>) {
    for (key, node) in over {
        let there = base.iter_mut().find(|(name, _)| *name == key);
        match (there, node) {
            (
                Some((
                    _,
                    Node {
                        value: Value::Map(below),
                        ..
                    },
                )),
                Node {
                    value: Value::Map(above),
                    ..
                },
            ) => merge(below, above),
            (Some((_, below)), node) => *below = node,
            (None, node) => base.push((key, node)),
        }
    }
}
