//! Where each key of a YAML document stands and what kind of value it has. Keeps no values.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle};

use crate::error::Problem;

/// Most values in one file.
const MAX_NODES: usize = 20_000;
/// Most levels of lists and maps.
const MAX_DEPTH: usize = 32;
/// Most aliases (`*name`) in one file.
const MAX_ALIASES: usize = 256;

/// What kind of value stands somewhere, as a person would call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    Boolean,
    Number,
    Text,
    List,
    Map,
    Alias,
}

impl Kind {
    pub(crate) const fn described(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Alias => "an alias",
        }
    }

    fn of_scalar(text: &str, style: ScalarStyle) -> Self {
        match text {
            _ if style != ScalarStyle::Plain => Self::Text,
            "" | "~" | "null" | "Null" | "NULL" => Self::Nothing,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Boolean,
            _ if text.parse::<f64>().is_ok() => Self::Number,
            _ => Self::Text,
        }
    }
}

/// One value: the line of its key (of itself, in a list), from 1, and its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) line: u64,
    pub(crate) kind: Kind,
}

/// Every value of a document by its path; list items by their index.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    nodes: BTreeMap<Vec<String>, Node>,
}

/// A list or map that is being read.
enum Open {
    List {
        path: Vec<String>,
        next: usize,
    },
    Map {
        path: Vec<String>,
        key: Option<(String, u64)>,
    },
}

/// What is wrong, and on which line.
pub(crate) type Refused = (Option<u64>, Problem);

impl Layout {
    /// Reads the layout of the first document in `text`.
    pub(crate) fn read(text: &str) -> Result<Self, Refused> {
        let mut layout = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut aliases = 0_usize;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                (
                    line(error.marker().line()),
                    Problem::NotYaml(error.info().clone()),
                )
            })?;
            let at = line(span.start.line());
            let kind = match &event {
                Event::Scalar(value, style, ..) => Kind::of_scalar(value, *style),
                Event::SequenceStart(..) => Kind::List,
                Event::MappingStart(..) => Kind::Map,
                Event::Alias(_) => Kind::Alias,
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    continue;
                }
                Event::DocumentEnd => break,
                _ => continue,
            };
            aliases += usize::from(kind == Kind::Alias);
            if aliases > MAX_ALIASES || layout.nodes.len() >= MAX_NODES || open.len() >= MAX_DEPTH {
                let limits = "more than 20000 values, 32 levels or 256 aliases, so hardly a configuration";
                return Err((at, Problem::TooComplex(limits)));
            }
            let Some((path, line)) = place(&mut open, &event, at)? else {
                continue;
            };
            match kind {
                Kind::List => open.push(Open::List {
                    path: path.clone(),
                    next: 0,
                }),
                Kind::Map => open.push(Open::Map {
                    path: path.clone(),
                    key: None,
                }),
                _ => {}
            }
            // The first of two keys stays; reading the document refuses the second.
            layout.nodes.entry(path).or_insert(Node { line, kind });
        }
        Ok(layout)
    }

    pub(crate) fn node(&self, path: &[String]) -> Option<Node> {
        self.nodes.get(path).copied()
    }

    /// The line of the deepest part of `path` that is there.
    pub(crate) fn nearest_line(&self, path: &[String]) -> Option<u64> {
        let mut path = path;
        loop {
            if let Some(node) = self.node(path) {
                return Some(node.line);
            }
            (_, path) = path.split_last()?;
        }
    }

    /// `path` as people write it: `issuers[0].audiences`.
    pub(crate) fn written(&self, path: &[String]) -> String {
        let mut written = String::new();
        for (depth, part) in path.iter().enumerate() {
            let parent = path.get(..depth).and_then(|parent| self.node(parent));
            if parent.is_some_and(|parent| parent.kind == Kind::List) {
                written.push_str(&format!("[{part}]"));
            } else {
                let dot = if written.is_empty() { "" } else { "." };
                written.push_str(&format!("{dot}{part}"));
            }
        }
        written
    }
}

/// The path and line of the value that `event` starts, or `None` when it is a key.
fn place(
    open: &mut [Open],
    event: &Event<'_>,
    at: Option<u64>,
) -> Result<Option<(Vec<String>, u64)>, Refused> {
    let here = at.unwrap_or(1);
    match open.last_mut() {
        None => Ok(Some((Vec::new(), here))),
        Some(Open::List { path, next }) => {
            let mut path = path.clone();
            path.push(next.to_string());
            *next += 1;
            Ok(Some((path, here)))
        }
        Some(Open::Map { path, key }) => match (key.take(), event) {
            (Some((name, line)), _) => {
                let mut path = path.clone();
                path.push(name);
                Ok(Some((path, line)))
            }
            (None, Event::Scalar(name, ..)) => {
                *key = Some((name.to_string(), here));
                Ok(None)
            }
            (None, _) => Err((at, Problem::NotYaml("a key must be text".to_owned()))),
        },
    }
}

fn line(number: usize) -> Option<u64> {
    u64::try_from(number).ok()
}
