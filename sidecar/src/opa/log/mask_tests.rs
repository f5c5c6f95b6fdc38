use postern_policy::Value;
use proptest::prelude::*;

use super::super::event::{About, Event};
use super::{apply, rules};

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

fn event(input: &str, result: &str) -> Event {
    Event {
        input: Some(json(input)),
        result: Some(json(result)),
        nd_builtin_cache: None,
        erased: Vec::new(),
        masked: Vec::new(),
        failure: None,
        about: About::default(),
    }
}

/// What becomes of `input`, and what the event says was done.
fn check(input: &str, masks: &str, want: &str, erased: &[&str], masked: &[&str]) {
    let mut event = event(input, "true");
    apply(&rules(&json(masks)).unwrap(), &mut event);
    let input = event.input.map(|input| input.to_json()).unwrap_or_default();
    assert_eq!(input, want, "{masks}");
    assert_eq!(event.erased, erased, "{masks}");
    assert_eq!(event.masked, masked, "{masks}");
}

/// The cases of OPA's `mask_test.go`, in short, and what its code does beyond.
#[test]
fn masks_do_what_opas_do() {
    let input = r#"{"a":{"b":1,"c":[1,[2,3],{"d":4}]},"e":null}"#;
    check(
        input,
        r#"["/input/a/b"]"#,
        r#"{"a":{"c":[1,[2,3],{"d":4}]},"e":null}"#,
        &["/input/a/b"],
        &[],
    );
    check(
        input,
        r#"[{"op":"remove","path":"/input/e"}]"#,
        r#"{"a":{"b":1,"c":[1,[2,3],{"d":4}]}}"#,
        &["/input/e"],
        &[],
    );
    check(
        input,
        r#"["/input/a/c/1/0"]"#,
        r#"{"a":{"b":1,"c":[1,[3],{"d":4}]},"e":null}"#,
        &["/input/a/c/1/0"],
        &[],
    );
    check(
        input,
        r#"["/input/a/c/+1","/input/a/c/-0"]"#,
        r#"{"a":{"b":1,"c":[{"d":4}]},"e":null}"#,
        &["/input/a/c/+1", "/input/a/c/-0"],
        &[],
    );
    // What isn't there changes nothing, and isn't told.
    for nothing in [
        "/input/x",
        "/input/a/x/y",
        "/input/a/c/3",
        "/input/a/c/-1",
        "/input/a/c/b",
        "/input/a/b/x",
        "/input/e/x",
        "/input/a/c/",
        "/input//a",
        "/nd_builtin_cache/x",
        "/nd_builtin_cache",
        "/input/a/c/99999999999999999999",
    ] {
        check(input, &format!("[\"{nothing}\"]"), input, &[], &[]);
    }
    check(input, r#"["/input","/input/a"]"#, "", &["/input"], &[]);
    let upsert = |path: &str, value: &str| format!(r#"[{{"op":"upsert","path":"{path}","value":{value}}}]"#);
    check(
        input,
        &upsert("/input/a/b", "[2]"),
        r#"{"a":{"b":[2],"c":[1,[2,3],{"d":4}]},"e":null}"#,
        &[],
        &["/input/a/b"],
    );
    check(
        input,
        &upsert("/input/e", "{}"),
        r#"{"a":{"b":1,"c":[1,[2,3],{"d":4}]},"e":{}}"#,
        &[],
        &["/input/e"],
    );
    check(
        r#"{"a":1}"#,
        &upsert("/input/x/y/z", "2"),
        r#"{"a":1,"x":{"y":{"z":2}}}"#,
        &[],
        &["/input/x/y/z"],
    );
    check(
        r#"{"a":[{}]}"#,
        &upsert("/input/a/0/x", "2"),
        r#"{"a":[{"x":2}]}"#,
        &[],
        &["/input/a/0/x"],
    );
    check(r#"[1,2]"#, &upsert("/input/1", "9"), "[1,9]", &[], &["/input/1"]);
    check("7", &upsert("/input", "8"), "8", &[], &["/input"]);
    check(
        r#"{"a":1}"#,
        r#"[{"op":"upsert","path":"/input/a"}]"#,
        r#"{"a":null}"#,
        &[],
        &["/input/a"],
    );
    // Lists don't grow, and what is no container isn't made one.
    for (input, path) in [
        (r#"{"a":[1]}"#, "/input/a/1"),
        (r#"{"a":[1]}"#, "/input/a/5/x"),
        (r#"{"a":1}"#, "/input/a/x"),
        ("null", "/input/x"),
    ] {
        check(input, &upsert(path, "2"), input, &[], &[]);
    }
}

/// Held to the plugin: `version` is one piece until a mask has put another in its place.
#[test]
fn the_version_can_be_replaced_but_not_changed() {
    let input = r#"{"version":[[1,2],[3,4]]}"#;
    check(
        input,
        r#"["/input/version/0","/input/version/0/0"]"#,
        input,
        &[],
        &[],
    );
    let masks = r#"["/input/version",{"op":"upsert","path":"/input/version/x","value":1}]"#;
    check(
        input,
        masks,
        r#"{"version":{"x":1}}"#,
        &["/input/version"],
        &["/input/version/x"],
    );
}

#[test]
fn names_are_compared_in_their_escaped_form() {
    check(
        r#"{":path":1,"a b":2,"a%20b":3}"#,
        r#"["/input/:path","/input/a b"]"#,
        r#"{"a b":2}"#,
        &["/input/:path", "/input/a%20b"],
        &[],
    );
    check(
        r#"{"a%2Fb":1,"a/b":2}"#,
        r#"["/input/a%2Fb"]"#,
        r#"{"a%2Fb":1,"a/b":2}"#,
        &[],
        &[],
    );
}

#[test]
fn what_is_no_mask_is_an_error() {
    for (masks, want) in [
        (r#"{"/input":1}"#, "unexpected rule format"),
        ("true", "unexpected rule format"),
        (r#"[1]"#, "invalid mask rule format"),
        (r#"[""]"#, "non-empty"),
        (r#"["input/a"]"#, "slash-prefixed"),
        (r#"["/labels/id"]"#, "mask prefix not allowed: labels"),
        (r#"["/input/%zz"]"#, "invalid URL escape"),
        (r#"[{"op":"remove"}]"#, "non-empty"),
        (r#"[{"path":"/input"}]"#, "not supported"),
        (r#"[{"op":"replace","path":"/input"}]"#, "not supported: replace"),
        (r#"[{"op":1,"path":"/input"}]"#, "invalid \"op\""),
        (r#"["/input/a", "x"]"#, "slash-prefixed"),
    ] {
        let error = rules(&json(masks)).unwrap_err();
        assert!(error.contains(want), "{masks}: {error}");
    }
    let deep = format!("[\"/input{}\"]", "/a".repeat(300));
    assert!(rules(&json(&deep)).unwrap_err().contains("at most 256 parts"));
}

#[test]
fn a_result_is_masked_as_its_json_and_the_policys_own_is_untouched() {
    let set = Value::Set([Value::from("x"), Value::from("y")].into_iter().collect());
    let result = Value::object_from([("s", set)]);
    let mut event = event("{}", "null");
    event.result = Some(result.clone());
    apply(&rules(&json(r#"["/result/s/0"]"#)).unwrap(), &mut event);
    assert_eq!(event.result.unwrap().to_json(), r#"{"s":["y"]}"#);
    assert_eq!(result.to_json(), r#"{"s":["x","y"]}"#);
}

const SECRET: &str = "s3cr3t";

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::from(SECRET)),
        "[a-c]{0,2}".prop_map(Value::from),
        (0i64..9).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| Value::Array(items.into_iter().collect())),
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(Value::object_from),
        ]
    })
}

/// Paths of all places that hold the secret, the later items of a list first: taking one out moves those behind it.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if &**text == SECRET => found.push(at.to_owned()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().enumerate().collect();
            items
                .iter()
                .rev()
                .for_each(|(i, item)| places(item, &format!("{at}/{i}"), found));
        }
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| places(value, &format!("{at}/{}", name.as_str().unwrap()), found)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn property_nothing_that_is_masked_leaves(input in document(), result in document(), upsert in any::<bool>()) {
        let mut event = event("{}", "{}");
        let mut paths = Vec::new();
        places(&input, "/input", &mut paths);
        places(&result, "/result", &mut paths);
        event.input = Some(input);
        event.result = Some(result);
        let masks = paths.iter().map(|path| {
            let op = if upsert { "upsert" } else { "remove" };
            Value::object_from([("op", op), ("path", path), ("value", "***")])
        });
        let masks = rules(&Value::Array(masks.collect())).unwrap();
        apply(&masks, &mut event);
        let (uploaded, console) = (event.to_value().to_json(), Value::Object(event.to_console()).to_json());
        prop_assert!(!uploaded.contains(SECRET), "{}", uploaded);
        prop_assert!(!console.contains(SECRET), "{}", console);
        prop_assert_eq!(event.erased.len() + event.masked.len(), paths.len());
    }

    #[test]
    fn property_a_mask_changes_nothing_else(input in document(), path in "(/[a-d0-3]){1,4}", upsert in any::<bool>()) {
        let op = if upsert { "upsert" } else { "remove" };
        let path = format!("/input{path}");
        let mask = Value::object_from([("op", op), ("path", path.as_str()), ("value", "new")]);
        let masks = rules(&Value::Array([mask].into_iter().collect())).unwrap();
        let mut event = event("{}", "{}");
        event.input = Some(input.clone());
        apply(&masks, &mut event);
        let told = event.erased.len() + event.masked.len();
        prop_assert_eq!(told == 0, event.input == Some(input) && told == 0);
        if upsert && told == 1 {
            // Once more makes no difference.
            let once = event.input.clone();
            apply(&masks, &mut event);
            prop_assert_eq!(once, event.input);
        }
    }
}
