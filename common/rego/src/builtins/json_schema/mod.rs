//! `json.match_schema` and `json.verify_schema`: JSON Schema of drafts 4, 6 and 7 as gojsonschema has it, with its words.
//! Schemas that refer to others are refused: nothing is fetched here. Where gojsonschema goes through a map in no
//! particular order, the order here is that of the keys.

mod compile;
mod formats;
mod keywords;
mod numbers;
mod references;
#[cfg(test)]
mod tests;
mod validate;
mod validate_parts;

use super::operands::any;
use super::{Answer, BuiltinError, Context, answer, fail, json, table};
use crate::value::{Object, Value};

/// How deep a schema may nest and lead from one part to the next.
const MAX_DEPTH: usize = 200;

/// Why there is no schema.
#[derive(Debug)]
enum Fault {
    /// With gojsonschema's text.
    Wrong(String),
    /// The evaluation can't go on.
    Stop(BuiltinError),
}

impl From<BuiltinError> for Fault {
    fn from(error: BuiltinError) -> Self {
        match error {
            BuiltinError::Lenient(text) => Self::Wrong(text),
            other => Self::Stop(other),
        }
    }
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(text.into()))
}

fn refused(what: &str) -> BuiltinError {
    BuiltinError::Halt(format!("{what} is refused"))
}

fn too_deep() -> BuiltinError {
    refused(&format!("a JSON schema that nests deeper than {MAX_DEPTH}"))
}

pub(super) fn verify(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let compiled =
        document(context, any(operands, 1)?).and_then(|schema| compile::compile(context, &schema).map(drop));
    match compiled {
        Ok(()) => answer(vec![Value::Bool(true), Value::Null]),
        Err(Fault::Wrong(text)) => answer(vec![
            Value::Bool(false),
            Value::from(format!("jsonschema: {text}")),
        ]),
        Err(Fault::Stop(error)) => Err(error),
    }
}

pub(super) fn matches(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let found = document(context, any(operands, 1)?).and_then(|document| {
        let schema = self::document(context, any(operands, 2)?)?;
        let schema = compile::compile(context, &schema)?;
        Ok(validate::validate(context, &schema, &document)?)
    });
    let errors = match found {
        Ok(errors) => errors,
        Err(Fault::Wrong(text)) => return fail(text),
        Err(Fault::Stop(error)) => return Err(error),
    };
    let is_valid = errors.is_empty();
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|error| {
            let shown = format!("{}: {}", error.field, error.text);
            let members = [
                ("error", shown),
                ("type", error.kind.to_owned()),
                ("field", error.field),
                ("desc", error.text),
            ];
            Value::Object(
                members
                    .into_iter()
                    .map(|(name, text)| (Value::from(name), Value::from(text)))
                    .collect::<Object>(),
            )
        })
        .collect();
    answer(vec![Value::Bool(is_valid), Value::from(errors)])
}

/// A document or schema, which comes as JSON text or as a value; as JSON has it, without sets.
fn document(context: &mut Context<'_>, value: &Value) -> Result<Value, Fault> {
    context.spend_on_all(value)?;
    match value {
        Value::String(text) => match json::read(context, text) {
            Err(BuiltinError::Lenient(_)) => wrong("invalid JSON string"),
            parsed => Ok(parsed?),
        },
        Value::Object(_) | Value::Array(_) => {
            let text = json::marshal_text(context, value)?;
            Ok(json::read(context, &text)?)
        }
        _ => wrong("wrong type, expected string or object"),
    }
}

/// Asks the builtin of regular expressions, which is the one that policies have.
fn matches_pattern(context: &mut Context<'_>, pattern: &str, text: &str) -> Result<bool, BuiltinError> {
    let operands = [Value::from(pattern), Value::from(text)];
    asked(context, "regex.match", &operands)
}

fn is_pattern(context: &mut Context<'_>, pattern: &str) -> Result<bool, BuiltinError> {
    asked(context, "regex.is_valid", &[Value::from(pattern)])
}

fn asked(context: &mut Context<'_>, builtin: &str, operands: &[Value]) -> Result<bool, BuiltinError> {
    let Some(function) = table::lookup(builtin) else {
        return Err(refused("a JSON schema with a regular expression"));
    };
    match function(context, operands)? {
        Some(Value::Bool(answer)) => Ok(answer),
        _ => Err(refused("a regular expression without an answer")),
    }
}
