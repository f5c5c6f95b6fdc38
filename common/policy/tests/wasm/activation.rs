//! From a bundle to a policy in force, where a module answers: which of a bundle's parts is asked, and what is refused.

use std::sync::Arc;

use postern_policy::activation::{Active, Demand, Fetched, NextStep, Refusal, Swapped};
use postern_policy::bundle::BundleBuilder;
use postern_policy::collection::{DataPath, Given};
use postern_policy::compilation::Wanted;
use postern_policy::{Deltas, HttpSend, Limits, Value, Verification};

use crate::{Built, build, env, json, module};

const REGO: &str =
    "package a\n\nx := {\"allowed\": input.user in data.a.users, \"by\": helper}\n\nhelper := \"module\"\n";
const FILES: [(&str, &str); 2] = [("a.rego", REGO), ("a/data.json", r#"{"users": ["ada"]}"#)];

fn demand(paths: &[(&str, bool)]) -> Demand {
    let wanted = paths.iter().map(|(path, required)| Wanted {
        path: DataPath::of_names(path),
        required: *required,
    });
    Demand {
        wanted: Arc::from(wanted.collect::<Vec<_>>()),
        http_send: HttpSend::Off,
        may_fail: false,
    }
}

fn brought(archives: &[(&str, &[u8])], demand: &Demand) -> Result<Swapped, Refusal> {
    let mut active = Active::default();
    let verified = archives.iter().map(|(name, archive)| {
        let fetched = Fetched {
            name,
            archive,
            etag: "",
            given: Given::Fetched,
        };
        fetched.verify(&Verification::Unsigned, &Limits::default())
    });
    let joined = active.start(verified.collect::<Result<Vec<_>, _>>()?)?;
    match joined.next(demand)? {
        NextStep::Ready(ready) => Ok(active.swap(ready.check()?.attempt(&env())?).unwrap()),
        NextStep::Compile(compiling) => Err(compiling.without_compiler()),
    }
}

fn answers(swapped: &Swapped, input: &str) -> Vec<Option<String>> {
    let asked = swapped.entrypoints.iter().map(|entrypoint| {
        let answer = swapped.engine.evaluate(*entrypoint, Some(&json(input)), &env());
        answer.unwrap().map(|value| value.to_json())
    });
    asked.collect()
}

fn built() -> Built {
    build(&FILES, &["a/x"])
}

#[test]
fn a_bundle_with_nothing_but_a_module_is_asked() {
    let archive = built().archive;
    let demand = demand(&[("a/x", true), ("system/log/mask", false), ("a/users", false)]);
    let swapped = brought(&[("one", &archive)], &demand);
    // What `opa build` leaves of the Rego is in the same package as the users.
    let refusal = swapped.unwrap_err().to_string();
    assert!(refusal.contains("`-e a/users`"), "{refusal}");
    let demand = self::demand(&[("a/x", true), ("system/log/mask", false)]);
    let swapped = brought(&[("one", &archive)], &demand).unwrap();
    assert_eq!(swapped.engine.revision(), "r1");
    assert!(swapped.engine.opaque().is_some());
    assert_eq!(
        answers(&swapped, r#"{"user": "ada"}"#),
        [Some(r#"{"allowed":true,"by":"module"}"#.to_owned()), None]
    );
    assert_eq!(
        answers(&swapped, r#"{"user": "eve"}"#)[0].as_deref(),
        Some(r#"{"allowed":false,"by":"module"}"#)
    );
}

#[test]
fn deltas_of_data_beside_it_reach_a_module_and_its_own_bundle_takes_none() {
    let rules = [
        ("a.rego", "package a\n\nx := input.user in data.roles.users\n"),
        (".manifest", r#"{"roots": ["a"]}"#),
    ];
    let rules = build(&rules, &["a/x"]).archive;
    let roles = BundleBuilder::new("1").roots(["roles"]);
    let roles = roles.data(r#"{"roles": {"users": ["ada"]}}"#).build().unwrap();
    let delta = |root: &str| {
        let patch = format!(r#"{{"data": [{{"op": "upsert", "path": "{root}/users", "value": ["eve"]}}]}}"#);
        let delta = BundleBuilder::new("2").roots([root]);
        delta.file("patch.json", patch).build_unread().unwrap()
    };
    let demand = demand(&[("a/x", true)]);
    let mut active = Active::default();
    let mut bring = |name: &str, archive: &[u8]| -> Result<Swapped, Refusal> {
        let fetched = Fetched {
            name,
            archive,
            etag: "",
            given: Given::Fetched,
        };
        let verified =
            fetched.verify_or_delta(&Verification::Unsigned, &Limits::default(), Deltas::default());
        match verified?.join(&active)?.next(&demand)? {
            NextStep::Ready(ready) => Ok(active.swap(ready.check()?.attempt(&env())?).unwrap()),
            NextStep::Compile(compiling) => Err(compiling.without_compiler()),
        }
    };
    let says = |swapped: &Swapped| {
        [r#"{"user": "ada"}"#, r#"{"user": "eve"}"#].map(|input| answers(swapped, input)[0].clone().unwrap())
    };
    bring("rules", &rules).unwrap();
    assert_eq!(says(&bring("roles", &roles).unwrap()), ["true", "false"]);
    let changed = bring("roles", &delta("roles")).unwrap();
    assert!(changed.engine.opaque().is_some(), "the module answers");
    assert_eq!(says(&changed), ["false", "true"]);
    let refused = bring("rules", &delta("a")).unwrap_err().to_string();
    assert!(
        refused.contains("has wasm resolvers or manifest roots that are different"),
        "{refused}"
    );
}

#[test]
fn a_plan_beside_the_module_is_what_runs() {
    let built = built();
    let files = [
        ("plan.json", built.plan.plan().unwrap().bytes().to_vec()),
        ("policy.wasm", module(&built.wasm).to_vec()),
        (
            ".manifest",
            br#"{"revision": "r2", "wasm": [{"entrypoint": "a/x", "module": "/policy.wasm"}]}"#.to_vec(),
        ),
        ("a/data.json", br#"{"users": ["ada"]}"#.to_vec()),
    ];
    let swapped = of_files(files, &demand(&[("a/x", true)])).unwrap();
    assert!(swapped.engine.opaque().is_none(), "it is the plan");
    assert!(answers(&swapped, r#"{"user": "ada"}"#)[0].is_some());
}

fn of_files<const N: usize>(files: [(&str, Vec<u8>); N], demand: &Demand) -> Result<Swapped, Refusal> {
    use postern_policy::Bundle;
    use postern_policy::activation::Verified;
    use postern_policy::collection::Member;

    let files = files.map(|(path, content)| (path.to_owned(), content));
    let bundle = Bundle::of_files(files, &Verification::Unsigned, &Limits::default()).unwrap();
    let mut active = Active::default();
    let verified = Verified::of(Member {
        name: "one".to_owned(),
        bundle: Arc::new(bundle),
        etag: String::new(),
        given: Given::AtStart,
    });
    match active.start(vec![verified])?.next(demand)? {
        NextStep::Ready(ready) => Ok(active.swap(ready.check()?.attempt(&env())?).unwrap()),
        NextStep::Compile(compiling) => Err(compiling.without_compiler()),
    }
}

#[test]
fn what_would_need_another_module_or_rego_is_refused_by_name() {
    let built = built();
    let wasm = || module(&built.wasm).to_vec();
    let refusal = |files: Vec<(&str, Vec<u8>)>, path: &str| {
        let files: [(&str, Vec<u8>); 3] = files.try_into().unwrap();
        of_files(files, &demand(&[(path, true)])).unwrap_err().to_string()
    };
    let manifest = |text: &str| (".manifest", text.as_bytes().to_vec());
    let data = || ("a/data.json", b"{}".to_vec());
    let named = r#"{"wasm": [{"entrypoint": "a/x", "module": "/policy.wasm"}]}"#;
    let words = refusal(vec![("other.wasm", wasm()), manifest(named), data()], "a/x");
    assert!(
        words.contains("`policy.wasm`, which is not in the bundle"),
        "{words}"
    );
    let words = refusal(vec![("policy.wasm", wasm()), manifest("{}"), data()], "a/x");
    assert!(words.contains("opa build -t wasm -e a/x"), "{words}");
    let words = refusal(vec![("policy.wasm", wasm()), manifest(named), data()], "b/y");
    assert!(words.contains("no entrypoint `b/y`; it has: a/x"), "{words}");
    let rego = ("b.rego", b"package b\n\ny := data.a.x\n".to_vec());
    let words = refusal(vec![("policy.wasm", wasm()), manifest(named), rego], "b/y");
    assert!(words.contains("build the bundle with `-e b/y`, too"), "{words}");
    let words = refusal(
        vec![("policy.wasm", b"\0asm".to_vec()), manifest(named), data()],
        "a/x",
    );
    assert!(words.starts_with("policy.wasm can't be run: "), "{words}");
}

#[test]
fn a_module_sees_the_data_of_all_bundles() {
    let rego = "package a\n\nx := [data.b.k, data.system.version.version]\n";
    let built = build(
        &[("a.rego", rego), (".manifest", r#"{"roots": ["a"]}"#)],
        &["a/x"],
    );
    let other = BundleBuilder::new("r9")
        .roots(["b"])
        .data(r#"{"b": {"k": 7}}"#)
        .build()
        .unwrap();
    let swapped = brought(
        &[("one", &built.archive), ("two", &other)],
        &demand(&[("a/x", true)]),
    )
    .unwrap();
    let version = Value::from(postern_policy::OPA_VERSION).to_json();
    assert_eq!(answers(&swapped, "{}"), [Some(format!("[7,{version}]"))]);
}
