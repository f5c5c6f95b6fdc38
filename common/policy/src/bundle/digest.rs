//! A file's digest as OPA takes it. Structured files (data in JSON or YAML, `.manifest`) are hashed over a canonical form, so
//! that spaces and the order of members don't count; everything else over its bytes.

use aws_lc_rs::digest::{Algorithm, Context, SHA224, SHA256, SHA384, SHA512, SHA512_256};
use postern_rego::Value;

use super::BundleError;

/// The digest that this crate signs with, by OPA's name.
pub(super) const SIGNED_WITH: &str = "SHA-256";

/// The algorithm of OPA's name. MD5 and SHA-1, which OPA has too, are too weak to be signed; SHA-512-224 is not here.
pub(super) fn algorithm(name: &str) -> Option<&'static Algorithm> {
    Some(match name {
        "SHA-224" => &SHA224,
        "SHA-256" => &SHA256,
        "SHA-384" => &SHA384,
        "SHA-512" => &SHA512,
        "SHA-512-256" => &SHA512_256,
        _ => return None,
    })
}

/// Whether OPA hashes the file by its content rather than its bytes.
pub(super) fn is_structured(path: &str) -> bool {
    super::data::is_data(path) || file_name(path) == ".manifest"
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The digest of a file of the bundle.
pub(super) fn of_file(
    algorithm: &'static Algorithm,
    path: &str,
    content: &[u8],
) -> Result<Vec<u8>, BundleError> {
    let mut context = Context::new(algorithm);
    if is_structured(path) {
        let value = if file_name(path) == ".manifest" {
            Value::from_json_slice(content).map_err(|error| error.to_string())
        } else {
            super::data::parse(path, content)
        };
        let value = value.map_err(|problem| BundleError::Data {
            path: path.to_owned(),
            problem,
        })?;
        let mut canonical = String::new();
        write_canonical(&value, &mut canonical);
        context.update(canonical.as_bytes());
    } else {
        context.update(content);
    }
    Ok(context.finish().as_ref().to_vec())
}

/// JSON without spaces, members in the order of their names' bytes, numbers as they were written, strings as Go's
/// `encoding/json` writes them without escaping HTML. Values read from JSON have no sets and only string keys.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.as_str()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => write_list(items.iter(), out),
        Value::Set(items) => write_list(items.iter(), out),
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(key, out);
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
    }
}

fn write_list<'a>(items: impl Iterator<Item = &'a Value>, out: &mut String) {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_canonical(item, out);
    }
    out.push(']');
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let mut out = String::new();
        write_canonical(&Value::from_json_str(json).unwrap(), &mut out);
        out
    }

    #[test]
    fn the_canonical_form_is_gos() {
        assert_eq!(
            canonical(r#" { "b" : [ 1.0 , 1e2, -0 ], "a" : null } "#),
            r#"{"a":null,"b":[1.0,1e2,-0]}"#
        );
        assert_eq!(
            canonical("\"<&>\\u007f\\u0001\\u2028é😀\\b\\f\""),
            "\"<&>\u{7f}\\u0001\\u2028é😀\\b\\f\""
        );
        assert_eq!(canonical(r#"{"é":1,"z":2,"":3}"#), r#"{"":3,"z":2,"é":1}"#);
    }

    #[test]
    fn spaces_count_in_unstructured_files_only() {
        let of = |path, content: &str| of_file(&SHA256, path, content.as_bytes()).unwrap();
        assert_eq!(of("a/data.json", "{ }"), of("a/data.json", "{}"));
        assert_eq!(of(".manifest", "{ }"), of(".manifest", "{}"));
        assert_ne!(of("plan.json", "{ }"), of("plan.json", "{}"));
        assert_ne!(of("a.rego", " "), of("a.rego", ""));
    }
}
