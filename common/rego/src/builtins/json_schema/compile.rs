//! A schema made ready: its parts in one list, which refer to each other by their place in it.

use std::collections::BTreeMap;

use super::references::{self, DRAFT_4, DRAFT_6, DRAFT_7, HYBRID};
use super::{Context, Fault, MAX_DEPTH, too_deep, wrong};
use crate::number::Number;
use crate::value::{Object, Value};

/// A part of a schema, by its place.
pub(super) type Id = usize;

pub(super) struct Schema {
    pub(super) parts: Vec<Part>,
}

/// What a keyword says of all that others don't name.
#[derive(Clone, Copy, Default)]
pub(super) enum Rest {
    #[default]
    Anything,
    Flag(bool),
    Part(Id),
}

pub(super) enum Dependency {
    Keys(Vec<String>),
    Part(Id),
}

/// A part of a schema: each keyword that it has.
#[derive(Default)]
pub(super) struct Part {
    pub(super) property: String,
    pub(super) pass: Option<bool>,
    pub(super) types: Vec<String>,
    pub(super) reference: Option<Id>,
    pub(super) properties: Vec<Id>,
    pub(super) additional_properties: Rest,
    pub(super) pattern_properties: Vec<(String, Id)>,
    pub(super) property_names: Option<Id>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
    pub(super) items: Vec<Id>,
    pub(super) items_are_alike: bool,
    pub(super) additional_items: Rest,
    pub(super) multiple_of: Option<Number>,
    pub(super) minimum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_maximum: Option<Number>,
    pub(super) min_length: Option<i64>,
    pub(super) max_length: Option<i64>,
    pub(super) pattern: Option<String>,
    pub(super) format: String,
    pub(super) min_properties: Option<i64>,
    pub(super) max_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) min_items: Option<i64>,
    pub(super) max_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) contains: Option<Id>,
    pub(super) constant: Option<String>,
    pub(super) any: Option<Vec<String>>,
    pub(super) one_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) not: Option<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
}

pub(super) struct Compiler<'a, 'c> {
    pub(super) context: &'a mut Context<'c>,
    root: &'a Value,
    pub(super) draft: u32,
    parts: Vec<Part>,
    /// What each reference that was met leads to.
    known: BTreeMap<String, Id>,
    depth: usize,
}

pub(super) fn compile(context: &mut Context<'_>, schema: &Value) -> Result<Schema, Fault> {
    let draft = references::draft(schema)?;
    references::check_ids(schema, true)?;
    let mut compiler = Compiler {
        context,
        root: schema,
        draft,
        parts: Vec::new(),
        known: BTreeMap::new(),
        depth: 0,
    };
    compiler.part(schema, "(Root)")?;
    Ok(Schema {
        parts: compiler.parts,
    })
}

pub(super) fn invalid_type<T>(expected: &str, given: &str) -> Result<T, Fault> {
    wrong(format!("Invalid type. Expected: {expected}, given: {given}"))
}

impl<'a> Compiler<'a, '_> {
    pub(super) fn is_at_least(&self, draft: u32) -> bool {
        self.draft >= draft
    }

    /// Compiles a part; its place is known before its contents are, since they may refer to it.
    pub(super) fn part(&mut self, schema: &'a Value, property: &str) -> Result<Id, Fault> {
        let id = self.reserve(property);
        self.fill(id, schema)?;
        Ok(id)
    }

    fn reserve(&mut self, property: &str) -> Id {
        self.parts.push(Part {
            property: property.to_owned(),
            ..Part::default()
        });
        self.parts.len() - 1
    }

    fn fill(&mut self, id: Id, schema: &'a Value) -> Result<(), Fault> {
        self.context.spend(256)?;
        if self.depth >= MAX_DEPTH {
            return Err(Fault::Stop(too_deep()));
        }
        self.depth += 1;
        let mut part = Part::default();
        let filled = self.read(&mut part, schema);
        self.depth -= 1;
        filled?;
        if let Some(place) = self.parts.get_mut(id) {
            part.property.clone_from(&place.property);
            *place = part;
        }
        Ok(())
    }

    fn read(&mut self, part: &mut Part, schema: &'a Value) -> Result<(), Fault> {
        let object = match schema {
            Value::Bool(pass) if self.is_at_least(DRAFT_6) => {
                part.pass = Some(*pass);
                return Ok(());
            }
            Value::Object(object) => object,
            _ => return wrong("Expected: Valid Schema, given: Invalid JSON"),
        };
        let key = match self.draft {
            DRAFT_4 => "id",
            HYBRID if object.get_str("id").is_some() => "id",
            _ => "$id",
        };
        text(object, key)?;
        match object.get_str("definitions") {
            None => {}
            Some(Value::Object(definitions)) => {
                for definition in definitions.values() {
                    if !matches!(definition, Value::Bool(_) | Value::Object(_)) {
                        return invalid_type("Array Of Schemas", "definitions");
                    }
                    self.part(definition, "definitions")?;
                }
            }
            Some(_) => return invalid_type("Array Of Schemas", "definitions"),
        }
        text(object, "title")?;
        text(object, "description")?;
        if let Some(reference) = text(object, "$ref")? {
            match self.known.get(reference) {
                Some(id) => part.reference = Some(*id),
                // What stands beside it isn't looked at.
                None => {
                    part.reference = Some(self.reference(reference)?);
                    return Ok(());
                }
            }
        }
        self.types(part, object)?;
        self.properties(part, object)?;
        self.items(part, object)?;
        self.numbers(part, object)?;
        self.strings(part, object)?;
        self.objects(part, object)?;
        self.arrays(part, object)?;
        self.values(part, object)?;
        self.combinations(part, object)
    }

    fn reference(&mut self, reference: &str) -> Result<Id, Fault> {
        let id = self.reserve("$ref");
        self.known.insert(reference.to_owned(), id);
        let root = self.root;
        let schema = references::resolve(root, reference)?;
        if !matches!(schema, Value::Bool(_) | Value::Object(_)) {
            return wrong("Valid Schema must be of type object");
        }
        self.fill(id, schema)?;
        Ok(id)
    }

    fn combinations(&mut self, part: &mut Part, object: &'a Object) -> Result<(), Fault> {
        part.one_of = self.all(object, "oneOf")?;
        part.any_of = self.all(object, "anyOf")?;
        part.all_of = self.all(object, "allOf")?;
        part.not = self.one(object, "not")?;
        if self.is_at_least(DRAFT_7) {
            part.condition = self.one(object, "if")?;
            part.then = self.one(object, "then")?;
            part.otherwise = self.one(object, "else")?;
        }
        Ok(())
    }

    fn all(&mut self, object: &'a Object, key: &str) -> Result<Vec<Id>, Fault> {
        let mut ids = Vec::new();
        for schema in list(object, key)?.unwrap_or_default() {
            ids.push(self.part(schema, key)?);
        }
        Ok(ids)
    }

    fn one(&mut self, object: &'a Object, key: &str) -> Result<Option<Id>, Fault> {
        match object.get_str(key) {
            None => Ok(None),
            Some(schema @ (Value::Bool(_) | Value::Object(_))) => Ok(Some(self.part(schema, key)?)),
            Some(_) => wrong(format!("{key} must be of an object")),
        }
    }
}

/// A member that is text, if there is one.
pub(super) fn text<'a>(object: &'a Object, key: &str) -> Result<Option<&'a str>, Fault> {
    match object.get_str(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => invalid_type("string", key),
    }
}

/// A member that is an array, if there is one.
pub(super) fn list<'a>(object: &'a Object, key: &str) -> Result<Option<&'a [Value]>, Fault> {
    match object.get_str(key) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.as_slice())),
        Some(_) => wrong(format!("{key} must be of an array")),
    }
}
