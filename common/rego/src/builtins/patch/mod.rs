//! `json.patch` (RFC 6902, with OPA's additions: paths as arrays of keys, sets as targets).

mod array;
mod keys;
mod members;
#[cfg(test)]
mod tests;
mod tree;

pub(in crate::builtins::patch) use super::display::shown;
use super::operands::{self, array};
use super::paths::keys;
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{MAX_NESTING, MAX_WEIGHT, Object, Value};

use tree::Tree;

pub(super) fn patch(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let operations = array(operands, 2)?;
    let mut tree = Tree::new(context, operands::any(operands, 1)?.clone())?;
    for operation in operations {
        let Value::Object(operation) = operation else {
            return fail("must be an array of JSON-Patch objects, but at least one element is not an object");
        };
        apply(context, &mut tree, operation)?;
    }
    match tree.render(context)? {
        Some(patched) => answer(patched),
        None => Err(crash()),
    }
}

fn apply(context: &mut Context<'_>, tree: &mut Tree, operation: &Object) -> Result<(), BuiltinError> {
    let path = required(operation, "path")?;
    let op = match required(operation, "op")? {
        Value::String(op) => op.as_ref(),
        other => {
            let got = other.type_name();
            return fail(format!("attribute 'op' must be a string but found: {got}"));
        }
    };
    let path = keys(context, path)?;
    context.spend(path.len().saturating_mul(16).saturating_add(16))?;
    match op {
        "add" => insert(context, tree, &path, Some(required(operation, "value")?.clone())),
        "remove" => tree.delete_at(context, &path),
        "replace" => {
            tree.delete_at(context, &path)?;
            insert(context, tree, &path, Some(required(operation, "value")?.clone()))
        }
        "move" | "copy" => {
            let from = keys(context, required(operation, "from")?)?;
            context.spend(from.len().saturating_mul(16))?;
            let chunk = tree.render_at(context, &from)?;
            if op == "move" {
                tree.delete_at(context, &from)?;
            }
            insert(context, tree, &path, chunk)
        }
        "test" => {
            let chunk = tree.render_at(context, &path)?;
            let value = required(operation, "value")?;
            context.spend_on_all(value)?;
            if chunk.as_ref() == Some(value) {
                return Ok(());
            }
            let found = chunk.as_ref().map_or_else(|| "<nil>".to_owned(), shown);
            fail(format!(
                "value from EditTree != patch value.\n\nExpected: {}\n\nFound: {found}",
                shown(value)
            ))
        }
        other => fail(format!("unrecognized op: '{other}'")),
    }
}

fn required<'a>(operation: &'a Object, name: &str) -> Result<&'a Value, BuiltinError> {
    match operation.get_str(name) {
        Some(value) => Ok(value),
        None => fail(format!("missing required attribute '{name}'")),
    }
}

/// Puts `value` at the path, unless the document would nest too deep: what recurses over it counts on that.
fn insert(
    context: &mut Context<'_>,
    tree: &mut Tree,
    path: &[Value],
    value: Option<Value>,
) -> Result<(), BuiltinError> {
    let Some(value) = value else {
        return fail("cannot insert nil value into EditTree");
    };
    if path.len().saturating_add(value.nesting()) > MAX_NESTING {
        return Err(BuiltinError::Halt(format!(
            "a document that nests deeper than {MAX_NESTING} is refused"
        )));
    }
    if value.weight() > MAX_WEIGHT {
        return Err(BuiltinError::Halt(format!(
            "a document of more than {MAX_WEIGHT} values is refused"
        )));
    }
    tree.insert_at(context, path, value)
}

/// What OPA 1.22 doesn't survive: its process ends with a panic.
fn crash() -> BuiltinError {
    BuiltinError::Halt("operations that crash OPA are refused".to_owned())
}
