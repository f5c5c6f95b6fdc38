//! A JSON document: read or refused as serde_json does it, and written as it was meant. What one of the two takes and the other
//! doesn't is named here.

use postern_rego::{MAX_NESTING, Value};

/// Reads `data` as JSON and writes it again.
pub fn run(data: &[u8]) {
    let ours = Value::from_json_slice(data);
    let theirs = serde_json::from_slice::<serde_json::Value>(data);
    match (ours, theirs) {
        (Ok(value), theirs) => {
            assert!(value.nesting() <= MAX_NESTING);
            let text = value.to_json();
            let again = Value::from_json_str(&text).expect("what is written is read");
            assert!(value == again, "{value:?} became {again:?}");
            assert_eq!(text, again.to_json());
            // serde_json refuses numbers beyond floats, and nests less deep.
            if let Ok(theirs) = theirs {
                let written = serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
                assert_eq!(normal(&written), normal(&theirs));
            }
        }
        (Err(error), Ok(theirs)) => {
            // Only a bound of ours may be the reason.
            let words = error.to_string();
            assert!(
                words.contains("deep") || words.contains("out of range"),
                "{words}: {theirs}"
            );
        }
        (Err(_), Err(_)) => {}
    }
}

/// Numbers as floats, so that how they are written doesn't matter.
fn normal(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value::{Array, Number, Object};
    match value {
        Number(number) => number
            .as_f64()
            .map_or_else(|| value.clone(), |float| (float + 0.0).to_string().into()),
        Array(items) => items.iter().map(normal).collect(),
        Object(members) => Object(
            members
                .iter()
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
