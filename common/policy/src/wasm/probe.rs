//! What a module is asked when it is loaded, to find whether input may be written straight into its memory: all shapes of
//! values, so that one that lays them out otherwise can't seem not to.

use postern_rego::Value;

/// A document of objects and arrays of many sizes, with keys that meet in their buckets, and of every kind of scalar.
pub(super) fn value() -> Value {
    let scalars = r#"[null, true, false, 0, -0, 7, -1, 1.50, 1e3, 2E-7, 9223372036854775807, 12345678901234567890123, "", "a",
        "ü€😀\u0000\"\\\n", "0123456789012345678901234567890123456789012345678901234567890123456789", {}, [], [[[{"a": [1]}]]]]"#;
    let scalars = Value::from_json_str(scalars).unwrap_or(Value::Null);
    let objects: Vec<Value> = (0..60_u8)
        .map(|size| {
            let members = (0..size).map(|n| {
                let name = format!("x-{n}-{}", "k".repeat(usize::from(n % 7)));
                (name, Value::from(i64::from(size)))
            });
            Value::object_from(members)
        })
        .collect();
    let arrays: Vec<Value> = (0..25)
        .map(|size| Value::from((0..size).map(|n| Value::from(format!("{n}"))).collect::<Vec<_>>()))
        .collect();
    Value::object_from([
        ("scalars", scalars),
        ("objects", Value::from(objects)),
        ("arrays", Value::from(arrays)),
    ])
}
