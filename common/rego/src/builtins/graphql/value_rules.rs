//! The rules for values.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ast::{Definition, Kind, Type, TypeKind, Value};
use super::text::{type_text, value_text};
use super::walk::{Walked, Walker};
use super::{Fault, refused};

impl<'a> Walker<'a, '_> {
    pub(super) fn on_value(&mut self, value: &'a Value) -> Walked {
        let variable = value.found.variable.borrow().clone();
        if let (Kind::Variable, Some(operation), None) = (value.kind, self.operation, &variable) {
            let by = match operation.name.as_str() {
                "" => String::new(),
                name => format!(" by operation \"{name}\""),
            };
            let message = format!("Variable \"{}\" is not defined{by}.", value_text(value));
            self.error(value.pos, &message)?;
        }
        if value.kind == Kind::Object {
            let mut seen = BTreeSet::new();
            for child in value
                .children
                .iter()
                .filter(|child| !seen.insert(child.name.as_str()))
            {
                let message = format!("There can be only one input field named \"{}\".", child.name);
                self.error(child.pos, &message)?;
            }
        }
        let definition = value.found.definition.borrow().clone();
        let expected = value.found.expected.borrow().clone();
        if let (Some(definition), Some(expected)) = (&definition, &expected) {
            self.correct_type(value, definition, expected)?;
        }
        if let (Kind::Variable, Some(variable), Some(expected), Some(_)) =
            (value.kind, &variable, &expected, self.operation)
        {
            let default = variable.default.as_ref();
            let has_default = default.is_some_and(|default| default.kind != Kind::Null);
            let wants = expected.non_null && !has_default && !value.found.expected_has_default.get();
            if !variable.of.is_compatible(expected, wants) {
                self.error(
                    value.pos,
                    &format!(
                        "Variable \"{}\" of type \"{}\" used in position expecting type \"{}\".",
                        value_text(value),
                        type_text(&variable.of),
                        type_text(expected)
                    ),
                )?;
            }
        }
        match definition {
            Some(definition) if value.kind == Kind::Object && is_one_of(&definition) => {
                self.variables_of_one(value, &definition)
            }
            _ => Ok(()),
        }
    }

    fn variables_of_one(&mut self, value: &'a Value, definition: &Definition) -> Walked {
        for child in &value.children {
            let variable = child.value.found.variable.borrow().clone();
            let Some(variable) = variable.filter(|_| child.value.kind == Kind::Variable) else {
                continue;
            };
            if !variable.of.non_null {
                self.error(variable.pos.or(child.value.pos), &format!(
                    "Variable \"{}\" is of type \"{}\" but must be non-nullable to be used for OneOf Input Object \"{}\".",
                    value_text(&child.value),
                    type_text(&variable.of),
                    definition.name
                ))?;
            }
        }
        Ok(())
    }

    fn correct_type(&mut self, value: &'a Value, definition: &Rc<Definition>, expected: &Type) -> Walked {
        if value.kind == Kind::Null && expected.non_null {
            let (wanted, found) = (type_text(expected), value_text(value));
            self.error(
                value.pos,
                &format!("Expected value of type \"{wanted}\", found {found}."),
            )?;
        }
        let is = |names: &[&str]| names.contains(&definition.name.as_str());
        if definition.kind == TypeKind::Scalar && !is(&["Int", "Float", "String", "Boolean", "ID"]) {
            return Ok(());
        }
        if self.has_no_value(value)? {
            self.unexpected(value, definition, expected)?;
        }
        let is_enum = definition.kind == TypeKind::Enum;
        match value.kind {
            Kind::List if expected.elem.is_none() => self.unexpected(value, definition, expected),
            Kind::Int if !is(&["Int", "Float", "ID"]) => self.unexpected(value, definition, expected),
            Kind::Float if !is(&["Float"]) => self.unexpected(value, definition, expected),
            Kind::Boolean if !is(&["Boolean"]) => self.unexpected(value, definition, expected),
            Kind::String | Kind::Block if is_enum => {
                let (wanted, found) = (type_text(expected), value_text(value));
                let message = format!("Enum \"{wanted}\" cannot represent non-enum value: {found}.");
                self.error(value.pos, &message)
            }
            Kind::String | Kind::Block if !is(&["String", "ID"]) => {
                self.unexpected(value, definition, expected)
            }
            Kind::Enum if !is_enum => self.unexpected(value, definition, expected),
            Kind::Enum if definition.values.iter().all(|known| known.name != value.raw) => {
                let wanted = type_text(expected);
                let message = format!(
                    "Value \"{}\" does not exist in \"{wanted}\" enum.",
                    value_text(value)
                );
                self.error(value.pos, &message)
            }
            Kind::Object => self.correct_fields(value, definition),
            _ => Ok(()),
        }
    }

    fn correct_fields(&mut self, value: &'a Value, definition: &Definition) -> Walked {
        self.context
            .spend(definition.fields.len().saturating_mul(value.children.len()))?;
        let name = &definition.name;
        for field in definition
            .fields
            .iter()
            .filter(|field| field.of.non_null && field.default.is_none())
        {
            if value.child(&field.name).is_none() {
                self.error(
                    value.pos,
                    &format!(
                        "Field \"{name}.{}\" of required type \"{}\" was not provided.",
                        field.name,
                        type_text(&field.of)
                    ),
                )?;
            }
        }
        for _ in definition
            .directives
            .iter()
            .filter(|directive| directive.name == "oneOf")
        {
            match value.children.as_slice() {
                [only] if only.value.kind == Kind::Null => {
                    let first = definition.fields.first().map(|field| field.name.as_str());
                    let message = format!("Field \"{name}.{}\" must be non-null.", first.unwrap_or_default());
                    self.error(only.value.pos, &message)?;
                }
                [_] => {}
                _ => {
                    let message = format!("OneOf Input Object \"{name}\" must specify exactly one key.");
                    self.error(value.pos, &message)?;
                }
            }
        }
        for child in &value.children {
            if definition.field(&child.name).is_none() {
                let message = format!("Field \"{}\" is not defined by type \"{name}\".", child.name);
                self.error(child.pos, &message)?;
            }
        }
        Ok(())
    }

    /// Whether a number within can't be held. Recurses as deep as values nest.
    fn has_no_value(&mut self, value: &Value) -> Result<bool, Fault> {
        Ok(match value.kind {
            Kind::Variable => {
                let variable = value.found.variable.borrow().clone();
                match variable.as_ref().and_then(|variable| variable.default.as_ref()) {
                    Some(default) => self.deeper(|walker| walker.has_no_value(default))?,
                    None => false,
                }
            }
            Kind::Int => value.raw.parse::<i64>().is_err(),
            Kind::Float => match value.raw.parse::<f64>() {
                Ok(float) => float.is_infinite(),
                Err(_) => return Err(refused("a float that isn't one")),
            },
            Kind::List | Kind::Object => {
                let mut found = false;
                for child in &value.children {
                    found = found || self.deeper(|walker| walker.has_no_value(&child.value))?;
                }
                found
            }
            Kind::String | Kind::Block | Kind::Boolean | Kind::Null | Kind::Enum => false,
        })
    }

    fn unexpected(&mut self, value: &Value, definition: &Definition, expected: &Type) -> Walked {
        let (wanted, found) = (type_text(expected), value_text(value));
        let message = match wanted.as_str() {
            "Int" | "Int!" if is_out_of_range(&value.raw) => {
                format!("Int cannot represent non 32-bit signed integer value: {found}")
            }
            "Int" | "Int!" => format!("Int cannot represent non-integer value: {found}"),
            "String" | "String!" | "[String]" => {
                format!("String cannot represent a non string value: {found}")
            }
            "Boolean" | "Boolean!" => format!("Boolean cannot represent a non boolean value: {found}"),
            "Float" | "Float!" => format!("Float cannot represent non numeric value: {found}"),
            "ID" | "ID!" => format!("ID cannot represent a non-string and non-integer value: {found}"),
            _ if definition.kind == TypeKind::Enum => {
                format!("Enum \"{wanted}\" cannot represent non-enum value: {found}.")
            }
            _ => format!("Expected value of type \"{wanted}\", found {found}."),
        };
        self.error(value.pos, &message)
    }
}

fn is_one_of(definition: &Definition) -> bool {
    definition
        .directives
        .iter()
        .any(|directive| directive.name == "oneOf")
}

/// An integer, but not of 32 bits.
fn is_out_of_range(raw: &str) -> bool {
    let digits = raw.strip_prefix(['-', '+']).unwrap_or(raw);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && raw.parse::<i32>().is_err()
}
