//! `graphql.*`: what gqlparser v2 makes of queries and schemas, which is what OPA answers with. Texts that nest deeper
//! than [`MAX_DEPTH`] are refused; so are documents given as objects in a form that parsing doesn't come to.

mod ast;
mod check;
mod check_implements;
mod check_types;
mod definitions;
mod fragment_rules;
mod lexer;
mod overlap;
mod parser;
mod query;
mod read;
mod read_schema;
mod rules;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod value_rules;
mod walk;
mod write;

use super::operands::{any, string, wrong_type};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Object, Value};

use ast::{Pos, QueryDocument, SchemaDocument};
use check::Schema;

/// How deep selections, values and types may nest, and fragments lead to each other.
const MAX_DEPTH: usize = 150;

/// Why there is no document, or it isn't valid.
#[derive(Debug)]
enum Fault {
    /// With gqlparser's text.
    Wrong(String),
    /// The evaluation can't go on.
    Stop(BuiltinError),
}

impl Fault {
    /// What is wrong at a place; one that nothing is known of is shown as gqlparser shows it.
    fn at(pos: Option<Pos>, message: &str) -> Self {
        let (line, column) = pos.map_or((-1, -1), |pos| (pos.line, pos.column));
        let file = if pos.is_some_and(|pos| pos.prelude) {
            "prelude.graphql"
        } else {
            "input"
        };
        Self::Wrong(format!("{file}:{line}:{column}: {message}"))
    }
}

impl From<BuiltinError> for Fault {
    fn from(error: BuiltinError) -> Self {
        Self::Stop(error)
    }
}

fn too_deep() -> Fault {
    refused(&format!("GraphQL that nests deeper than {MAX_DEPTH}"))
}

fn refused(what: &str) -> Fault {
    Fault::Stop(BuiltinError::Halt(format!("{what} is refused")))
}

pub(super) fn parse_query(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    match query_of_text(context, text) {
        Ok(query) => written(context, write::query(&query)),
        Err(fault) => failed(fault, at_place),
    }
}

pub(super) fn parse_schema(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    match schema_of_text(context, text) {
        Ok(schema) => written(context, write::schema(&schema)),
        Err(fault) => failed(fault, at_place),
    }
}

pub(super) fn schema_is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    verdict(valid_schema(context, operands))
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    verdict(valid(context, operands))
}

pub(super) fn parse(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    match parsed(context, operands) {
        Ok((query, schema)) => answer(vec![query, schema]),
        Err((fault, text)) => failed(fault, text),
    }
}

pub(super) fn parse_and_verify(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    match parsed(context, operands) {
        Ok((query, schema)) => answer(vec![Value::Bool(true), query, schema]),
        Err((Fault::Stop(error @ (BuiltinError::Halt(_) | BuiltinError::Exhausted(_))), _)) => Err(error),
        Err(_) => {
            let nothing = || Value::Object(Object::default());
            answer(vec![Value::Bool(false), nothing(), nothing()])
        }
    }
}

type Text = fn(&str) -> String;

/// Both documents as values, once they are found valid. In OPA's order, which decides what error comes first.
fn parsed(context: &mut Context<'_>, operands: &[Value]) -> Result<(Value, Value), (Fault, Text)> {
    let query = query(context, operands).map_err(|fault| (fault, at_place as Text))?;
    let schema = schema_document(context, operands).map_err(|fault| (fault, at_place as Text))?;
    let shown = [write::query(&query), write::schema(&schema)];
    let schema = checked(context, schema).map_err(|fault| (fault, conversion as Text))?;
    walk::validate(context, &schema, &query).map_err(|fault| (fault, at_place as Text))?;
    let [query, schema] = shown;
    Ok((query, schema))
}

fn valid(context: &mut Context<'_>, operands: &[Value]) -> Result<(), Fault> {
    let query = query(context, operands)?;
    let schema = schema_document(context, operands)?;
    let schema = checked(context, schema)?;
    walk::validate(context, &schema, &query)
}

fn valid_schema(context: &mut Context<'_>, operands: &[Value]) -> Result<(), Fault> {
    let schema = document(context, any(operands, 1)?, 0)?;
    checked(context, schema).map(drop)
}

fn query(context: &mut Context<'_>, operands: &[Value]) -> Result<QueryDocument, Fault> {
    match any(operands, 1)? {
        Value::String(text) => query_of_text(context, text),
        Value::Object(object) => {
            context.spend_on_all(any(operands, 1)?)?;
            read::query(object)
        }
        // OPA counts from 0 here.
        other => Ok(wrong_type(0, other, &["string", "object"])?),
    }
}

fn schema_document(context: &mut Context<'_>, operands: &[Value]) -> Result<SchemaDocument, Fault> {
    document(context, any(operands, 2)?, 1)
}

fn document(context: &mut Context<'_>, value: &Value, position: usize) -> Result<SchemaDocument, Fault> {
    match value {
        Value::String(text) => schema_of_text(context, text),
        Value::Object(object) => {
            context.spend_on_all(value)?;
            read_schema::schema(object)
        }
        other => Ok(wrong_type(position, other, &["string", "object"])?),
    }
}

fn query_of_text(context: &mut Context<'_>, text: &str) -> Result<QueryDocument, Fault> {
    context.spend(text.len().saturating_mul(4))?;
    // What is read, and the value that is made of it, with its names.
    context.build(text.len().saturating_mul(64))?;
    query::parse(text)
}

fn schema_of_text(context: &mut Context<'_>, text: &str) -> Result<SchemaDocument, Fault> {
    context.spend(text.len().saturating_mul(4))?;
    // What is read, and the value that is made of it, with its names.
    context.build(text.len().saturating_mul(64))?;
    schema::parse(text, false)
}

/// The schema, with the types that every schema has.
fn checked(context: &mut Context<'_>, document: SchemaDocument) -> Result<Schema, Fault> {
    let prelude = include_str!("prelude.graphql");
    context.spend(prelude.len())?;
    check::check(context, schema::parse(prelude, true)?, document)
}

fn verdict(found: Result<(), Fault>) -> Answer {
    match found {
        Ok(()) => answer(true),
        Err(Fault::Stop(error @ (BuiltinError::Halt(_) | BuiltinError::Exhausted(_)))) => Err(error),
        Err(_) => answer(false),
    }
}

fn written(context: &mut Context<'_>, value: Value) -> Answer {
    context.spend_on_all(&value)?;
    answer(value)
}

fn failed(fault: Fault, text: Text) -> Answer {
    match fault {
        Fault::Wrong(message) => fail(text(&message)),
        Fault::Stop(error) => Err(error),
    }
}

/// OPA's text of gqlparser's error, whose place it takes to the end.
fn at_place(error: &str) -> String {
    let parts: Vec<&str> = error.splitn(4, ':').collect();
    if let [_, row, column, message] = parts.as_slice()
        && let (Ok(row), Ok(column)) = (row.parse::<u64>(), column.parse::<u64>())
    {
        let message = message.trim_start_matches(' ');
        let message = message.strip_suffix(".\n").unwrap_or(message);
        return format!("{message} in GraphQL string at location {row}:{column}");
    }
    format!("GraphQL parse error: {error}")
}

fn conversion(error: &str) -> String {
    format!("Error in gqlparser SchemaDocument to Schema conversion: {error}")
}
