//! `postern policy` beside `opa` itself: the same files, the same flags, the same output and exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[cfg(test)]
mod judged;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

const POLICY: &str = r#"package authz

default allow := false
allow if input.user == "ada"
owner := "ada" if input.user == "ada"
names contains name if some name in data.people
price := 1.0
clash := 1 if input.user
clash := 2 if input.user
broken := 1 / 0
greeting := "hello" if print("asked by", input.user)
"#;

const TESTS: &str = r#"package authz_test

import data.authz

test_ok if authz.allow with input as {"user": "ada"}

test_denied if {
	print("asking")
	authz.allow with input as {"user": "bob"}
}

test_wrong := false

test_clash if authz.clash with input.user as "ada"

todo_test_later if false
"#;

/// The pinned opa, built by the command that a user would run.
fn opa() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/tools.sh");
    let output = Command::new("bash").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run `make tools`: {said}");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("policy/authz.rego", POLICY),
        ("policy/authz_test.rego", TESTS),
        ("policy/data.json", r#"{"people": ["ada", "bob"]}"#),
        ("ada.json", r#"{"user": "ada"}"#),
        ("bob.yaml", "user: bob\n"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn postern(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["policy"], arguments].concat();
    run(Path::new(env!("CARGO_BIN_EXE_postern")), folder, &arguments)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn eval_prints_and_exits_as_opa_does() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    for query in [
        "data.authz.allow",
        "data.authz.owner",
        "data.authz.names",
        "data.authz.price",
        "data.authz.broken",
        r#"data.authz["greeting"]"#,
    ] {
        for input in ["ada.json", "bob.yaml"] {
            for more in [
                &["-f", "json"][..],
                &["-f", "values"],
                &["-f", "bindings"],
                &["-f", "pretty"],
                &["-f", "raw"],
                &["-f", "discard"],
                &["-f", "raw", "--fail"],
                &["-f", "raw", "--fail-defined"],
            ] {
                let arguments = [&["eval", "-d", "policy", "-i", input, query], more].concat();
                let (theirs, ours) = (run(&opa, here, &arguments), postern(here, &arguments));
                assert_eq!(
                    ours.status.code(),
                    theirs.status.code(),
                    "{arguments:?}: {}",
                    stderr(&ours)
                );
                assert_eq!(stdout(&ours), stdout(&theirs), "{arguments:?}");
                // What is printed goes there, and nothing else.
                assert_eq!(stderr(&ours), stderr(&theirs), "{arguments:?}");
            }
        }
    }
}

#[test]
fn a_file_is_found_by_any_path_that_leads_to_it() {
    let (folder, opa) = (folder(), opa());
    let beside = folder.path().join("beside");
    fs::create_dir(&beside).unwrap();
    for (at, policy, data) in [
        (folder.path(), "./policy/authz.rego", "./policy/data.json"),
        (folder.path(), "policy/./authz.rego", "policy/data.json"),
        (&beside, "../policy/authz.rego", "../policy/data.json"),
    ] {
        let arguments = ["eval", "-f", "json", "-d", policy, "-d", data, "data.authz.names"];
        let (theirs, ours) = (run(&opa, at, &arguments), postern(at, &arguments));
        assert_eq!(stdout(&ours), stdout(&theirs), "{arguments:?}: {}", stderr(&ours));
        assert!(ours.status.success());
    }
}

#[test]
fn what_goes_wrong_exits_as_in_opa_and_says_where() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    for more in [
        &["data.authz.clash"][..],
        &["data.authz.broken", "--strict-builtin-errors"],
    ] {
        let arguments = [&["eval", "-d", "policy", "-i", "ada.json"], more].concat();
        let (theirs, ours) = (run(&opa, here, &arguments), postern(here, &arguments));
        assert_eq!(ours.status.code(), theirs.status.code(), "{arguments:?}");
        let [theirs, ours] =
            [theirs, ours].map(|output| serde_json::from_str::<Json>(&stdout(&output)).unwrap());
        for pointer in [
            "/errors/0/code",
            "/errors/0/location/file",
            "/errors/0/location/row",
        ] {
            assert_eq!(
                ours.pointer(pointer),
                theirs.pointer(pointer),
                "{arguments:?} {pointer}"
            );
        }
    }
    let nothing = postern(here, &["eval", "data.authz.allow"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(stderr(&nothing).contains("--bundle"), "{}", stderr(&nothing));
}

#[test]
fn a_bundle_with_the_plan_and_a_plan_alone_need_no_opa() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    let built = run(
        &opa,
        here,
        &[
            "build",
            "-t",
            "plan",
            "-e",
            "authz/allow",
            "-o",
            "bundle.tar.gz",
            "policy",
        ],
    );
    assert!(built.status.success(), "{}", stderr(&built));
    let unpacked = Command::new("tar")
        .args(["-xzf", "bundle.tar.gz", "/plan.json", "/data.json"])
        .current_dir(here)
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{}", stderr(&unpacked));
    let without_opa = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_postern"))
            .arg("policy")
            .args(arguments)
            .current_dir(here)
            .env_clear()
            .output()
            .unwrap()
    };
    for source in [
        &["-b", "bundle.tar.gz"][..],
        &["--plan", "plan.json", "-d", "data.json"],
    ] {
        let arguments = [
            &["eval", "-i", "ada.json", "-f", "raw", "data.authz.allow"],
            source,
        ]
        .concat();
        let ours = without_opa(&arguments);
        assert_eq!(
            (ours.status.code(), stdout(&ours).as_str()),
            (Some(0), "true\n"),
            "{}",
            stderr(&ours)
        );
    }
    // What the plan doesn't have needs it, and the message says how to get it.
    let other = without_opa(&["eval", "-b", "bundle.tar.gz", "data.authz.price"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("make tools"), "{}", stderr(&other));
    let other = without_opa(&["eval", "--plan", "plan.json", "data.authz.price"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("authz/allow"), "{}", stderr(&other));
}

#[test]
fn bench_measures_what_eval_answers() {
    let folder = folder();
    let arguments = ["bench", "-d", "policy", "-i", "ada.json", "data.authz.allow"];
    let json = postern(folder.path(), &[&arguments[..], &["-f", "json"]].concat());
    let figures: Json = serde_json::from_str(&stdout(&json)).unwrap();
    assert!(
        figures["N"].as_u64().unwrap() > 0 && figures["T"].as_u64().unwrap() > 0,
        "{figures}"
    );
    let line = stdout(&postern(
        folder.path(),
        &[&arguments[..], &["-f", "gobench"]].concat(),
    ));
    assert!(
        line.starts_with("BenchmarkPosternEval\t") && line.contains(" ns/op"),
        "{line}"
    );
    let undefined = postern(folder.path(), &["bench", "-d", "policy", "data.authz.owner"]);
    assert_eq!(undefined.status.code(), Some(1));
    assert!(
        stderr(&undefined).contains("undefined result"),
        "{}",
        stderr(&undefined)
    );
}

#[test]
fn what_an_evaluation_did_is_told_as_opa_tells_it() {
    let folder = folder();
    let flags = [
        "eval",
        "-d",
        "policy",
        "-i",
        "bob.yaml",
        "-f",
        "pretty",
        "--explain",
        "full",
    ];
    let rows = |output: &Output, what: &str| -> Vec<String> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = |line: &str| -> Vec<String> {
            let words = line.split_whitespace().filter(|word| *word != "|");
            words.map(str::to_owned).collect()
        };
        text.lines()
            .map(words)
            .filter(|words| words.get(1).is_some_and(|word| word == what))
            .filter(|words| words.first().is_some_and(|place| !place.starts_with("query")))
            .map(|words| words[0].rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    for query in ["data.authz.allow", "data.authz.names", "data.authz.owner"] {
        let ours = postern(folder.path(), &[&flags[..], &[query]].concat());
        let theirs = run(&opa(), folder.path(), &[&flags[..], &[query]].concat());
        let mut exits = rows(&ours, "Exit");
        exits.dedup();
        let mut expected = rows(&theirs, "Exit");
        expected.dedup();
        assert_eq!(
            exits,
            expected,
            "{query}: {}",
            String::from_utf8_lossy(&ours.stdout)
        );
    }
    let fails = [
        "eval",
        "-d",
        "policy",
        "-i",
        "bob.yaml",
        "--explain",
        "fails",
        "data.authz.owner",
    ];
    let output = postern(folder.path(), &fails);
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    let told = answer["explanation"].as_array().unwrap();
    assert!(
        told.iter().any(|line| line
            .as_str()
            .is_some_and(|line| line.contains("authz.rego:5") && line.contains("Fail owner"))),
        "{told:?}"
    );
    let off = postern(
        folder.path(),
        &["eval", "-d", "policy", "-i", "bob.yaml", "data.authz.owner"],
    );
    let answer: Json = serde_json::from_slice(&off.stdout).unwrap();
    assert!(answer.get("explanation").is_none());
}
