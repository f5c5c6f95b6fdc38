//! Order, equality, sharing and JSON of values.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Array, MAX_NESTING, Object, Set, Value};
use crate::number::Number;

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

fn set(items: &[&str]) -> Value {
    Value::Set(items.iter().map(|item| json(item)).collect())
}

#[test]
fn values_are_ordered_as_in_opa() {
    let ascending = [
        json("null"),
        json("false"),
        json("true"),
        json("-1"),
        json("0.5"),
        json("1"),
        json("10"),
        json("1e2"),
        json("\"\""),
        json("\"B\""),
        json("\"a\""),
        json("\"aa\""),
        json("\"é\""),
        json("[]"),
        json("[1]"),
        json("[1, 0]"),
        json("[2]"),
        json("{}"),
        json(r#"{"a": 1}"#),
        json(r#"{"a": 1, "b": 0}"#),
        json(r#"{"a": 2}"#),
        json(r#"{"b": 0}"#),
        set(&[]),
        set(&["1"]),
        set(&["1", "2"]),
        set(&["2"]),
    ];
    for (at, a) in ascending.iter().enumerate() {
        for (other, b) in ascending.iter().enumerate() {
            assert_eq!(a.cmp(b), at.cmp(&other), "{a:?} and {b:?}");
            assert_eq!(a == b, at == other, "{a:?} and {b:?}");
        }
    }
}

#[test]
fn numbers_are_equal_by_value_and_print_as_written() {
    let values = ["1", "1.0", "1e0", "10e-1"].map(json);
    for value in &values {
        assert_eq!(value, &values[0]);
    }
    let printed: Vec<String> = values.iter().map(Value::to_json).collect();
    assert_eq!(printed, ["1", "1.0", "1e0", "10e-1"]);
}

#[test]
fn a_set_keeps_the_member_that_came_first_and_an_object_the_value_that_came_last() {
    let mut set: Set = [json("1.0")].into_iter().collect();
    assert!(!set.insert(json("1")));
    assert_eq!(Value::Set(set).to_json(), "[1.0]");
    let collected: Set = ["2", "1.0", "1", "2.0"].map(json).into_iter().collect();
    assert_eq!(Value::Set(collected).to_json(), "[1.0,2]");
    assert_eq!(json(r#"{"a": 1, "b": 2, "a": 3}"#).to_json(), r#"{"a":3,"b":2}"#);
}

#[test]
fn a_lookup_finds_elements_members_and_the_key_asked_for() {
    assert_eq!(json("[7, 8]").lookup(&json("1")), Some(&json("8")));
    assert_eq!(json("[7, 8]").lookup(&json("1.0")), Some(&json("8")));
    for missing in ["2", "-1", "0.5", "\"0\"", "null", "99999999999999999999"] {
        assert_eq!(json("[7, 8]").lookup(&json(missing)), None, "{missing}");
    }
    assert_eq!(json(r#"{"a": 1}"#).lookup(&json("\"a\"")), Some(&json("1")));
    assert_eq!(json(r#"{"1": 1}"#).lookup(&json("1")), None);
    let key = json("1");
    assert_eq!(
        set(&["1.0"]).lookup(&key).map(Value::to_json),
        Some("1".to_owned())
    );
    assert_eq!(json("\"abc\"").lookup(&json("0")), None);
}

#[test]
fn a_change_leaves_other_holders_as_they_were() {
    let mut object: Object = (0..1000).map(|key| (Value::from(key), Value::Null)).collect();
    let before = object.clone();
    object.insert(Value::from(500), Value::from(true));
    object.insert(Value::from(-1), Value::Null);
    assert_eq!(before.len(), 1000);
    assert_eq!(before.get(&Value::from(500)), Some(&Value::Null));
    assert_eq!(object.len(), 1001);
    assert_eq!(object.get(&Value::from(500)), Some(&Value::Bool(true)));
    let mut array = Array::from(vec![Value::Null]);
    let shared = array.clone();
    array.push(Value::Null);
    assert_eq!((shared.len(), array.len()), (1, 2));
}

#[test]
fn a_large_set_is_built_in_any_order_without_quadratic_cost() {
    let count: u64 = 50_000;
    // Multiplying by an odd number mod 2^16 permutes the numbers below 2^16.
    let mixed = (0..1_u64 << 16)
        .map(|at| at.wrapping_mul(40_503) % (1 << 16))
        .filter(|at| *at < count);
    let mut set = Set::default();
    for member in mixed {
        assert!(set.insert(Value::from(member)));
    }
    assert!(
        set.iter()
            .eq((0..count).map(Value::from).collect::<Vec<_>>().iter())
    );
    assert_eq!(set.nth(12_345), Some(&Value::from(12_345)));
    assert_eq!(set.nth(50_000), None);
}

#[test]
fn nesting_is_counted_and_json_over_the_bound_is_refused() {
    assert_eq!(json("1").nesting(), 0);
    assert_eq!(json("[]").nesting(), 1);
    assert_eq!(json(r#"{"a": [[1]], "b": 2}"#).nesting(), 3);
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(json(&nested(MAX_NESTING)).nesting(), MAX_NESTING);
    let refused = Value::from_json_str(&nested(MAX_NESTING + 1)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 1, column 513: nested deeper than 512 levels"
    );
}

#[test]
fn weight_counts_what_is_shared_as_often_as_it_occurs_and_forgets_what_is_replaced() {
    let inner = json("[1, 2]");
    assert_eq!(inner.weight(), 3);
    assert_eq!(Value::from(vec![inner.clone(), inner.clone()]).weight(), 7);
    let mut object = Object::default();
    for _ in 0..5 {
        object.insert(Value::from("a"), inner.clone());
    }
    assert_eq!(Value::Object(object).weight(), 5);
    let mut set: Set = [json("1.0")].into_iter().collect();
    set.insert(json("1"));
    assert_eq!(Value::Set(set).weight(), 2);
}

#[test]
fn json_errors_say_where_and_what() {
    for (text, expected) in [
        ("", "line 1, column 1: expected a value, found the end"),
        ("{\"a\":\n  1,}", "line 2, column 5: expected a value, found '}'"),
        ("[1 2]", "line 1, column 4: expected ',' or ']', found '2'"),
        ("[01]", "line 1, column 3: expected ',' or ']', found '1'"),
        ("1 2", "line 1, column 3: expected the end of the document"),
        (
            "\"a\nb\"",
            "line 1, column 3: a control character in a string must be escaped",
        ),
        ("\"\\x\"", "line 1, column 3: no such escape: \\x"),
        ("nul", "line 1, column 1: expected null"),
        ("1.", "line 1, column 3: expected a digit"),
        ("-", "line 1, column 2: expected a digit"),
        (
            "{\"a\" 1}",
            "line 1, column 6: expected ':' after a member's name",
        ),
        (
            "1e999999999",
            "line 1, column 12: the number 1e999999999 is out of range",
        ),
    ] {
        let error = Value::from_json_str(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    assert!(
        Value::from_json_slice(b"\"\xff\"")
            .unwrap_err()
            .to_string()
            .contains("expected UTF-8")
    );
}

#[test]
fn escapes_are_read_as_go_reads_them() {
    assert_eq!(json(r#""\u0041\n\/\ud83d\ude00""#), Value::from("A\n/😀"));
    assert_eq!(json(r#""\ud83dx\ude00""#), Value::from("\u{fffd}x\u{fffd}"));
    assert_eq!(json(r#""\ud83d\u0041""#), Value::from("\u{fffd}A"));
}

#[test]
fn what_json_lacks_is_written_in_its_terms() {
    assert_eq!(set(&["3", "1", "2"]).to_json(), "[1,2,3]");
    let object: Object = [(json("[1]"), json("true")), (json("2"), json("null"))]
        .into_iter()
        .collect();
    assert_eq!(Value::Object(object).to_json(), r#"{"2":null,"[1]":true}"#);
}

#[test]
fn values_come_from_serde_json() {
    let value = Value::from(serde_json::json!({"a": [1, 2.5, null, "x"], "b": true}));
    assert_eq!(value.to_json(), r#"{"a":[1,2.5,null,"x"],"b":true}"#);
}

/// A number as somebody may write it.
fn number_text() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"
}

/// JSON text with numbers of all forms, without spaces and with each name once, in order.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number_text().prop_map(|text| Value::Number(Number::from_source(&text).unwrap())),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 200, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..8).prop_map(Value::object_from),
        ]
    })
}

/// Whether two values are written alike, number texts included.
fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_str() == b.as_str(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && identical(a.1, b.1))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn json_written_and_read_again_loses_nothing(value in document()) {
        let read = json(&value.to_json());
        prop_assert!(identical(&value, &read), "{:?} became {:?}", value, read);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Value::from_json_slice(&bytes);
    }

    #[test]
    fn what_is_removed_of_an_object_is_gone_of_it_and_of_no_clone(
        start in prop::collection::vec(0..400_i64, 0..400),
        changed in prop::collection::vec((0..400_i64, any::<bool>()), 0..600),
    ) {
        let pair = |key: i64| (Value::from(key), Value::from(key));
        let mut object: Object = start.iter().copied().map(pair).collect();
        let mut model: std::collections::BTreeSet<i64> = start.into_iter().collect();
        let (before, of_before) = (object.clone(), model.clone());
        for (key, comes) in changed {
            if comes {
                prop_assert_eq!(object.insert(Value::from(key), Value::from(key)), model.insert(key));
            } else {
                let expected = model.remove(&key).then(|| Value::from(key));
                prop_assert_eq!(object.remove(&Value::from(key)), expected);
            }
        }
        for (object, model) in [(object, model), (before, of_before)] {
            prop_assert_eq!(object.len(), model.len());
            let expected: Object = model.iter().copied().map(pair).collect();
            prop_assert_eq!(object.weight(), expected.weight());
            prop_assert!(object.iter().eq(expected.iter()));
            for key in 0..400 {
                prop_assert_eq!(object.get(&Value::from(key)).is_some(), model.contains(&key));
            }
        }
    }

    #[test]
    fn objects_behave_as_a_sorted_map(
        start in prop::collection::vec((0..400_i64, any::<bool>()), 0..300),
        inserted in prop::collection::vec((0..400_i64, any::<bool>()), 0..300),
        asked in prop::collection::vec(0..400_i64, 0..20),
    ) {
        let pair = |(key, value): (i64, bool)| (Value::from(key), Value::from(value));
        let mut object: Object = start.iter().copied().map(pair).collect();
        let mut model: BTreeMap<i64, bool> = start.into_iter().collect();
        for (key, value) in inserted {
            let is_new = model.insert(key, value).is_none();
            prop_assert_eq!(object.insert(Value::from(key), Value::from(value)), is_new);
        }
        prop_assert_eq!(object.len(), model.len());
        let expected: Vec<(Value, Value)> = model.iter().map(|(key, value)| pair((*key, *value))).collect();
        let found: Vec<(Value, Value)> = object.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        prop_assert_eq!(&found, &expected);
        for (rank, (key, value)) in expected.iter().enumerate() {
            prop_assert_eq!(object.nth(rank), Some((key, value)));
        }
        for key in asked {
            let value = model.get(&key).map(|value| Value::from(*value));
            prop_assert_eq!(object.get(&Value::from(key)), value.as_ref());
        }
    }

    #[test]
    fn order_and_equality_agree(a in document(), b in document()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        prop_assert_eq!(a.cmp(&a.clone()), Ordering::Equal);
    }
}
