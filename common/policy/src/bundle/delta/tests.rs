//! What a delta makes of data is what OPA's store makes of it.

use super::*;

fn manifest(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes()).unwrap()
}

fn delta(patch: &str, manifest: Manifest) -> Result<Delta, DeltaError> {
    Ok(Delta {
        stated: Arc::new(Stated { manifest, text: None }),
        operations: patch::parse(patch.as_bytes())?,
        limits: Limits::default(),
    })
}

/// What a patch makes of data that a bundle owns whole.
fn patched(base: &str, patch: &str) -> Result<String, DeltaError> {
    let there = Value::from_json_str(base).unwrap();
    let made = delta(patch, manifest("{}"))?.on_nothing(there.clone())?;
    assert_eq!(there.to_json(), Value::from_json_str(base).unwrap().to_json());
    Ok(made.data().to_json())
}

/// See `vectors/README.md`.
#[test]
fn data_is_patched_as_opas_store_patches_it() {
    let mut counts = [0_u32; 3];
    for line in include_str!("vectors/store.jsonl").lines() {
        let case = Value::from_json_str(line).unwrap();
        let part = |name: &str| case.get(name).map(Value::to_json);
        let (base, patch) = (part("base").unwrap(), part("patch").unwrap());
        let found = patched(&base, &patch);
        match (part("result"), case.get("error").and_then(Value::as_str), &found) {
            // All of data isn't replaced by a delta.
            (_, _, Err(DeltaError::Reserved(path))) if path == "/" => counts[2] += 1,
            (Some(result), None, Ok(found)) => {
                assert_eq!(*found, result, "{base} {patch}");
                counts[0] += 1;
            }
            (None, Some(error), Err(found)) => {
                assert_eq!(found.to_string(), error, "{base} {patch}");
                counts[1] += 1;
            }
            // OPA crashes.
            (None, None, Err(_)) => counts[2] += 1,
            _ => panic!("{base} {patch}: {found:?}, unlike {line}"),
        }
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

#[test]
fn patches_are_read_as_go_reads_them() {
    let read = |text: &str| patch::parse(text.as_bytes()).map(|operations| operations.len());
    for (text, expected) in [
        ("null", 0),
        ("{}", 0),
        (r#"{"data":null}"#, 0),
        (r#"{"data":[]}"#, 0),
        (r#"{"other":[1,{"op":2,"op":3}]}"#, 0),
        (r#"{"DATA":[null,{"OP":"x","Path":"y","vaLue":1,"more":{}}]}"#, 2),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    for (text, problem) in [
        ("", "EOF"),
        ("[]", "the patch is array; expected an object"),
        (r#"{"data":{}}"#, "`data` is object; expected an array"),
        (r#"{"data":[1]}"#, "an operation is number; expected an object"),
        (
            r#"{"data":[{"op":1}]}"#,
            "`op` of an operation is number; expected a string",
        ),
        (r#"{"data":[],"Data":[]}"#, "`data` comes twice"),
        (r#"{"data":[{"path":"","PATH":""}]}"#, "`path` comes twice"),
        (r#"{"data":[]} {}"#, "line 1"),
    ] {
        let said = read(text).unwrap_err().to_string();
        assert!(said.starts_with("bundle load failed on patch decode: "), "{said}");
        assert!(said.contains(problem), "{text}: {said}");
    }
}

#[test]
fn what_ends_opas_process_or_reaches_what_tells_of_bundles_is_refused() {
    let error = |path: &str| {
        let patch = format!(r#"{{"data":[{{"op":"upsert","path":"{path}","value":{{}}}}]}}"#);
        patched("{}", &patch).unwrap_err()
    };
    for path in [
        "",
        "/",
        "system",
        "/system/",
        "system/bundles/a",
        "system/version",
        "sy%73tem/modules",
    ] {
        assert!(matches!(error(path), DeltaError::Reserved(_)), "{path}");
    }
    let deep = "a/".repeat(postern_rego::MAX_NESTING);
    assert!(matches!(error(&deep), DeltaError::Nesting(_)));
    assert!(patched("{}", r#"{"data":[{"op":"upsert","path":"system/log/x"}]}"#).is_ok());
}

#[test]
fn a_path_that_leads_out_of_the_roots_once_it_is_unescaped_is_refused() {
    let on = |root: &str, path: &str| {
        let patch = format!(r#"{{"data":[{{"op":"upsert","path":"{path}","value":1}}]}}"#);
        let manifest = manifest(&format!(r#"{{"roots":["{root}"]}}"#));
        let delta = delta(&patch, manifest).unwrap();
        let nothing = Value::Object(Object::default());
        delta.on_nothing(nothing).map(|bundle| bundle.data().to_json())
    };
    assert_eq!(on("a", "a/b").as_deref(), Ok(r#"{"a":{"b":1}}"#));
    assert_eq!(
        on("a%62", "a%62/c"),
        Err(DeltaError::LeadsOut("/ab/c".to_owned()))
    );
    assert_eq!(on("a~1b", "a~1b"), Err(DeltaError::LeadsOut("/a%2Fb".to_owned())));
}

/// What operations that have nothing to do with each other come to, done one by one.
mod one_by_one {
    use proptest::prelude::*;
    use serde_json::{Map, Value as Json, json};

    use super::patched;

    type Op = (u8, Vec<&'static str>, Json);

    fn document() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(json!(null)),
            (0..9).prop_map(|n| json!(n)),
            Just(json!("x")),
            Just(json!(true))
        ];
        let inner = leaf.prop_recursive(3, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                members(inner).prop_map(Json::Object),
            ]
        });
        members(inner).prop_map(Json::Object)
    }

    fn members(of: impl Strategy<Value = Json>) -> impl Strategy<Value = Map<String, Json>> {
        prop::collection::hash_map(name(), of, 0..5).prop_map(|members| {
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        })
    }

    fn name() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "c", "0", "1", "-"])
    }

    fn operation() -> impl Strategy<Value = Op> {
        (0..3_u8, prop::collection::vec(name(), 1..4), document())
    }

    /// The place, where there is one that can hold something under a name.
    fn holder<'d>(document: &'d mut Json, path: &[&str], makes: bool) -> Option<&'d mut Json> {
        path.iter().try_fold(document, |value, name| match value {
            Json::Object(members) => {
                if makes && !members.contains_key(*name) {
                    members.insert((*name).to_owned(), json!({}));
                }
                members.get_mut(*name)
            }
            Json::Array(elements) => elements.get_mut(name.parse::<usize>().ok()?),
            _ => None,
        })
    }

    fn apply(document: &mut Json, (op, path, value): &Op) -> Option<()> {
        let (name, parent) = path.split_last()?;
        match holder(document, parent, *op == 0)? {
            Json::Object(members) => match op {
                0 => drop(members.insert((*name).to_owned(), value.clone())),
                1 => drop(members.remove(*name)?),
                _ => *members.get_mut(*name)? = value.clone(),
            },
            Json::Array(elements) => {
                let end = elements.len();
                let at = if *name == "-" { end } else { name.parse().ok()? };
                match op {
                    0 if at <= end => elements.insert(at, value.clone()),
                    1 if at < end => drop(elements.remove(at)),
                    2 if at < end => elements[at] = value.clone(),
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn property_71_operations_apart_from_each_other_do_what_each_does_alone(
            base in document(),
            operations in prop::collection::vec(operation(), 1..5),
        ) {
            // Of those that meet, or may within an array, more is told by `vectors`.
            let mut firsts = std::collections::BTreeSet::new();
            let operations = operations.into_iter().filter(|(_, path, _)| firsts.insert(path[0]));
            let operations: Vec<Op> = operations.collect();
            let data: Vec<Json> = operations.iter().map(|(op, path, value)| {
                let op = ["upsert", "remove", "replace"][usize::from(*op)];
                json!({ "op": op, "path": path.join("/"), "value": value })
            }).collect();
            let found = patched(&base.to_string(), &json!({ "data": data }).to_string());
            let mut expected = base;
            match operations.iter().try_for_each(|operation| apply(&mut expected, operation)) {
                Some(()) => prop_assert_eq!(serde_json::from_str::<Json>(&found.unwrap()).unwrap(), expected),
                None => prop_assert!(found.is_err(), "{:?}", found),
            }
        }
    }
}
