//! The fields of one statement, gathered before its kind takes what it needs. A field that is missing or of another
//! shape is named in the error.

use std::sync::Arc;

use super::read::{blocks, integer, nested_block};
use super::{Block, Location, Operand};
use crate::json::{JsonError, Kind, Reader};

/// A field's value, in any of the shapes that statements use.
pub(super) enum Field {
    /// A local, an index or a number.
    Int(i64),
    Operand(Operand),
    Text(Arc<str>),
    List(Vec<Field>),
    Block(Block),
    Blocks(Vec<Block>),
    /// Of a shape that no statement uses.
    Other,
}

/// All fields of a statement but the unknown ones, which are passed over.
#[derive(Default)]
pub(super) struct Fields {
    named: Vec<(&'static str, Field)>,
    pub(super) location: Location,
}

/// How many fields most statements have.
const USUAL: usize = 4;

/// A field that some statement has, by its name. Asked for each field of a plan: what most have comes first.
fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "source" => "source",
        "target" => "target",
        "key" => "key",
        "a" => "a",
        "b" => "b",
        "value" => "value",
        "block" => "block",
        "blocks" => "blocks",
        "local" => "local",
        "func" => "func",
        "args" => "args",
        "result" => "result",
        "path" => "path",
        "object" => "object",
        "array" => "array",
        "set" => "set",
        "index" => "index",
        "Index" => "Index",
        "capacity" => "capacity",
        _ => return None,
    })
}

impl Fields {
    pub(super) fn read(reader: &mut Reader<'_>, nesting: usize) -> Result<Self, JsonError> {
        let mut fields = Fields {
            named: Vec::with_capacity(USUAL),
            ..Fields::default()
        };
        reader.begin_object()?;
        while let Some(key) = reader.next_key()? {
            if fields.read_location(&key, reader)? {
                continue;
            }
            let (name, field) = match known(&key) {
                None => {
                    reader.skip()?;
                    continue;
                }
                // Go writes an empty list as null.
                Some(_) if reader.peek()? == Kind::Null => {
                    reader.null()?;
                    continue;
                }
                Some("block") => ("block", Field::Block(nested_block(reader, nesting)?)),
                Some("blocks") => ("blocks", Field::Blocks(blocks(reader, nesting)?)),
                Some(name) => (name, field(reader)?),
            };
            fields.named.push((name, field));
        }
        Ok(fields)
    }

    /// Takes a member of the location; says whether it was one.
    fn read_location(&mut self, key: &str, reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        match key {
            "file" => self.location.file = integer(reader)?,
            "row" => self.location.row = u32::try_from(integer(reader)?).unwrap_or(0),
            "col" => self.location.column = u32::try_from(integer(reader)?).unwrap_or(0),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Adds a field, unless there is one of that name already.
    pub(super) fn add(&mut self, name: &'static str, field: Field) -> bool {
        let is_new = self.named.iter().all(|(own, _)| *own != name);
        if is_new {
            self.named.push((name, field));
        }
        is_new
    }

    /// Adds to a list, which begins with its first items.
    pub(super) fn extend(&mut self, name: &'static str, more: impl IntoIterator<Item = Field>) {
        match self.named.iter_mut().find(|(own, _)| *own == name) {
            Some((_, Field::List(items))) => items.extend(more),
            _ => self.named.push((name, Field::List(more.into_iter().collect()))),
        }
    }

    /// Adds to the list of blocks.
    pub(super) fn add_block(&mut self, block: Block) {
        match self.named.iter_mut().find(|(own, _)| *own == "blocks") {
            Some((_, Field::Blocks(blocks))) => blocks.push(block),
            _ => self.named.push(("blocks", Field::Blocks(vec![block]))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Field> {
        let at = self.named.iter().position(|(own, _)| *own == name)?;
        Some(self.named.swap_remove(at).1)
    }

    /// A local, an index or a number.
    pub(super) fn int(&mut self, name: &str) -> Result<i64, String> {
        match self.take(name) {
            Some(Field::Int(int)) => Ok(int),
            _ => Err(format!("expected an integer in `{name}`")),
        }
    }

    pub(super) fn operand(&mut self, name: &str) -> Result<Operand, String> {
        match self.take(name) {
            Some(Field::Operand(operand)) => Ok(operand),
            _ => Err(format!("expected an operand in `{name}`")),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Arc<str>, String> {
        match self.take(name) {
            Some(Field::Text(text)) => Ok(text),
            _ => Err(format!("expected a string in `{name}`")),
        }
    }

    pub(super) fn ints(&mut self, name: &str) -> Result<Vec<i64>, String> {
        self.list(name, |field| match field {
            Field::Int(int) => Some(int),
            _ => None,
        })
    }

    pub(super) fn operands(&mut self, name: &str) -> Result<Vec<Operand>, String> {
        self.list(name, |field| match field {
            Field::Operand(operand) => Some(operand),
            _ => None,
        })
    }

    fn list<T>(&mut self, name: &str, item: impl Fn(Field) -> Option<T>) -> Result<Vec<T>, String> {
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Field::List(items)) => items.into_iter().map(item).collect(),
            Some(_) => None,
        };
        items.ok_or_else(|| format!("expected a list of another kind in `{name}`"))
    }

    pub(super) fn block(&mut self) -> Result<Block, String> {
        match self.take("block") {
            Some(Field::Block(block)) => Ok(block),
            _ => Err("expected a block in `block`".to_owned()),
        }
    }

    pub(super) fn blocks(&mut self) -> Vec<Block> {
        match self.take("blocks") {
            Some(Field::Blocks(blocks)) => blocks,
            _ => Vec::new(),
        }
    }
}

fn field(reader: &mut Reader<'_>) -> Result<Field, JsonError> {
    match reader.peek()? {
        Kind::Number => integer(reader).map(Field::Int),
        Kind::String => reader.string().map(|text| Field::Text(text.into())),
        Kind::Object => operand(reader).map(Field::Operand),
        Kind::Array => {
            reader.begin_array()?;
            let mut items = Vec::new();
            while reader.next_item()? {
                items.push(match reader.peek()? {
                    Kind::Object => Field::Operand(operand(reader)?),
                    _ => Field::Int(integer(reader)?),
                });
            }
            Ok(Field::List(items))
        }
        Kind::Null | Kind::Bool => reader.skip().map(|()| Field::Other),
    }
}

/// `{"type": "local", "value": 3}`, its members in either order.
fn operand(reader: &mut Reader<'_>) -> Result<Operand, JsonError> {
    let mut kind = None;
    let mut int = None;
    let mut flag = None;
    reader.begin_object()?;
    while let Some(key) = reader.next_key()? {
        match (key.as_ref(), reader.peek()?) {
            ("type", _) => kind = Some(reader.string()?),
            ("value", Kind::Bool) => flag = Some(reader.bool()?),
            ("value", _) => int = Some(integer(reader)?),
            _ => reader.skip()?,
        }
    }
    match (kind.as_deref(), int, flag) {
        (Some("local"), Some(local), None) => Ok(Operand::Local(local)),
        (Some("string_index"), Some(index), None) => Ok(Operand::String(index)),
        (Some("bool"), None, Some(flag)) => Ok(Operand::Bool(flag)),
        _ => {
            Err(reader.error("expected an operand: a `type` of local, string_index or bool, and its `value`"))
        }
    }
}
