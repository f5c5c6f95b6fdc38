mod damage;
mod deltas;
mod ordered;

use std::sync::Arc;

use postern_rego::Env;

use super::*;
use crate::bundle::BundleBuilder;
use crate::collection::{DataPath, Given, Loose, LooseFile, RegoVersion};
use crate::compilation::{Compiled, Next, Target, Wanted};
use crate::plan::fit::Unfit;
use crate::{EngineError, HttpSend, Limits, Verification};

/// What opa makes of `x := data.d.k` in package a, shortened.
const PLAN: &str = r#"{"static": {"strings": [{"value": "result"}, {"value": "d"}, {"value": "k"}], "files": [{"value": "p.rego"}]},
    "plans": {"plans": [{"name": "a/x", "blocks": [{"stmts": [
        {"type": "DotStmt", "stmt": {"source": {"type": "local", "value": 1}, "key": {"type": "string_index", "value": 1}, "target": 2}},
        {"type": "DotStmt", "stmt": {"source": {"type": "local", "value": 2}, "key": {"type": "string_index", "value": 2}, "target": 3}},
        {"type": "MakeObjectStmt", "stmt": {"target": 4}},
        {"type": "ObjectInsertStmt", "stmt": {"object": 4, "key": {"type": "string_index", "value": 0}, "value": {"type": "local", "value": 3}}},
        {"type": "ResultSetAddStmt", "stmt": {"value": 4}}]}]}]}, "funcs": {"funcs": []}}"#;
/// One that fails whatever it is asked: it gives one local two values.
const FAILS: &str = r#"{"static": {"strings": [{"value": "result"}], "files": []},
    "plans": {"plans": [{"name": "a/x", "blocks": [{"stmts": [
        {"type": "AssignVarOnceStmt", "stmt": {"source": {"type": "bool", "value": true}, "target": 3}},
        {"type": "AssignVarOnceStmt", "stmt": {"source": {"type": "bool", "value": false}, "target": 3}}]}]}]}}"#;
const REGO: &str = "package a\n\nx := data.d.k\n";

fn env() -> Env {
    Env::new(1_700_000_000_000_000_000, [0; 32])
}

fn demand(required: bool) -> Demand {
    let wanted = Wanted {
        path: DataPath::of_names("a/x"),
        required,
    };
    Demand {
        wanted: Arc::new([wanted]),
        http_send: HttpSend::Off,
        may_fail: false,
    }
}

fn builder(k: i64) -> BundleBuilder {
    BundleBuilder::new(k.to_string())
        .roots(["a", "d"])
        .file("p.rego", REGO)
        .data(format!(r#"{{"d":{{"k":{k}}}}}"#))
}

fn fetched<'a>(name: &'a str, archive: &'a [u8]) -> Fetched<'a> {
    Fetched {
        name,
        archive,
        etag: "\"e\"",
        given: Given::Fetched,
    }
}

fn verified(name: &str, builder: BundleBuilder) -> Verified {
    let archive = builder.build().unwrap();
    fetched(name, &archive)
        .verify(&Verification::Unsigned, &Limits::default())
        .unwrap()
}

fn ready(joined: Joined, demand: &Demand) -> Ready {
    match joined.next(demand).unwrap() {
        NextStep::Ready(ready) => *ready,
        NextStep::Compile(compiling) => panic!("{}", compiling.why()),
    }
}

fn compiling(joined: Joined) -> Compiling {
    match joined.next(&demand(true)).unwrap() {
        NextStep::Compile(compiling) => *compiling,
        NextStep::Ready(_) => panic!("its plan runs"),
    }
}

/// `one` of revision 1 in force.
fn active() -> Active {
    let mut active = Active::default();
    let joined = verified("one", builder(1).plan(PLAN)).join(&active).unwrap();
    let tried = ready(joined, &demand(true))
        .check()
        .unwrap()
        .attempt(&env())
        .unwrap();
    let swapped = active.swap(tried).unwrap();
    assert_eq!(answer(&swapped), "1");
    active
}

fn answer(swapped: &Swapped) -> String {
    let answer = swapped.engine.evaluate(swapped.entrypoints[0], None, &env());
    answer
        .unwrap()
        .map_or_else(|| "undefined".to_owned(), |value| value.to_json())
}

fn in_force(active: &Active) -> Vec<(String, String)> {
    let bundles = active.bundles();
    bundles
        .map(|bundle| (bundle.name.to_owned(), bundle.revision.to_owned()))
        .collect()
}

fn one() -> Vec<(String, String)> {
    vec![("one".to_owned(), "1".to_owned())]
}

#[test]
fn whoever_is_killed_at_any_step_leaves_what_was_in_force() {
    let archive = builder(2).plan(PLAN).build().unwrap();
    for step in 0..6 {
        let mut active = active();
        let verified = || {
            fetched("one", &archive)
                .verify(&Verification::Unsigned, &Limits::default())
                .unwrap()
        };
        let joined = |active: &Active| verified().join(active).unwrap();
        // Each arm goes so far, and drops what it has.
        match step {
            0 => drop(fetched("one", &archive)),
            1 => drop(verified()),
            2 => drop(joined(&active)),
            3 => drop(ready(joined(&active), &demand(true))),
            4 => drop(ready(joined(&active), &demand(true)).check().unwrap()),
            _ => drop(
                ready(joined(&active), &demand(true))
                    .check()
                    .unwrap()
                    .attempt(&env())
                    .unwrap(),
            ),
        }
        assert_eq!(in_force(&active), one(), "step {step}");
        // What comes next finds everything as it was.
        let tried = ready(joined(&active), &demand(true))
            .check()
            .unwrap()
            .attempt(&env())
            .unwrap();
        assert_eq!(answer(&active.swap(tried).unwrap()), "2");
        assert_eq!(in_force(&active), [("one".to_owned(), "2".to_owned())]);
    }
}

#[test]
fn what_is_refused_names_step_bundle_and_remedy() {
    let active = active();
    let step = |refusal: Refusal| (refusal.step, refusal.bundles.join(" "), refusal.to_string());

    let damaged = fetched("two", b"nonsense").verify(&Verification::Unsigned, &Limits::default());
    let (at, bundle, text) = step(damaged.unwrap_err());
    assert!(
        at == Step::Verify && bundle == "two" && text.contains("gzipped tar"),
        "{text}"
    );

    let overlapping = verified("two", BundleBuilder::new("r").roots(["a/b"])).join(&active);
    let (at, bundle, text) = step(overlapping.unwrap_err());
    assert!(
        at == Step::Join && bundle == "one two" && text.contains("a overlaps a/b"),
        "{text}"
    );

    let rego_only = verified("one", builder(2)).join(&active).unwrap();
    let (at, bundle, text) = step(compiling(rego_only).without_compiler());
    assert!(at == Step::Compile && bundle == "one", "{text}");
    assert!(
        text.contains("the bundle has Rego (p.rego) but no plan.json")
            && text.contains("postern bundle build -e a/x"),
        "{text}"
    );

    let nothing = verified("one", BundleBuilder::new("2")).join(&active).unwrap();
    let (at, _, text) = step(nothing.next(&demand(true)).unwrap_err());
    assert!(
        at == Step::Compile && text.contains("neither plan.json nor Rego"),
        "{text}"
    );

    let older = verified("one", builder(2).plan(PLAN.replace("p.rego", "q.rego")))
        .join(&active)
        .unwrap();
    let refusal = compiling(older);
    assert!(matches!(refusal.why(), Unfit::Older { file, .. } if file == "q.rego"));
    let (at, _, text) = step(refusal.without_compiler());
    assert!(
        at == Step::Compile && text.contains("older than its Rego") && text.contains("policy.opa"),
        "{text}"
    );

    let malformed = verified("one", builder(2).plan("{}x")).join(&active).unwrap();
    let (_, _, text) = step(compiling(malformed).without_compiler());
    assert!(text.contains("the plan can't be run"), "{text}");

    let fails = verified("one", builder(2).plan(FAILS)).join(&active).unwrap();
    let tried = ready(fails, &demand(true)).check().unwrap().attempt(&env());
    let (at, bundle, text) = step(tried.unwrap_err());
    assert!(at == Step::Try && bundle == "one", "{text}");

    assert_eq!(in_force(&active), one());
}

#[test]
fn what_was_overtaken_is_joined_again() {
    let mut active = active();
    let try_it = |verified: Verified, active: &Active| {
        ready(verified.join(active).unwrap(), &demand(true))
            .check()
            .unwrap()
            .attempt(&env())
            .unwrap()
    };
    let slow = try_it(verified("one", builder(2).plan(PLAN)), &active);
    let quick = try_it(verified("two", BundleBuilder::new("q").roots(["q"])), &active);
    active.swap(quick).unwrap();
    let Stale(candidates) = active.swap(slow).unwrap_err();
    let [candidate] = candidates.try_into().unwrap();
    let again = try_it(candidate, &active);
    assert_eq!(answer(&active.swap(again).unwrap()), "2");
    assert_eq!(
        in_force(&active),
        [
            ("one".to_owned(), "2".to_owned()),
            ("two".to_owned(), "q".to_owned())
        ]
    );
}

#[test]
fn of_one_bundle_only_its_name_is_kept() {
    let mut active = Active::of_one_bundle(None);
    for k in [1, 2] {
        let joined = verified("one", builder(k).plan(PLAN)).join(&active).unwrap();
        let tried = ready(joined, &demand(true))
            .check()
            .unwrap()
            .attempt(&env())
            .unwrap();
        assert_eq!(answer(&active.swap(tried).unwrap()), k.to_string());
        assert_eq!(in_force(&active), [("one".to_owned(), k.to_string())]);
    }
    let joined = verified("two", BundleBuilder::new("q").roots(["a"]))
        .join(&active)
        .unwrap();
    assert_eq!(
        joined.collection().members().len(),
        1,
        "it would take the place of the other"
    );
    active.wait(verified("two", BundleBuilder::new("q")));
    assert!(active.waiting().is_empty());
}

#[test]
fn a_newer_one_takes_the_place_of_one_that_waits() {
    let mut active = active();
    active.wait(verified("two", BundleBuilder::new("1").roots(["q"])));
    active.wait(verified("two", BundleBuilder::new("2").roots(["q"])));
    let waiting: Vec<String> = active
        .waiting()
        .iter()
        .map(|one| one.revision().to_owned())
        .collect();
    assert_eq!(waiting, ["2"]);
    active.forget("two");
    assert!(active.waiting().is_empty());
}

#[test]
fn without_rules_the_answer_is_base_data_or_nothing() {
    let loose = |content: &str| {
        let mut loose = Loose::default();
        let file = LooseFile {
            path: "d.json",
            place: &[],
            named: true,
            content: content.as_bytes(),
        };
        loose.add(&file, RegoVersion::V1).unwrap();
        Active::new(loose, RegoVersion::V1)
    };
    // Whatever opa would make of no Rego at all: a plan of nothing that is asked.
    let nothing = r#"{"static": {"strings": [], "files": []}, "plans": {"plans": [{"name": "postern__entrypoints/none", "blocks": []}]}}"#;
    for (data, expected) in [(r#"{"a":{"x":[1]}}"#, Some("[1]")), (r#"{"a":{}}"#, None)] {
        let active = loose(data);
        let NextStep::Compile(compiling) = active.start(Vec::new()).unwrap().next(&demand(false)).unwrap()
        else {
            panic!("there is no plan")
        };
        let attempt = compiling.job().begin();
        assert_eq!(attempt.arguments().last().map(String::as_str), Some("postern"));
        let compiled = attempt.built(nothing.as_bytes().to_vec());
        assert_eq!(compiled.targets(), [Target::Data]);
        let tried = compiling
            .compiled(&compiled)
            .unwrap()
            .check()
            .unwrap()
            .attempt(&env())
            .unwrap();
        let found = tried
            .engine()
            .evaluate(tried.entrypoints()[0], None, &env())
            .unwrap();
        assert_eq!(found.map(|value| value.to_json()).as_deref(), expected);
    }
    let refusal = loose("{}")
        .start(Vec::new())
        .unwrap()
        .next(&demand(true))
        .unwrap_err();
    assert!(refusal.to_string().contains("no policy"), "{refusal}");
}

#[test]
fn what_is_required_is_there_or_refused() {
    let active = Active::default();
    let candidate = verified("one", builder(1)).join(&active).unwrap();
    let compiling = compiling(candidate);
    let said = "error: entrypoint \"a/x\" does not refer to a rule or policy decision";
    let Next::Retry(attempt) = compiling.job().begin().failed(said) else {
        panic!("it is refused")
    };
    let compiled = attempt.built(PLAN.as_bytes().to_vec());
    let refusal = compiling.compiled(&compiled).unwrap().check().unwrap_err();
    assert_eq!(refusal.step, Step::Check);
    assert!(
        matches!(
            *refusal.reason,
            Reason::Engine(EngineError::NoSuchEntrypoint { .. })
        ),
        "{refusal}"
    );
}

#[test]
fn what_was_compiled_of_something_else_is_not_taken() {
    let active = Active::default();
    let candidate = || compiling(verified("one", builder(1)).join(&active).unwrap());
    let bytes = candidate()
        .job()
        .begin()
        .built(PLAN.as_bytes().to_vec())
        .to_bytes("x")
        .unwrap();
    let other = String::from_utf8(bytes)
        .unwrap()
        .replace(r#"[{"entrypoint":"a/x"}]"#, "[]");
    assert!(Compiled::from_bytes(other.as_bytes(), "x").is_err());
    let one = verified("one", builder(1)).join(&active).unwrap();
    let digest = compiling(one).job().digest();
    assert_eq!(digest, candidate().job().digest());
    let other = verified("one", builder(1).file("q.rego", "package a"))
        .join(&active)
        .unwrap();
    assert_ne!(digest, compiling(other).job().digest());
    let data = verified("one", builder(2)).join(&active).unwrap();
    assert_eq!(digest, compiling(data).job().digest(), "base data isn't compiled");
}
