//! Policies compiled here and asked, beside OPA itself (`opa eval`) on the same files and paths.

#[cfg(test)]
mod support;

#[cfg(test)]
use asking::{answer, wanted};
use postern_policy::Value;
use postern_policy::activation::{Step, Tried};
use postern_policy::collection::{DataPath, package};
use postern_policy::compilation::Wanted;
use support::{World, env, opa, opa_eval, opa_parse};

/// What a path may lead to: rules, packages, the inside of values, base data, nothing, each with odd names and numbers.
const PATHS: &[&str] = &[
    "data.a.x",
    "data.a",
    "data.a.z",
    "data.a.z.q",
    "data.a.z.q.r[0]",
    "data.a.s",
    "data.a.s.el",
    "data.a.s.no",
    "data.a.nums[3]",
    "data.a.nums[4]",
    r#"data.a.keyed["1"]"#,
    "data.a.keyed[1]",
    "data.a.keyed[1][0]",
    "data.a.allow",
    "data.a.never",
    r#"data.a.k["x y"].w"#,
    r#"data.a.k["x y"]"#,
    r#"data.a["odd-name"]["p/q"].v"#,
    r#"data.a["odd-name"]["p/q"]"#,
    "data.a.pkg",
    "data.a.pkg.deep.u",
    "data.empty",
    "data.empty.below",
    "data.base",
    "data.base.list[1]",
    r#"data.base.list["1"]"#,
    "data.base.list[9]",
    "data.base.list[0].n",
    r#"data.base["a b"]"#,
    r#"data.base["c/d"].e"#,
    r#"data.base[""]"#,
    "data.base.names[1]",
    r#"data.base.names["1"]"#,
    "data.mixed",
    "data.mixed.ruled",
    "data.mixed.plain",
    "data.nothing",
    "data.a.nothing",
    "data.system.log.mask",
];

const FILES: &[(&str, &str)] = &[
    (
        "a/p.rego",
        r#"package a

x := data.base.list[1]
z[k] := v if some k, v in {"q": {"r": [10, 20]}}
s contains "el"
nums contains 3
keyed := {"1": "name", 1: ["number"]}
k["x y"].w := 4
default allow := false
allow if input.x
never if input.x
helper(n) := n + 1
depends(n) if { allow; n == 1 }
"#,
    ),
    ("a/odd.rego", "package a[\"odd-name\"][\"p/q\"]\n\nv := 5\n"),
    (
        "a/pkg/deep.rego",
        "package a.pkg.deep\n\nu := 1\n\nw := input.z\n",
    ),
    ("empty.rego", "package empty.below\n"),
    ("mixed.rego", "package mixed\n\nruled := 1\n"),
    (
        "data.json",
        r#"{"base":{"list":[{"n":null},2.50],"a b":1,"c/d":{"e":[]},"":0,"names":{"1":"one"}},"mixed":{"plain":2}}"#,
    ),
];

#[cfg(test)]
mod asking {
    use super::*;

    pub(super) fn wanted(paths: &[&str]) -> Vec<Wanted> {
        let path = |text: &&str| Wanted {
            path: DataPath::of_ref(text).unwrap(),
            required: false,
        };
        paths.iter().map(path).collect()
    }

    pub(super) fn answer(tried: &Tried, at: usize) -> Option<String> {
        let input = Value::object_from([("z", 1)]);
        let answer = tried
            .engine()
            .evaluate(tried.entrypoints()[at], Some(&input), &env());
        answer.unwrap().map(|value| value.to_json())
    }
}

#[tokio::test]
async fn a_path_answers_as_opas_query_does_whatever_it_leads_to() {
    let world = World::new(FILES);
    let mut defined = 0;
    for path in PATHS {
        let tried = world.tried(&wanted(&[path])).await;
        let ours = answer(&tried.unwrap_or_else(|error| panic!("{path}: {error}")), 0);
        let theirs = opa_eval(world.folder(), path, r#"{"z":1}"#);
        let theirs = theirs.unwrap_or_else(|error| panic!("{path}: {error}"));
        let same = match (&ours, &theirs) {
            (Some(ours), Some(theirs)) => support::same_json(ours, theirs),
            (None, None) => true,
            _ => false,
        };
        assert!(same, "{path}: {ours:?} here, {theirs:?} in OPA");
        defined += usize::from(ours.is_some());
    }
    assert!(defined > 20 && defined < PATHS.len(), "{defined}");
}

#[tokio::test]
async fn all_paths_are_asked_of_one_plan() {
    let world = World::new(FILES);
    let together = world.tried(&wanted(PATHS)).await.unwrap();
    for (at, path) in PATHS.iter().enumerate() {
        let alone = world.tried(&wanted(&[path])).await.unwrap();
        assert_eq!(answer(&together, at), answer(&alone, 0), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_opa_refuses_is_refused_in_its_words() {
    let world = World::new(FILES);
    for (path, expected) in [
        ("data.a.allow.x", "undefined ref: data.a.allow.x"),
        ("data.a.z.q.r[2]", "undefined ref: data.a.z.q.r[2]"),
        (r#"data.a.z.q.r["0"]"#, "undefined ref: data.a.z.q.r"),
        (
            "data.a.helper",
            "function data.a.helper used as reference, not called",
        ),
    ] {
        let refusal = world.tried(&wanted(&[path])).await.unwrap_err();
        assert_eq!(refusal.step, Step::Compile);
        assert!(refusal.to_string().contains(expected), "{refusal}");
        let theirs = opa_eval(world.folder(), path, "{}").unwrap_err();
        assert!(theirs.contains(expected), "{theirs}");
    }
}

#[tokio::test]
async fn our_module_is_never_seen() {
    // A policy that goes over all packages, asked by a path that needs a module of ours.
    let world = World::new(&[(
        "p.rego",
        "package a\n\nall contains k if some k, _ in data\n\nlist := [1]\n",
    )]);
    let tried = world.tried(&wanted(&["data.a.all"])).await;
    // OPA has it that a rule which goes over all rules is recursive.
    if let Ok(tried) = tried {
        assert!(!answer(&tried, 0).unwrap().contains("postern"));
    }
    let world = World::new(&[
        (
            "p.rego",
            "package a\n\nall contains k if some k in object.keys(data.b)\n\nlist[\"p/q\"] := 1\n",
        ),
        ("q.rego", "package b\n\nx := 1\n"),
    ]);
    let tried = world
        .tried(&wanted(&["data.a.all", r#"data.a.list["p/q"]"#]))
        .await
        .unwrap();
    assert_eq!(answer(&tried, 0).unwrap(), r#"["x"]"#);
    let ours = World::new(&[("p.rego", "package postern__entrypoints.x\n\ny := 1\n")]);
    let paths = wanted(&["data.postern__entrypoints.x.y"]);
    let refusal = ours.tried(&paths).await.unwrap_err();
    assert!(refusal.to_string().contains("Postern's own"), "{refusal}");
}

/// Every way of writing a package that is read without the compiler is read as the compiler reads it.
#[test]
fn packages_are_read_as_opas_parser_reads_them() {
    let mut read = 0;
    for text in [
        "package a.b\nx := 1\n",
        "package\na.b\nx := 1\n",
        "package  # c\n a.b\n",
        "# hi\n\n\tpackage a[\"b c\"].d[\"\\u00e9\"]\n",
        "package a[`raw\\n`]\n",
        "package a .b\n",
        "package a [\"b\"]\n",
        "package a. b\n",
        "package a[ \"b\" ]\n",
        "package a[\"b\"\n]\n",
        "\u{feff}package a\n",
        "package a;x := 1\n",
        "package a # c\n",
        "package a x := 1\n",
        "package a.if\n",
        "package data.x\n",
        "package \"a\"\n",
        "package é.b\n",
        "package a.b\r\n\r\nx := 1",
        "package a[1]\n",
        "package input\n",
        "package a[\"x/y\"][\"%41\"]\n",
        "package _a.B9\n",
        "package a.9\n",
        "package a\n.b\n",
        "package a[$\"x\"]\n",
        "package a[\"\"]\n",
        "package a[\"b\"]x := 1\n",
        "package a[\"\\ud83d\\ude00\"]\n",
        "packagea\n",
        "package\n",
    ] {
        if let Some(theirs) = opa_parse(text) {
            assert_eq!(package(text), Some(theirs), "{text:?}");
            read += 1;
        }
    }
    assert!(read > 10, "{read}");
}

/// OPA's part of what is relied on.
#[test]
fn opa_builds_what_it_would_not_activate() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy");
    std::fs::create_dir(&policy).unwrap();
    std::fs::write(policy.join("p.rego"), "package a\n\nx := 1\n").unwrap();
    std::fs::write(policy.join("data.json"), r#"{"a":{"x":2}}"#).unwrap();
    let run = |entrypoint: &str, bundle: &str, work: &std::path::Path| {
        let mut build = std::process::Command::new(opa());
        build
            .current_dir(work)
            .args(["build", "-t", "plan", "-e", entrypoint, "-o"])
            .arg(folder.path().join("out.tar.gz"))
            .args(["-b", bundle]);
        let output = build.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    assert!(run("a/x", "policy", folder.path()).0, "a rule where data is");
    let (built, said) = run("a/nope", "policy", folder.path());
    let expected = "entrypoint \"a/nope\" does not refer to a rule or policy decision";
    assert!(!built && said.contains(expected), "{said}");
    let signatures = r#"{"signatures":["a.b.c"]}"#;
    std::fs::write(policy.join(".signatures.json"), signatures).unwrap();
    let (built, said) = run("a/x", "policy", folder.path());
    assert!(!built && said.contains("verification key not provided"), "{said}");
    assert!(
        run("a/x", ".", &policy).0,
        "the present folder's signature isn't looked at"
    );
}
