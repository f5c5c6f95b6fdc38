//! What they are given, as input and as data.

use postern_rego::{Array, Object, Set, Value};

const MIB: usize = 1024 * 1024;

/// What `name` needs of it, so that what it grows by isn't hidden.
pub(crate) fn make(name: &str) -> Value {
    let text = || Value::from("a".repeat(MIB));
    let array = |of: Value, count: usize| Value::from(vec![of; count]);
    let numbers = || (0..10_000).map(Value::from).collect::<Array>();
    let mut members: Vec<(&str, Value)> = vec![
        ("letters", Value::from("abc")),
        ("members", members(1000)),
        ("large", large()),
        ("shared", shared()),
        ("ones", array(Value::from(1), 200_000)),
        ("graph", graph(40)),
        ("left", Value::from(numbers())),
        ("right", Value::from(numbers())),
        (
            "by_array",
            Value::Object(Object::from(vec![(Value::from(numbers()), Value::from(1))])),
        ),
        (
            "set_of_arrays",
            Value::Set([Value::from(numbers())].into_iter().collect::<Set>()),
        ),
    ];
    if name.contains("text")
        || name.contains("replacing")
        || name.contains("match")
        || name.contains("groups")
    {
        members.push(("text", text()));
        members.push(("almost", Value::from("a".repeat(MIB / 2) + "b")));
        members.push(("references", Value::from("$0".repeat(MIB))));
        members.push(("references_to_first", Value::from("$1".repeat(MIB))));
    }
    match name {
        "trimming_what_is_looked_for_long" => {
            members.push(("text", text()));
            members.push(("alphabet", Value::from("é".repeat(MIB) + "a")));
        }
        "characters_counted" | "all_characters_of_a_text" => members.push(("text", text())),
        "part_of_an_array_that_almost_is" => {
            let mut ones = vec![Value::from(1); 100_000];
            ones.push(Value::from(2));
            members.push(("ones_and_two", Value::from(ones)));
        }
        "a_graph_of_many_edges" => members.push(("dense", dense(5000))),
        "json_of_nothing_but_brackets" => {
            members.push(("brackets", Value::from(format!("[{}0]", "[],".repeat(MIB)))));
        }
        "numbers_of_a_million_digits" | "units_of_a_million_digits" => {
            members.push(("digits", Value::from("7".repeat(MIB))));
        }
        "versions_of_many_parts" => {
            members.push(("version", Value::from(format!("1.0.0-{}a", "a.".repeat(MIB / 2)))));
        }
        "tokens_of_nothing_but_brackets" => members.push(("token", token())),
        "paths_of_nothing_but_slashes" => members.push(("slashes", Value::from("a/".repeat(MIB)))),
        _ => {}
    }
    Value::object_from(members)
}

/// A token that nobody signed, of `{"a": [[], [], …]}`.
fn token() -> Value {
    // Of `[],[],` and so on; three bytes are four characters, and so is what comes before and after.
    let claims = format!("eyJhIjpb{}W11dfQ", "W10s".repeat(MIB / 4));
    Value::from(format!("eyJhbGciOiJub25lIn0.{claims}."))
}

fn members(count: usize) -> Value {
    Value::Object(
        (0..count)
            .map(|n| (Value::from(format!("m{n}")), Value::from(format!("value {n}"))))
            .collect::<Object>(),
    )
}

/// A number of 30,000 digits.
fn large() -> Value {
    Value::from_json_str(&"7".repeat(30_000)).expect("a number")
}

/// Small in memory, sixteen million values when it is written out.
fn shared() -> Value {
    let mut value = Value::from("leaf");
    for _ in 0..23 {
        value = Value::from(vec![value.clone(), value]);
    }
    value
}

/// Each node leads to all others.
fn graph(nodes: usize) -> Value {
    let name = |n: usize| Value::from(format!("n{n}"));
    Value::Object(
        (0..nodes)
            .map(|n| (name(n), Value::from((0..nodes).map(name).collect::<Array>())))
            .collect::<Object>(),
    )
}

/// The same, with one list of all nodes that all share.
fn dense(nodes: usize) -> Value {
    let name = |n: usize| Value::from(format!("n{n}"));
    let all = Value::from((0..nodes).map(name).collect::<Array>());
    Value::Object((0..nodes).map(|n| (name(n), all.clone())).collect::<Object>())
}
