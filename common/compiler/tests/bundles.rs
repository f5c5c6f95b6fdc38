//! Bundles and files beside them, compiled together: what they see of one another, and what is said of those that are wrong.

#[cfg(test)]
mod support;

#[cfg(test)]
use asking::{activated, answer, demand, wanted};
use postern_compiler::{Opa, RunError, RunLimits};
use postern_policy::activation::{Active, Demand, Reason, Refusal, Step, Tried};
use postern_policy::collection::{DataPath, Loose, LooseFile, RegoVersion};
use postern_policy::compilation::Wanted;
use postern_policy::{HttpSend, Value};
use support::{World, env, verified};

/// A name, a manifest, files.
type Given<'g> = (&'g str, &'g str, &'g [(&'g str, &'g str)]);

const ROLES: Given<'_> = (
    "roles",
    r#"{"roots":["roles"],"revision":"b7"}"#,
    &[("r.rego", "package roles\n\nadmin(u) if u == \"ada\"\n")],
);
const AUTHZ: Given<'_> = (
    "authz",
    r#"{"roots":["authz"],"revision":"a1"}"#,
    &[(
        "p.rego",
        "package authz\n\nallow if data.roles.admin(input.user)\n\nrevision := data.system.bundles.roles.manifest.revision\n",
    )],
);

#[cfg(test)]
mod asking {
    use super::*;

    pub(super) fn demand(paths: &[&str]) -> Demand {
        let path = |text: &&str| Wanted {
            path: DataPath::of_ref(text).unwrap(),
            required: false,
        };
        Demand {
            wanted: paths.iter().map(path).collect(),
            http_send: HttpSend::Off,
            may_fail: false,
        }
    }

    /// Activates bundles one after the other, each together with those before it.
    pub(super) async fn activated(bundles: &[Given<'_>], paths: &[&str]) -> Result<Tried, Refusal> {
        let world = World::new(&[]);
        let mut active = Active::default();
        let (last, before) = bundles.split_last().unwrap();
        for (name, manifest, files) in before {
            let joined = verified(name, manifest, files).join(&active)?;
            let tried = world.steps(joined, &demand(paths)).await?;
            active.swap(tried).unwrap();
        }
        let (name, manifest, files) = last;
        world
            .steps(verified(name, manifest, files).join(&active)?, &demand(paths))
            .await
    }

    pub(super) fn answer(tried: &Tried, at: usize, input: &str) -> Option<String> {
        let input = Value::from_json_str(input).unwrap();
        let answer = tried
            .engine()
            .evaluate(tried.entrypoints()[at], Some(&input), &env());
        answer.unwrap().map(|value| value.to_json())
    }

    pub(super) fn wanted(paths: &[&str]) -> Vec<Wanted> {
        demand(paths).wanted.to_vec()
    }
}

#[tokio::test]
async fn bundles_are_compiled_together() {
    let tried = activated(&[ROLES, AUTHZ], &["data.authz"]).await.unwrap();
    assert_eq!(
        answer(&tried, 0, r#"{"user":"ada"}"#).unwrap(),
        r#"{"allow":true,"revision":"b7"}"#
    );
    assert_eq!(tried.engine().revision(), "authz=a1,roles=b7");
}

#[tokio::test]
async fn a_bundle_that_needs_another_is_refused_alone_and_follows_it() {
    let refusal = activated(&[AUTHZ], &["data.authz.allow"]).await.unwrap_err();
    let text = refusal.to_string();
    assert!(
        text.contains("undefined function data.roles.admin") && text.contains("authz/p.rego:3"),
        "{text}"
    );
    assert_eq!(
        (refusal.step, refusal.bundles),
        (Step::Compile, vec!["authz".to_owned()])
    );

    let world = World::new(&[]);
    let demand = demand(&["data.authz.allow"]);
    let mut active = Active::default();
    let (name, manifest, files) = AUTHZ;
    active.wait(verified(name, manifest, files));
    let (name, manifest, files) = ROLES;
    let joined = verified(name, manifest, files).join(&active).unwrap();
    let tried = world.steps(joined, &demand).await.unwrap();
    active.swap(tried).unwrap();
    let [waiting] = active.waiting().try_into().unwrap();
    let tried = world
        .steps(waiting.join(&active).unwrap(), &demand)
        .await
        .unwrap();
    assert_eq!(answer(&tried, 0, r#"{"user":"ada"}"#).unwrap(), "true");
    active.swap(tried).unwrap();
    assert!(active.waiting().is_empty());
    let names: Vec<_> = active.bundles().map(|bundle| bundle.name.to_owned()).collect();
    assert_eq!(names, ["authz", "roles"]);
}

#[tokio::test]
async fn a_plan_that_was_built_without_the_others_is_not_taken() {
    // What `opa build` makes of one bundle alone: a reference to the other's rule is a lookup in base data.
    let folder = tempfile::tempdir().unwrap();
    let rego = "package authz\n\nallow if data.roles.ada\n";
    std::fs::write(folder.path().join("p.rego"), rego).unwrap();
    let output = folder.path().join("out.tar.gz");
    let built = std::process::Command::new(support::opa())
        .current_dir(folder.path())
        .args(["build", "-t", "plan", "-b", ".", "-e", "authz/allow", "-o"])
        .arg(&output)
        .status()
        .unwrap();
    assert!(built.success());
    let archive = std::fs::read(&output).unwrap();
    let limits = postern_policy::Limits::default();
    let bundle =
        postern_policy::Bundle::read(&archive, &postern_policy::Verification::Unsigned, &limits).unwrap();
    let plan = std::str::from_utf8(bundle.file("plan.json").unwrap())
        .unwrap()
        .to_owned();

    let alone: Given<'_> = (
        "authz",
        r#"{"roots":["authz"]}"#,
        &[("p.rego", rego), ("plan.json", &plan)],
    );
    let tried = activated(&[alone], &["data.authz.allow"]).await.unwrap();
    assert_eq!(answer(&tried, 0, "{}"), None, "it runs where it is all there is");
    let roles: Given<'_> = (
        "roles",
        r#"{"roots":["roles"]}"#,
        &[("r.rego", "package roles\n\nada := true\n")],
    );
    let tried = activated(&[roles, alone], &["data.authz.allow"]).await.unwrap();
    assert_eq!(answer(&tried, 0, "{}").unwrap(), "true");
    let data: Given<'_> = (
        "roles",
        r#"{"roots":["roles"]}"#,
        &[("data.json", r#"{"roles":{"ada":true}}"#)],
    );
    let tried = activated(&[data, alone], &["data.authz.allow"]).await.unwrap();
    assert_eq!(answer(&tried, 0, "{}").unwrap(), "true");
}

#[tokio::test]
async fn each_file_is_of_the_version_that_its_manifest_says() {
    let old = "package old\n\nallow { input.x == 1 }\n";
    let new = "package new\n\nallow if input.x == 1\n";
    let by_bundle: [Given<'_>; 2] = [
        (
            "a-old",
            r#"{"roots":["old"],"rego_version":0}"#,
            &[("p.rego", old)],
        ),
        ("b-new", r#"{"roots":["new"]}"#, &[("p.rego", new)]),
    ];
    let by_file: [Given<'_>; 1] = [(
        "both",
        r#"{"roots":["old","new"],"rego_version":1,"file_rego_versions":{"/o/*.rego":0}}"#,
        &[("o/p.rego", old), ("n/p.rego", new)],
    )];
    for set in [&by_bundle[..], &by_file[..]] {
        let tried = activated(set, &["data.old.allow", "data.new.allow"])
            .await
            .unwrap();
        assert_eq!(answer(&tried, 0, r#"{"x":1}"#).unwrap(), "true");
        assert_eq!(answer(&tried, 1, r#"{"x":1}"#).unwrap(), "true");
    }
    let unsaid: Given<'_> = ("old", r#"{"roots":["old"]}"#, &[("p.rego", old)]);
    let refusal = activated(&[unsaid], &["data.old.allow"]).await.unwrap_err();
    assert!(
        refusal.to_string().contains("old/p.rego:3: rego_parse_error"),
        "{refusal}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_policy_is_told_in_opas_words_with_file_and_row() {
    for (rego, expected) in [
        ("package a\n\nx := 1 +\n", "one/p.rego:4: rego_parse_error"),
        (
            "package a\n\nx := \"a\" + 1\n",
            "one/p.rego:3: rego_type_error: plus: invalid argument",
        ),
        (
            "package a\n\nx := no.such(1)\n",
            "one/p.rego:3: rego_type_error: undefined function no.such",
        ),
        (
            "package a\n\nx := 1\n\nx contains 2\n",
            "rego_type_error: conflicting rules data.a.x found",
        ),
        (
            "package a\n\nx if data.a.x\n",
            "one/p.rego:3: rego_recursion_error: rule data.a.x is recursive",
        ),
        ("package a\n\nx { true }\n", "one/p.rego:3: rego_parse_error"),
    ] {
        let bundle: Given<'_> = ("one", "{}", &[("p.rego", rego)]);
        let refusal = activated(&[bundle], &["data.a.x"]).await.unwrap_err();
        assert_eq!(refusal.step, Step::Compile, "{refusal}");
        assert!(refusal.to_string().contains(expected), "{rego}: {refusal}");
        assert_eq!(refusal.bundles, ["one"]);
    }
}

#[tokio::test]
async fn a_valid_policy_that_opa_cannot_plan_is_refused_and_said_to_be_valid() {
    // `opa eval` answers 1.
    let rego = "package a\n\nq := data.a.p.a.b\n\np[x].b := 1 if x := \"a\"\n\np[x].c := q if x := \"a\"\n";
    let bundle: Given<'_> = ("one", "{}", &[("p.rego", rego)]);
    let refusal = activated(&[bundle], &["data.a.q"]).await.unwrap_err();
    let text = refusal.to_string();
    assert!(
        text.contains("opa can't plan this policy")
            && text.contains("though it is valid Rego: one/p.rego:7: "),
        "{text}"
    );
}

#[tokio::test]
async fn a_compiler_that_wants_more_memory_than_it_may_have_is_ended() {
    use std::fmt::Write as _;
    let mut rego = "package a\n".to_owned();
    for number in 0..20_000 {
        writeln!(rego, "r{number} := [{number} | input.x == {number}]").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.rego"), rego).unwrap();
    let limits = RunLimits {
        memory_bytes: 24 << 20,
        ..RunLimits::default()
    };
    let opa = Opa::new(support::opa(), limits);
    let error = opa.run(Some(folder.path()), ["check", "."]).await.unwrap_err();
    assert!(matches!(error, RunError::Memory { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "opa needs more than the 24 MiB that it may have"
    );
}

#[tokio::test]
async fn a_rule_where_data_is_is_refused_also_where_nothing_asks_for_it() {
    let bundle: Given<'_> = (
        "one",
        "{}",
        &[
            ("p.rego", "package a\n\nx := 1\n\nunused := 2\n"),
            ("data.json", r#"{"a":{"unused":3}}"#),
        ],
    );
    let refusal = activated(&[bundle], &["data.a.x"]).await.unwrap_err();
    assert_eq!(refusal.step, Step::Check);
    let expected = "one/p.rego:5: rego_compile_error: conflicting rule for data path a/unused found";
    assert!(refusal.to_string().contains(expected), "{refusal}");
}

#[tokio::test]
async fn files_beside_bundles_are_compiled_with_them() {
    let world = World::new(&[]);
    let mut loose = Loose::default();
    let policy = "package envoy.authz\n\nallow if data.roles.admin[input.user]\n";
    for (path, content) in [("/policy/p.rego", policy), ("d.json", r#"{"d":1}"#)] {
        let file = LooseFile {
            path,
            place: &[],
            named: true,
            content: content.as_bytes(),
        };
        loose.add(&file, RegoVersion::V1).unwrap();
    }
    let demand = demand(&["data.envoy.authz.allow"]);
    let mut active = Active::new(loose, RegoVersion::V1);
    let alone = world
        .steps(active.start(Vec::new()).unwrap(), &demand)
        .await
        .unwrap();
    assert_eq!(answer(&alone, 0, r#"{"user":"ada"}"#), None);
    active.swap(alone).unwrap();
    let roles = [("r.rego", "package roles\n\nadmin contains \"ada\"\n")];
    let roles = verified("roles", r#"{"roots":["roles"]}"#, &roles);
    let tried = world.steps(roles.join(&active).unwrap(), &demand).await.unwrap();
    assert_eq!(answer(&tried, 0, r#"{"user":"ada"}"#).unwrap(), "true");
}

const FILES: &[(&str, &str)] = &[
    ("p.rego", "package a\n\nx := 1\n"),
    ("data.json", r#"{"a":{"plain":2}}"#),
];

#[tokio::test]
async fn nothing_is_compiled_twice_and_what_is_damaged_is_compiled_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::counting(FILES);
    let paths = wanted(&["data.a.x", "data.system.log.mask"]);
    for _ in 0..2 {
        world.tried(&paths).await.unwrap();
        assert_eq!(
            world.runs(),
            1,
            "neither a second time nor for a path without rules"
        );
    }
    let kept = world.kept();
    assert_eq!(kept.len(), 1);
    let mut changed = std::fs::read(&kept[0]).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    for (before, damage) in [(1, Vec::new()), (2, b"nonsense".to_vec()), (3, changed)] {
        std::fs::write(&kept[0], damage).unwrap();
        world.tried(&paths).await.unwrap();
        assert_eq!(world.runs(), before + 1);
    }
    let mode = std::fs::metadata(&kept[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What somebody else could have written decides nothing.
    std::fs::set_permissions(&kept[0], std::fs::Permissions::from_mode(0o622)).unwrap();
    world.tried(&paths).await.unwrap();
    assert_eq!(world.runs(), 5);
    for number in 0..10 {
        let other = format!("data.system.n{number}");
        world.tried(&wanted(&["data.a.x", &other])).await.unwrap();
    }
    assert_eq!(world.kept().len(), 8);
    assert_eq!(world.strays(), 0, "folders to compile in are gone");
}

#[tokio::test]
async fn a_path_that_turns_out_to_be_no_rule_costs_one_more_run() {
    let world = World::counting(FILES);
    let paths = wanted(&["data.a.x", "data.a.nothing", "data.a.plain"]);
    let tried = world.tried(&paths).await.unwrap();
    assert_eq!(world.runs(), 3);
    assert_eq!(answer(&tried, 1, "{}"), None);
    assert_eq!(answer(&tried, 2, "{}").unwrap(), "2");
}

#[tokio::test]
async fn an_opa_that_cannot_run_is_no_refusal_of_the_policy() {
    let world = World::with_opa(FILES, "/nowhere/opa".into());
    let refusal = world.tried(&wanted(&["data.a.x"])).await.unwrap_err();
    assert!(matches!(*refusal.reason, Reason::Compiler(_)), "{refusal}");
    assert!(
        refusal.to_string().contains("/nowhere/opa can't be run"),
        "{refusal}"
    );
}
