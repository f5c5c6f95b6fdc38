//! Values as a module reads them (`opa_value_parse`): JSON with sets, and with keys of any kind.

use postern_rego::Value;

/// Appends the text of a value.
pub fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number.as_str()),
        Value::String(_) => out.push_str(&value.to_json()),
        Value::Array(array) => list('[', array.iter(), ']', out),
        Value::Set(set) if set.is_empty() => out.push_str("set()"),
        Value::Set(set) => list('{', set.iter(), '}', out),
        Value::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn list<'v>(open: char, items: impl Iterator<Item = &'v Value>, close: char, out: &mut String) {
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::read;
    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(inner.clone(), 0..6)
                    .prop_map(|items| Value::Set(items.into_iter().collect())),
                prop::collection::vec((inner.clone(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn property_70_what_is_written_is_read_back(value in values()) {
            let mut text = String::new();
            write(&value, &mut text);
            prop_assert_eq!(read(text.as_bytes(), 1 << 24), Ok(value));
        }
    }
}
