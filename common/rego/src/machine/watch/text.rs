//! Values as text of bounded length.

use crate::value::Value;

/// The longest text of a value, in bytes.
const MAX_BYTES: usize = 128;
/// What is heavier isn't written out.
const MAX_WEIGHT: u64 = 64;

/// JSON, or what it is where that would be long.
pub(super) fn shown(value: &Value) -> String {
    if value.weight() > MAX_WEIGHT {
        let kind = value.type_name();
        return match value.length() {
            Some(length) => format!("{kind} of {length}"),
            None => kind.to_owned(),
        };
    }
    let mut text = value.to_json();
    if text.len() > MAX_BYTES {
        let end = (0..=MAX_BYTES).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::value::Value;

    #[test]
    fn long_values_are_cut_and_heavy_ones_only_named() {
        assert_eq!(shown(&Value::from("a")), "\"a\"");
        let long = shown(&Value::from("é".repeat(100)));
        assert!(
            long.len() <= 128 + '…'.len_utf8() && long.ends_with('…'),
            "{long}"
        );
        let array = Value::from_json_str(&format!("[{}0]", "0,".repeat(99))).unwrap();
        assert_eq!(shown(&array), "array of 100");
        assert_eq!(shown(&Value::from("x".repeat(10_000))), "string of 10000");
    }
}
