use serde_json::Value as Json;

use super::*;

fn go_says(text: &[u8]) -> Option<String> {
    match decode(text) {
        Ok(_) => None,
        Err(error) => Some(error.as_opa_envoy()),
    }
}

#[test]
fn bodies_that_are_no_json_are_refused_in_gos_words() {
    let vectors = include_str!("vectors/go_json.jsonl");
    let mut refused = 0;
    for line in vectors.lines() {
        let vector: Json = serde_json::from_str(line).unwrap();
        let text = hex::decode(vector["json"].as_str().unwrap()).unwrap();
        let wanted = vector["error"].as_str().map(str::to_owned);
        refused += usize::from(wanted.is_some());
        assert_eq!(go_says(&text), wanted, "{:?}", String::from_utf8_lossy(&text));
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn what_nests_too_deep_for_go_is_refused_in_its_words() {
    let deep = |levels: usize| "[".repeat(levels);
    assert_eq!(go_says(deep(10_000).as_bytes()).unwrap(), "unexpected EOF");
    assert_eq!(
        go_says(deep(10_001).as_bytes()).unwrap(),
        "invalid character '[' exceeded max depth"
    );
}

#[test]
fn what_go_takes_and_we_cannot_hold_is_refused_in_ours() {
    let deep = format!("{}{}", "[".repeat(600), "]".repeat(600));
    assert!(
        go_says(deep.as_bytes())
            .unwrap()
            .contains("nested deeper than 512")
    );
}

#[test]
fn a_null_behind_the_value_is_passed_over_as_go_does() {
    assert_eq!(decode(b"{\"a\":1} null").unwrap().to_json(), r#"{"a":1}"#);
}
