//! Random documents over a small vocabulary, so that they often agree with each other and with the policies.

use crate::random::Random;
use crate::syntax::Json;

/// Names of members.
pub(crate) const NAMES: [&str; 5] = ["a", "b", "c", "l", "o"];

/// Scalars as Rego and JSON write them. Some are equal and written differently.
pub(crate) const SCALARS: [&str; 22] = [
    "0",
    "1",
    "2",
    "1.0",
    "1e0",
    "-0",
    "0.0",
    "-1",
    "10",
    "0.5",
    "5e-1",
    "100000000000000000000",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"ab\"",
    "\"1\"",
    "\"é\"",
    "\"a/b\"",
];

pub(crate) fn scalar(random: &mut Random) -> &'static str {
    // The first few and the short texts more often: what is compared should often be equal.
    let some: &[&'static str] = match random.below(3) {
        0 => &SCALARS,
        1 => &["0", "1", "2", "1.0"],
        _ => &["\"a\"", "\"b\"", "\"ab\"", "true"],
    };
    some[random.below(some.len())]
}

/// A document of any kind.
pub(crate) fn any(random: &mut Random, depth: usize) -> Json {
    match random.below(if depth == 0 { 4 } else { 8 }) {
        0..4 => Json::Scalar(scalar(random).to_owned()),
        4 | 5 => Json::Array(random.several(0, 4, |random| inner(random, depth - 1))),
        _ => object(random, depth - 1),
    }
}

/// An element of an array. `[true]` and `[1]` have the hash of `true` and `1` in OPA, whose objects lose members where such keys
/// come again (docs/rego.md).
fn inner(random: &mut Random, depth: usize) -> Json {
    match any(random, depth) {
        Json::Scalar(text) if text == "true" || text.starts_with('1') => Json::Scalar("\"b\"".to_owned()),
        other => other,
    }
}

fn object(random: &mut Random, depth: usize) -> Json {
    let mut members: Vec<(String, Json)> = Vec::new();
    for name in NAMES.iter().chain(&["0", "1"]) {
        if random.once_in(2) {
            members.push(((*name).to_owned(), any(random, depth)));
        }
    }
    Json::Object(members)
}

/// An object whose members have mostly the kinds that policies hope for.
pub(crate) fn input(random: &mut Random) -> Json {
    if random.once_in(20) {
        return any(random, 2);
    }
    let mut members: Vec<(String, Json)> = Vec::new();
    for name in NAMES {
        if random.once_in(8) {
            continue;
        }
        let value = match name {
            _ if random.once_in(6) => any(random, 3),
            "l" => Json::Array(random.several(0, 5, |random| any(random, 1))),
            "o" => object(random, 2),
            _ => Json::Scalar(scalar(random).to_owned()),
        };
        members.push((name.to_owned(), value));
    }
    Json::Object(members)
}

/// The base document: `d` as an input is, `e` a list of such, and texts by name in `m`.
pub(crate) fn data(random: &mut Random) -> Json {
    let list = random.several(0, 3, input);
    Json::Object(vec![
        ("d".to_owned(), input(random)),
        ("e".to_owned(), Json::Array(list)),
        ("m".to_owned(), object(random, 1)),
    ])
}
