//! `$schema`, `$id` and `$ref`: which draft a schema is of, and what it may refer to, which is itself.

use super::{BuiltinError, Fault, refused, wrong};
use crate::value::Value;

/// Drafts as gojsonschema numbers them.
pub(super) const DRAFT_4: u32 = 4;
pub(super) const DRAFT_6: u32 = 6;
pub(super) const DRAFT_7: u32 = 7;
/// What a schema is of that doesn't say it.
pub(super) const HYBRID: u32 = u32::MAX;

pub(super) fn draft(schema: &Value) -> Result<u32, Fault> {
    let object = match schema {
        Value::Bool(_) => return Ok(HYBRID),
        Value::Object(object) => object,
        _ => return wrong("schema is invalid"),
    };
    match object.get_str("$schema") {
        None => Ok(HYBRID),
        Some(Value::String(url)) => {
            let url = url.as_ref();
            Ok(match url.strip_suffix('#').unwrap_or(url) {
                "http://json-schema.org/draft-04/schema" => DRAFT_4,
                "http://json-schema.org/draft-06/schema" => DRAFT_6,
                "http://json-schema.org/draft-07/schema" => DRAFT_7,
                other if is_plain_url(other) => HYBRID,
                _ => return Err(Fault::Stop(refused("a $schema that isn't a plain URL"))),
            })
        }
        Some(_) => wrong("$schema must be of type string"),
    }
}

/// Refuses what would give parts of a schema addresses of their own: one plain `$id` at the root is all there may be.
/// Recurses as deep as the value nests, which values bound.
pub(super) fn check_ids(value: &Value, is_root: bool) -> Result<(), BuiltinError> {
    match value {
        Value::Array(array) => array.iter().try_for_each(|item| check_ids(item, false)),
        Value::Object(object) => {
            let key = if object.get_str("id").is_some() {
                "id"
            } else {
                "$id"
            };
            if let Some(Value::String(id)) = object.get_str(key)
                && !(is_root && is_plain_url(id.strip_suffix('#').unwrap_or(id)))
            {
                return Err(refused("a JSON schema whose parts have ids"));
            }
            object
                .iter()
                .try_for_each(|(key, value)| match (key.as_str(), value) {
                    (Some("properties" | "dependencies" | "patternProperties"), Value::Object(children)) => {
                        children.values().try_for_each(|child| check_ids(child, false))
                    }
                    (Some("const" | "enum" | "properties" | "dependencies" | "patternProperties"), _) => {
                        Ok(())
                    }
                    _ => check_ids(value, false),
                })
        }
        _ => Ok(()),
    }
}

/// A URL of which every reader makes the same.
fn is_plain_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    matches!(scheme, "http" | "https")
        && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        && rest.chars().all(is_plain)
}

/// What a reference leads to within the schema.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, Fault> {
    let pointer = match reference.strip_prefix('#') {
        Some("") => return Ok(root),
        Some(pointer) => pointer.strip_prefix('/'),
        None => None,
    };
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '~' | '$' | '@');
    let Some(pointer) = pointer.filter(|pointer| pointer.chars().all(is_plain)) else {
        return Err(Fault::Stop(refused(&format!(
            "the reference {reference:?}, which leads out of its JSON schema or has unusual characters,"
        ))));
    };
    let mut here = root;
    for token in pointer.split('/') {
        here = match here {
            Value::Object(object) => {
                let key = token.replace("~1", "/").replace("~0", "~");
                match object.get_str(&key) {
                    Some(value) => value,
                    None => return wrong(format!("Object has no key '{key}'")),
                }
            }
            Value::Array(array) => {
                let Ok(index) = token.parse::<i64>() else {
                    return wrong(format!("Invalid array index '{token}'"));
                };
                match usize::try_from(index).ok().and_then(|index| array.get(index)) {
                    Some(value) => value,
                    None => {
                        let len = array.len();
                        return wrong(format!("Out of bound array[0,{len}] index '{index}'"));
                    }
                }
            }
            _ => return wrong(format!("Invalid token reference '{token}'")),
        };
    }
    Ok(here)
}
