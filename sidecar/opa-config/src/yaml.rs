//! YAML (or JSON, which is YAML) into a tree, as OPA reads it: of two equal keys the last holds, of several documents the
//! first. Never more than a bounded number of values.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_config::ConfigError;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Tag};

use crate::notice::NotHonoured;
use crate::scalar::plain;
use crate::substitute::Substituted;
use crate::tree::{MAX_DEPTH, MAX_NODES, Node, Place, Value, entry, put};

/// What a document says, and what in it doesn't hold.
pub(crate) struct Read {
    pub(crate) root: Option<Node>,
    pub(crate) notices: Vec<NotHonoured>,
}

/// A list or map that isn't at its end.
struct Open {
    at: Place,
    anchor: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map {
        entries: Vec<(String, Node)>,
        merged: Vec<Node>,
        key: Option<(String, Place)>,
    },
}

struct Reader<'a> {
    source: Arc<str>,
    substituted: &'a Substituted,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    notices: Vec<NotHonoured>,
}

/// Reads the document `name`.
pub(crate) fn read(name: &str, substituted: &Substituted) -> Result<Read, ConfigError> {
    let mut reader = Reader {
        source: name.into(),
        substituted,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        root: None,
        notices: Vec::new(),
    };
    let mut documents = 0;
    for event in Parser::new_from_str(&substituted.text) {
        let (event, span) = event.map_err(|error| {
            let place = reader.place(error.marker().line());
            place.error("", format!("not YAML: {}", error.info()))
        })?;
        let at = reader.place(span.start.line());
        match event {
            Event::DocumentStart(..) => documents += 1,
            // What comes after the first document must be YAML, and means nothing.
            _ if documents > 1 => {}
            event => reader.event(event, at)?,
        }
    }
    if documents > 1 {
        let why = "there is more than one document; the first holds, as in OPA";
        reader
            .notices
            .push(NotHonoured::new("---", Place::new(name, None), why));
    }
    Ok(Read {
        root: reader.root,
        notices: reader.notices,
    })
}

impl Reader<'_> {
    fn place(&self, line: usize) -> Place {
        Place {
            source: Arc::clone(&self.source),
            line: Some(self.substituted.origin(u64::try_from(line).unwrap_or(1))),
        }
    }

    fn event(&mut self, event: Event<'_>, at: Place) -> Result<(), ConfigError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.add(anchor, Node { at, value })
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = node.clone();
                    self.add(0, node)
                }
                None => Err(at.error("", "an alias inside of what it stands for; write the value out")),
            },
            Event::SequenceStart(_, anchor, _) => self.start(at, anchor, Parts::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let parts = Parts::Map {
                    entries: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.start(at, anchor, parts)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn start(&mut self, at: Place, anchor: usize, parts: Parts) -> Result<(), ConfigError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(at.error(
                "",
                format!("more than {MAX_DEPTH} levels of lists and maps, so hardly a configuration"),
            ));
        }
        if let Some(Open {
            parts: Parts::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            return Err(at.error("", "a key must be a single value"));
        }
        self.open.push(Open { at, anchor, parts });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ConfigError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.parts {
            Parts::List(items) => Value::List(items),
            Parts::Map {
                mut entries, merged, ..
            } => {
                for node in &merged {
                    merge_in(&mut entries, node).map_err(|message| node.at.error("<<", message))?;
                }
                Value::Map(entries)
            }
        };
        self.add(open.anchor, Node { at: open.at, value })
    }

    /// Puts a whole value where it belongs.
    fn add(&mut self, anchor: usize, mut node: Node) -> Result<(), ConfigError> {
        // A list or map counts its parts again, so that aliases to aliases are bounded, too.
        self.nodes = self.nodes.saturating_add(node.size());
        if self.nodes > MAX_NODES * 4 {
            return Err(node.at.error(
                "",
                format!("more than {MAX_NODES} values, so hardly a configuration"),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.parts) {
            None => self.root = Some(node),
            Some(Parts::List(items)) => items.push(node),
            Some(Parts::Map { entries, merged, key }) => match key.take() {
                None => *key = Some((self::key(&node)?, node.at)),
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((name, at)) => {
                    if entry(entries, &name).is_some() {
                        let why = "this key is there twice; the last one holds, as in OPA";
                        self.notices.push(NotHonoured::new(&name, at.clone(), why));
                    }
                    node.at = at;
                    put(entries, name, node);
                }
            },
        }
        Ok(())
    }
}

/// A key as JSON has it: a number is written as Go writes it.
fn key(node: &Node) -> Result<String, ConfigError> {
    match &node.value {
        Value::Text { text, .. } => Ok(text.clone()),
        Value::Flag(_) | Value::Number(_) => Ok(node.json().to_string()),
        _ => Err(node.at.error("", "a key must be text; put it in quotes")),
    }
}

/// What `<<` brings: a map, or several of which the first wins; what is written out wins over all.
fn merge_in(entries: &mut Vec<(String, Node)>, node: &Node) -> Result<(), &'static str> {
    let add = |entries: &mut Vec<(String, Node)>, from: &[(String, Node)]| {
        for (name, node) in from {
            if entry(entries, name).is_none() {
                entries.push((name.clone(), node.clone()));
            }
        }
    };
    match &node.value {
        Value::Map(from) => add(entries, from),
        Value::List(maps) => {
            for map in maps {
                match &map.value {
                    Value::Map(from) => add(entries, from),
                    _ => return Err("expected a map, or a list of maps"),
                }
            }
        }
        _ => return Err("expected a map, or a list of maps"),
    }
    Ok(())
}

/// A tag says what a word is, whatever it looks like.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    match tag.map(Tag::suffix) {
        Some("int" | "float" | "bool" | "null") => plain(text),
        Some("str") => Value::text(text),
        _ if style != ScalarStyle::Plain => Value::text(text),
        _ => plain(text),
    }
}
