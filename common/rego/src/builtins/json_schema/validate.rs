//! A document against a schema: what is wrong with it, and by how much, since the nearest of several schemas is told.

use super::compile::{Dependency, Id, Part, Schema};
use super::numbers::is_integer;
use super::{BuiltinError, Context, MAX_DEPTH, too_deep};
use crate::value::Value;

/// What is wrong at a place.
pub(super) struct Error {
    /// gojsonschema's name for it.
    pub(super) kind: &'static str,
    pub(super) field: String,
    pub(super) text: String,
}

/// What is wrong, and how much was right.
#[derive(Default)]
pub(super) struct Found {
    pub(super) errors: Vec<Error>,
    pub(super) score: i64,
}

impl Found {
    pub(super) fn add(&mut self, kind: &'static str, at: &str, text: impl Into<String>) {
        self.errors.push(Error {
            kind,
            field: field(at).to_owned(),
            text: text.into(),
        });
        self.score -= 2;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

/// A place without the root.
pub(super) fn field(at: &str) -> &str {
    at.strip_prefix("(Root).").unwrap_or(at)
}

pub(super) type Checked = Result<(), BuiltinError>;

pub(super) fn validate(
    context: &mut Context<'_>,
    schema: &Schema,
    document: &Value,
) -> Result<Vec<Error>, BuiltinError> {
    let mut validator = Validator {
        context,
        schema,
        depth: 0,
    };
    Ok(validator.found(0, document, "(Root)")?.errors)
}

pub(super) struct Validator<'a, 'c> {
    pub(super) context: &'a mut Context<'c>,
    schema: &'a Schema,
    depth: usize,
}

impl<'a> Validator<'a, '_> {
    /// What is wrong by one part of the schema alone.
    pub(super) fn found(&mut self, id: Id, value: &Value, at: &str) -> Result<Found, BuiltinError> {
        let mut found = Found::default();
        self.check(id, value, &mut found, at)?;
        Ok(found)
    }

    pub(super) fn part(&self, id: Id) -> Option<&'a Part> {
        self.schema.parts.get(id)
    }

    pub(super) fn check(&mut self, id: Id, value: &Value, found: &mut Found, at: &str) -> Checked {
        self.context.spend(at.len().saturating_add(64))?;
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let checked = self.check_here(id, value, found, at);
        self.depth -= 1;
        checked
    }

    fn check_here(&mut self, id: Id, value: &Value, found: &mut Found, at: &str) -> Checked {
        let Some(part) = self.part(id) else { return Ok(()) };
        if let Some(pass) = part.pass {
            if !pass {
                found.add("false", at, "False always fails validation");
            }
            return Ok(());
        }
        if let Some(reference) = part.reference {
            return self.check(reference, value, found, at);
        }
        let given = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if is_integer(number)? => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) | Value::Set(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = |of: &String| of == given || (given == "integer" && of == "number");
        if !part.types.is_empty() && !part.types.iter().any(fits) {
            let expected = match part.types.as_slice() {
                [one] => one.clone(),
                types => format!("[{}]", types.join(",")),
            };
            let text = format!("Invalid type. Expected: {expected}, given: {given}");
            found.add("invalid_type", at, text);
            return Ok(());
        }
        self.combinations(part, value, found, at)?;
        match value {
            Value::Null => self.common(part, value, found, at)?,
            Value::Array(items) => {
                self.array(part, items.as_slice(), found, at)?;
                self.common(part, value, found, at)?;
            }
            Value::Object(object) => {
                self.object(part, object, found, at)?;
                self.common(part, value, found, at)?;
                for id in &part.properties {
                    let Some(property) = self.part(*id) else { continue };
                    if let Some(value) = object.get_str(&property.property) {
                        self.check(*id, value, found, &format!("{at}.{}", property.property))?;
                    }
                }
            }
            _ => {
                if let Value::Number(number) = value {
                    self.number(part, number, found, at)?;
                }
                self.common(part, value, found, at)?;
                if let Value::String(text) = value {
                    self.string(part, text, found, at)?;
                }
            }
        }
        found.score += 1;
        Ok(())
    }

    fn combinations(&mut self, part: &'a Part, value: &Value, found: &mut Found, at: &str) -> Checked {
        if !part.any_of.is_empty() {
            let (valid, best) = self.nearest(&part.any_of, value, at, true)?;
            if valid == 0 {
                found.add("number_any_of", at, "Must validate at least one schema (anyOf)");
                best.into_iter().for_each(|best| found.merge(best));
            }
        }
        if !part.one_of.is_empty() {
            let (valid, best) = self.nearest(&part.one_of, value, at, false)?;
            if valid != 1 {
                found.add(
                    "number_one_of",
                    at,
                    "Must validate one and only one schema (oneOf)",
                );
                if valid == 0 {
                    best.into_iter().for_each(|best| found.merge(best));
                }
            }
        }
        if !part.all_of.is_empty() {
            let mut all = true;
            for id in &part.all_of {
                let one = self.found(*id, value, at)?;
                all = all && one.is_valid();
                found.merge(one);
            }
            if !all {
                found.add("number_all_of", at, "Must validate all the schemas (allOf)");
            }
        }
        if let Some(not) = part.not
            && self.found(not, value, at)?.is_valid()
        {
            found.add("number_not", at, "Must not validate the schema (not)");
        }
        self.dependencies(part, value, found, at)?;
        self.condition(part, value, found, at)?;
        found.score += 1;
        Ok(())
    }

    /// How many of the schemas it fits, and what is wrong by the nearest of those before the first that it fits.
    fn nearest(
        &mut self,
        ids: &[Id],
        value: &Value,
        at: &str,
        one_will_do: bool,
    ) -> Result<(usize, Option<Found>), BuiltinError> {
        let (mut valid, mut best) = (0, None);
        for id in ids {
            let one = self.found(*id, value, at)?;
            if one.is_valid() {
                valid += 1;
                if one_will_do {
                    break;
                }
            } else if valid == 0 && best.as_ref().is_none_or(|best: &Found| one.score > best.score) {
                best = Some(one);
            }
        }
        Ok((valid, best))
    }

    fn dependencies(&mut self, part: &'a Part, value: &Value, found: &mut Found, at: &str) -> Checked {
        let Value::Object(object) = value else {
            return Ok(());
        };
        for (name, dependency) in &part.dependencies {
            if object.get_str(name).is_none() {
                continue;
            }
            match dependency {
                Dependency::Keys(keys) => {
                    for key in keys.iter().filter(|key| object.get_str(key).is_none()) {
                        found.add("missing_dependency", at, format!("Has a dependency on {key}"));
                    }
                }
                Dependency::Part(id) => self.check(*id, value, found, at)?,
            }
        }
        Ok(())
    }

    fn condition(&mut self, part: &'a Part, value: &Value, found: &mut Found, at: &str) -> Checked {
        let Some(condition) = part.condition else {
            return Ok(());
        };
        let holds = self.found(condition, value, at)?.is_valid();
        let (then, kind, text) = if holds {
            (
                part.then,
                "condition_then",
                "Must validate \"then\" as \"if\" was valid",
            )
        } else {
            (
                part.otherwise,
                "condition_else",
                "Must validate \"else\" as \"if\" was not valid",
            )
        };
        if let Some(then) = then {
            let then = self.found(then, value, at)?;
            if !then.is_valid() {
                found.add(kind, at, text);
                found.merge(then);
            }
        }
        Ok(())
    }
}
