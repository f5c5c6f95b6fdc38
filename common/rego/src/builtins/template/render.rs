//! A template's text for some data.

use super::parse::{Block, Kind, Node, Path};
use super::{BuiltinError, Context, fail, refused};
use crate::value::Value;

/// How long a text may become, in bytes.
const MAX_LENGTH: usize = 64 << 20;

/// What an action comes to.
#[derive(Clone, Copy)]
enum Item<'a> {
    /// A member that isn't there.
    Missing,
    Value(&'a Value),
    /// The place of an element in an array.
    Place(usize),
}

impl Item<'_> {
    fn is_true(self) -> bool {
        match self {
            Self::Missing | Self::Value(Value::Null) => false,
            // A number is text to Go, and so is 0.
            Self::Value(Value::Number(_)) => true,
            Self::Value(Value::Bool(flag)) => *flag,
            Self::Value(other) => other.length().is_some_and(|length| length > 0),
            Self::Place(place) => place > 0,
        }
    }
}

pub(super) fn render(
    context: &mut Context<'_>,
    nodes: &[Node],
    data: &Value,
) -> Result<String, BuiltinError> {
    let mut renderer = Renderer {
        context,
        variables: vec![("", Item::Value(data))],
        out: String::new(),
    };
    renderer.nodes(nodes, Item::Value(data))?;
    Ok(renderer.out)
}

struct Renderer<'a, 'c> {
    context: &'a mut Context<'c>,
    variables: Vec<(&'a str, Item<'a>)>,
    out: String,
}

impl<'a> Renderer<'a, '_> {
    /// Recurses as deep as actions nest, which the parser bounds.
    fn nodes(&mut self, nodes: &'a [Node], dot: Item<'a>) -> Result<(), BuiltinError> {
        let known = self.variables.len();
        for node in nodes {
            self.context.spend(16)?;
            match node {
                Node::Text(text) => self.push(text)?,
                Node::Show(path) => {
                    let item = self.item(path, dot)?;
                    self.show(item)?;
                }
                Node::Set(name, path) => {
                    let item = self.item(path, dot)?;
                    self.variables.push((name, item));
                }
                Node::Block(block) => self.block(block, dot)?,
            }
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn block(&mut self, block: &'a Block, dot: Item<'a>) -> Result<(), BuiltinError> {
        let item = self.item(&block.path, dot)?;
        match &block.kind {
            Kind::If | Kind::With(_) if !item.is_true() => self.nodes(&block.otherwise, dot),
            Kind::If => self.nodes(&block.body, dot),
            Kind::With(name) => {
                let known = self.variables.len();
                self.variables.extend(name.as_deref().map(|name| (name, item)));
                self.nodes(&block.body, item)?;
                self.variables.truncate(known);
                Ok(())
            }
            Kind::Range(names) => self.range(block, names, item, dot),
        }
    }

    fn range(
        &mut self,
        block: &'a Block,
        names: &'a [String],
        item: Item<'a>,
        dot: Item<'a>,
    ) -> Result<(), BuiltinError> {
        if let Item::Value(value) = item {
            self.context.make(value.length().unwrap_or(0))?;
        }
        let elements: Vec<(Item<'a>, &'a Value)> = match item {
            Item::Missing | Item::Value(Value::Null) => Vec::new(),
            Item::Value(Value::Array(array)) => {
                let places = array.iter().enumerate();
                places.map(|(place, value)| (Item::Place(place), value)).collect()
            }
            Item::Value(Value::Object(object)) => object
                .iter()
                .map(|(key, value)| (Item::Value(key), value))
                .collect(),
            Item::Value(_) | Item::Place(_) => return Err(refused("`range` over what has no elements")),
        };
        if elements.is_empty() {
            return self.nodes(&block.otherwise, dot);
        }
        let known = self.variables.len();
        for (place, element) in elements {
            let element = Item::Value(element);
            match names {
                [name] => self.variables.push((name, element)),
                [first, second] => self
                    .variables
                    .extend([(first.as_str(), place), (second.as_str(), element)]),
                _ => {}
            }
            self.nodes(&block.body, element)?;
            self.variables.truncate(known);
        }
        Ok(())
    }

    fn item(&self, path: &Path, dot: Item<'a>) -> Result<Item<'a>, BuiltinError> {
        let mut item = match &path.variable {
            None => dot,
            Some(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found
                    .map(|(_, item)| *item)
                    .ok_or_else(|| refused("a variable that isn't set"))?
            }
        };
        for field in &path.fields {
            item = match item {
                Item::Missing => Item::Missing,
                Item::Value(Value::Object(object)) => {
                    object.get_str(field).map_or(Item::Missing, Item::Value)
                }
                Item::Value(Value::Null) => {
                    return fail(format!("nil pointer evaluating interface {{}}.{field}"));
                }
                Item::Value(_) | Item::Place(_) => return fail(format!("can't evaluate field {field}")),
            };
        }
        Ok(item)
    }

    fn show(&mut self, item: Item<'a>) -> Result<(), BuiltinError> {
        match item {
            Item::Missing | Item::Value(Value::Null) => self.push("<no value>"),
            Item::Place(place) => self.push(&place.to_string()),
            Item::Value(value) => self.value(value),
        }
    }

    /// As Go's fmt prints it. Recurses as deep as the value nests, which values bound.
    fn value(&mut self, value: &Value) -> Result<(), BuiltinError> {
        match value {
            Value::Null => self.push("<nil>"),
            Value::Bool(flag) => self.push(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.push(&number.as_str()),
            Value::String(text) => self.push(text),
            Value::Array(array) => {
                self.push("[")?;
                for (at, element) in array.iter().enumerate() {
                    self.push(if at > 0 { " " } else { "" })?;
                    self.value(element)?;
                }
                self.push("]")
            }
            Value::Object(object) => {
                self.push("map[")?;
                for (at, (key, element)) in object.iter().enumerate() {
                    self.push(if at > 0 { " " } else { "" })?;
                    self.value(key)?;
                    self.push(":")?;
                    self.value(element)?;
                }
                self.push("]")
            }
            Value::Set(_) => Err(refused("a set")),
        }
    }

    fn push(&mut self, text: &str) -> Result<(), BuiltinError> {
        self.context.spend(text.len().saturating_add(4))?;
        if self.out.len().saturating_add(text.len()) > MAX_LENGTH {
            return Err(refused("text of more than 64 MiB"));
        }
        self.context.room(self.out.len().saturating_add(text.len()))?;
        self.out.push_str(text);
        Ok(())
    }
}
