//! Deltas of what is in force.

mod told;

use serde_json::{Value as Json, json};

use super::*;
use crate::{BundleError, DeltaError, Deltas, OpaVerification};

fn archive(revision: &str, roots: &[&str], operations: &Json) -> BundleBuilder {
    let patch = json!({ "data": operations }).to_string();
    BundleBuilder::new(revision)
        .roots(roots.iter().copied())
        .file("patch.json", patch)
}

fn read(
    name: &str,
    builder: BundleBuilder,
    verification: &Verification,
    deltas: Deltas,
) -> Result<Verified, Refusal> {
    let archive = builder.build_unread().unwrap();
    fetched(name, &archive).verify_or_delta(verification, &Limits::default(), deltas)
}

fn delta(name: &str, revision: &str, roots: &[&str], operations: &Json) -> Verified {
    let builder = archive(revision, roots, operations);
    let read = read(name, builder, &Verification::Unsigned, Deltas::default());
    let read = read.unwrap();
    assert_eq!((read.kind(), read.revision()), ("delta", revision));
    read
}

fn k(value: i64) -> Json {
    json!([{"op": "upsert", "path": "/d/k", "value": value}])
}

fn try_it(candidate: &Verified, active: &Active) -> Result<Tried, Refusal> {
    let ready = match candidate.clone().join(active)?.next(&demand(true))? {
        NextStep::Ready(ready) => ready,
        NextStep::Compile(compiling) => panic!("{} is compiled", compiling.why()),
    };
    ready.check()?.attempt(&env())
}

fn swapped(candidate: &Verified, active: &mut Active) -> String {
    let tried = try_it(candidate, active).unwrap();
    answer(&active.swap(tried).unwrap())
}

fn refusal(candidate: &Verified, active: &Active) -> Refusal {
    let before = in_force(active);
    let refused = try_it(candidate, active).unwrap_err();
    assert_eq!(in_force(active), before);
    refused
}

/// As the compiler makes it.
fn compiled(joined: Joined) -> Tried {
    let compiling = compiling(joined);
    let plan = compiling.job().begin().built(PLAN.as_bytes().to_vec());
    let ready = compiling.compiled(&plan).unwrap();
    ready.check().unwrap().attempt(&env()).unwrap()
}

#[test]
fn data_changes_and_the_policy_is_not_made_again() {
    // What was compiled is nowhere in the bundle: it couldn't be made again here.
    let mut active = Active::default();
    let tried = compiled(verified("one", builder(1)).join(&active).unwrap());
    assert_eq!(answer(&active.swap(tried).unwrap()), "1");
    assert_eq!(swapped(&delta("one", "2", &["d", "a"], &k(2)), &mut active), "2");
    assert_eq!(swapped(&delta("one", "3", &["a", "d"], &k(3)), &mut active), "3");
    assert_eq!(in_force(&active), [("one".to_owned(), "3".to_owned())]);
    // Of another bundle's data, too.
    let other = BundleBuilder::new("").roots(["other"]);
    let tried = compiled(verified("other", other).join(&active).unwrap());
    active.swap(tried).unwrap();
    let changes = json!([{"op": "upsert", "path": "other/x", "value": {}}]);
    assert_eq!(
        swapped(&delta("other", "o2", &["other"], &changes), &mut active),
        "3"
    );
}

#[test]
fn what_is_asked_otherwise_is_made_again() {
    let active = active();
    let joined = delta("one", "2", &["a", "d"], &k(2)).join(&active).unwrap();
    let other = Demand {
        http_send: HttpSend::On,
        ..demand(true)
    };
    // By the bundle's own plan, which stays in it.
    let tried = ready(joined, &other).check().unwrap().attempt(&env()).unwrap();
    assert_eq!(tried.names(), ["a/x"]);
}

#[test]
fn a_delta_of_another_bundle_or_outside_of_it_is_refused_in_opas_words() {
    let active = active();
    let refused = refusal(&delta("one", "2", &["d"], &k(2)), &active);
    assert_eq!(refused.step, Step::Patch);
    assert_eq!(
        refused.to_string(),
        "delta bundle 'one' has wasm resolvers or manifest roots that are different from those in the store"
    );
    let refused = refusal(&delta("two", "2", &["d"], &k(2)), &active);
    assert_eq!(refused.step, Step::Join);
    assert!(
        refused.to_string().contains("root d is in multiple bundles"),
        "{refused}"
    );
    let gone = json!([{"op": "remove", "path": "/d/none"}]);
    let refused = refusal(&delta("one", "2", &["a", "d"], &gone), &active);
    assert_eq!(
        refused.to_string(),
        "storage_not_found_error: document does not exist"
    );
    // And the one bundle of our own configuration takes none.
    let mut sole = Active::of_one_bundle(None);
    let joined = verified("one", builder(1).plan(PLAN)).join(&sole).unwrap();
    let tried = ready(joined, &demand(true)).check().unwrap().attempt(&env());
    sole.swap(tried.unwrap()).unwrap();
    let refused = refusal(&delta("one", "2", &["a", "d"], &k(2)), &sole);
    assert!(
        refused.to_string().contains("delta bundles aren't supported"),
        "{refused}"
    );
}

#[test]
fn data_where_a_rule_is_conflicts() {
    let mut active = Active::default();
    let compiling = compiling(verified("one", builder(1)).join(&active).unwrap());
    let unplanned = r#"{"unplanned_rules":[{"path":"data.a.y","location":{"file":0,"row":3}}],"#;
    let plan = PLAN.replacen('{', unplanned, 1).into_bytes();
    let plan = compiling.job().begin().built(plan);
    let tried = compiling.compiled(&plan).unwrap().check().unwrap();
    active.swap(tried.attempt(&env()).unwrap()).unwrap();
    let y = |path: &str| {
        delta(
            "one",
            "2",
            &["a", "d"],
            &json!([{"op": "upsert", "path": path, "value": 1}]),
        )
    };
    let refused = refusal(&y("a/y"), &active);
    assert_eq!(refused.step, Step::Check);
    assert!(
        refused.to_string().contains("conflicting rule for data path a/y"),
        "{refused}"
    );
    assert_eq!(swapped(&y("a/z"), &mut active), "1");
}

#[test]
fn what_may_not_be_in_a_delta_is_refused_in_opas_words() {
    let refused = |builder: BundleBuilder, verification: &Verification, is_kept| {
        let refused = read("one", builder, verification, Deltas { is_kept }).unwrap_err();
        assert_eq!(refused.step, Step::Verify);
        match *refused.reason {
            Reason::Bundle(BundleError::Delta(error)) => error,
            other => panic!("{other}"),
        }
    };
    let good = || archive("2", &["a", "d"], &k(2));
    let unsigned = Verification::Unsigned;
    let required = |takes_unsigned_deltas| {
        Verification::AsOpa(Arc::new(OpaVerification {
            is_required: true,
            takes_unsigned_deltas,
            ..OpaVerification::default()
        }))
    };
    assert!(read("one", good(), &required(true), Deltas::default()).is_ok());
    let expected = "delta bundle expected to contain only patch file but";
    for (error, said) in [
        (
            refused(good(), &required(false), false),
            "delta bundles do not support signature verification".to_owned(),
        ),
        (
            refused(good().data("{\"d\":1}"), &unsigned, false),
            format!("{expected} data files found"),
        ),
        (
            refused(good().file("x/data.yaml", ""), &unsigned, false),
            format!("{expected} data files found"),
        ),
        (
            refused(good().file("p.rego", REGO), &unsigned, true),
            format!("{expected} policy files found"),
        ),
        (
            refused(good().file("x/policy.wasm", ""), &unsigned, true),
            format!("{expected} wasm files found"),
        ),
        (
            refused(good(), &unsigned, true),
            "'persist' property is true in config. persisting delta bundle to disk is not supported"
                .to_owned(),
        ),
        (
            refused(
                archive("2", &["d"], &json!([{"op": "upsert", "path": "/e//f/"}])),
                &unsigned,
                false,
            ),
            "manifest roots [d] do not permit data patch at path 'e//f'".to_owned(),
        ),
    ] {
        assert_eq!(error.to_string(), said);
    }
    // A signature isn't looked at, but as a file.
    let optional = Verification::AsOpa(Arc::default());
    let signed = |text: &str| good().file(".signatures.json", text);
    assert!(
        read(
            "one",
            signed(r#"{"signatures":["x"]}"#),
            &optional,
            Deltas::default()
        )
        .is_ok()
    );
    assert!(read("one", signed("x"), &unsigned, Deltas::default()).is_ok());
    let refused = read("one", signed("x"), &optional, Deltas::default()).unwrap_err();
    assert!(
        refused.to_string().starts_with("`.signatures.json`: "),
        "{refused}"
    );
    // Nothing that OPA finds.
    assert!(read("one", good().data("{}"), &unsigned, Deltas::default()).is_ok());
    assert!(
        read(
            "one",
            good().file("plan.json", "{}"),
            &unsigned,
            Deltas::default()
        )
        .is_ok()
    );
    // Who asks for whole bundles gets no other.
    let archive = good().build_unread().unwrap();
    let whole = fetched("one", &archive).verify(&unsigned, &Limits::default());
    assert!(
        whole
            .unwrap_err()
            .to_string()
            .contains("delta bundles aren't supported")
    );
    // And a patch without operations makes no delta of a bundle.
    let empty = builder(1).file("x/patch.json", r#"{"data": []}"#);
    let whole = read("one", empty, &unsigned, Deltas { is_kept: true }).unwrap();
    assert_eq!(whole.kind(), "snapshot");
}

#[test]
fn what_grows_beyond_what_a_bundle_may_hold_is_refused_and_waits_for_nothing() {
    let limits = Limits {
        inflated_bytes: 4 * 1024,
        ..Limits::default()
    };
    let mut active = active();
    let text = "x".repeat(900);
    let grow = |number: i64| {
        let path = format!("/d/{number}");
        let operations = json!([{"op": "upsert", "path": path, "value": text}]);
        let archive = archive(&number.to_string(), &["a", "d"], &operations)
            .build_unread()
            .unwrap();
        fetched("one", &archive).verify_or_delta(&Verification::Unsigned, &limits, Deltas::default())
    };
    // The plan has some 1,200 bytes.
    for number in 0..3 {
        swapped(&grow(number).unwrap(), &mut active);
    }
    let large = grow(3).unwrap();
    let refused = refusal(&large, &active);
    assert_eq!(
        *refused.reason,
        Reason::Delta(DeltaError::TooLarge { limit: 4 * 1024 })
    );
    // What is refused waits for no other bundle, since its server is asked for it again.
    active.wait(verified("one", builder(9).plan(PLAN)));
    assert_eq!(active.waiting().len(), 1);
    active.wait(large);
    assert!(active.waiting().is_empty());
    // Room is made, and it fits.
    let less = delta(
        "one",
        "5",
        &["a", "d"],
        &json!([{"op": "remove", "path": "/d/0"}, {"op": "remove", "path": "/d/1"}]),
    );
    swapped(&less, &mut active);
    swapped(&grow(3).unwrap(), &mut active);
}
