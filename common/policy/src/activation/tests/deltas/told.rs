//! What data and policies are once a delta is in force.

use super::*;

#[test]
fn what_policies_are_told_of_bundles_is_what_the_delta_says() {
    let mut active = active();
    let operations = k(2);
    let told = |active: &Active, name: &str| {
        let none = delta("none", "", &["none"], &json!([{"op": "upsert", "path": "none"}]));
        let joined = none.join(active).unwrap();
        let path = format!("data.system.bundles[\"{name}\"]");
        let found = DataPath::of_ref(&path).unwrap();
        found.find(joined.collection().data()).map(crate::Value::to_json)
    };
    swapped(&delta("one", "2", &["a", "d"], &operations), &mut active);
    assert_eq!(
        told(&active, "one").as_deref(),
        Some(r#"{"etag":"\"e\"","manifest":{"revision":"2","roots":["a","d"]}}"#)
    );
    let members = active.bundles().map(|bundle| bundle.sequence);
    assert_eq!(members.collect::<Vec<_>>(), [None]);
}

#[test]
fn without_a_bundle_it_changes_what_the_process_was_started_with() {
    let mut loose = Loose::default();
    for (path, content) in [("p.rego", REGO), ("d.json", r#"{"d":{"k":1,"l":2},"e":3}"#)] {
        let file = LooseFile {
            path,
            place: &[],
            named: true,
            content: content.as_bytes(),
        };
        loose.add(&file, RegoVersion::V1).unwrap();
    }
    let mut active = Active::new(loose, RegoVersion::V1);
    let compile = |candidates: Vec<Verified>, active: &mut Active| {
        let joined = active.start(candidates).unwrap();
        let data = joined.collection().data().to_json();
        let tried = compiled(joined);
        (answer(&active.swap(tried).unwrap()), data)
    };
    assert_eq!(compile(Vec::new(), &mut active).0, "1");
    // Rego and version stay, although the delta owns everything.
    let first = delta("one", "2", &[""], &k(2));
    let joined = first.clone().join(&active).unwrap();
    assert_eq!(joined.collection().modules().len(), 1);
    let data = joined.collection().data().to_json();
    assert!(
        data.contains(r#""d":{"k":2,"l":2},"e":3"#) && data.contains("build_commit"),
        "{data}"
    );
    assert_eq!(swapped(&first, &mut active), "2");
    let removed = json!([{"op": "remove", "path": "/d/l"}, {"op": "replace", "path": "/d/k", "value": 3}]);
    assert_eq!(swapped(&delta("one", "3", &[""], &removed), &mut active), "3");
    // A snapshot takes the place of all that.
    let whole = verified(
        "one",
        BundleBuilder::new("4")
            .file("p.rego", REGO)
            .data(r#"{"d":{"k":4}}"#),
    );
    let (said, data) = compile(vec![whole], &mut active);
    assert_eq!(said, "4");
    assert!(
        data.starts_with(r#"{"d":{"k":4},"system":{"bundles""#) && !data.contains("version"),
        "{data}"
    );
}

#[test]
fn what_led_to_what_is_removed_stays() {
    let mut active = active();
    let deep = verified(
        "deep",
        BundleBuilder::new("1")
            .roots(["u/v/w"])
            .data(r#"{"u":{"v":{"w":1}}}"#),
    );
    let joined = deep.join(&active).unwrap();
    let tried = ready(joined, &demand(true)).check().unwrap().attempt(&env());
    active.swap(tried.unwrap()).unwrap();
    let gone = delta(
        "deep",
        "2",
        &["u/v/w"],
        &json!([{"op": "remove", "path": "u/v/w"}]),
    );
    let data = gone.clone().join(&active).unwrap().collection().data().to_json();
    assert!(data.ends_with(r#""u":{"v":{}}}"#), "{data}");
    swapped(&gone, &mut active);
    let again = delta(
        "deep",
        "3",
        &["u/v/w"],
        &json!([{"op": "replace", "path": "u/v/w"}]),
    );
    let refused = refusal(&again, &active);
    assert!(matches!(*refused.reason, Reason::Delta(DeltaError::NotFound(_))));
}

#[test]
fn the_language_of_modules_is_what_their_bundle_said() {
    let mut active = Active::default();
    let whole = verified("one", builder(1).plan(PLAN).rego_version(0));
    let tried = ready(whole.join(&active).unwrap(), &demand(true))
        .check()
        .unwrap();
    active.swap(tried.attempt(&env()).unwrap()).unwrap();
    // The delta's manifest says nothing of it, and is told as it is.
    let joined = delta("one", "2", &["a", "d"], &k(2)).join(&active).unwrap();
    let modules = joined.collection().modules();
    assert_eq!(
        modules.iter().map(|module| module.version).collect::<Vec<_>>(),
        [RegoVersion::V0]
    );
    let data = joined.collection().data().to_json();
    assert!(
        data.contains(r#""manifest":{"revision":"2","roots":["a","d"]}"#),
        "{data}"
    );
    assert!(data.contains(r#""one/p.rego":{"rego_version":0}"#), "{data}");
}
