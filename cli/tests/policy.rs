//! `postern policy` beside `opa` itself: the same files, the same flags, the same output and exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
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

/// What came of each test, by name.
fn verdicts(output: &Output) -> BTreeMap<String, String> {
    let all: Vec<Json> = serde_json::from_str(&stdout(output)).unwrap();
    let verdict = |test: &Json| {
        let found = ["fail", "skip", "error"]
            .into_iter()
            .find(|name| test.get(*name).is_some());
        let place = test.pointer("/location/row").unwrap();
        format!(
            "{} at row {place}, printed {:?}, cases {:?}",
            found.unwrap_or("pass"),
            test.get("output"),
            test.get("sub_results")
        )
    };
    all.iter()
        .map(|test| (test.pointer("/name").unwrap().to_string(), verdict(test)))
        .collect()
}

#[test]
fn tests_are_judged_as_opa_judges_them() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    for (more, code) in [
        (&[][..], 2),
        (&["-r", "test_ok"], 0),
        (&["-r", "todo"], 2),
        (&["-r", "todo", "-z"], 0),
        (&["-r", "nothing"], 0),
        (&["-r", "nothing", "--fail-on-empty"], 1),
    ] {
        let arguments = [&["test", "policy", "-f", "json"], more].concat();
        let (theirs, ours) = (run(&opa, here, &arguments), postern(here, &arguments));
        assert_eq!(ours.status.code(), Some(code), "{arguments:?}: {}", stderr(&ours));
        assert_eq!(theirs.status.code(), Some(code), "{arguments:?}");
        if code != 1 {
            assert_eq!(verdicts(&ours), verdicts(&theirs), "{arguments:?}");
        }
    }
    let summary = stdout(&postern(here, &["test", "policy"]));
    for line in ["PASS: 1/5", "FAIL: 2/5", "SKIPPED: 1/5", "ERROR: 1/5", "  asking"] {
        assert!(summary.lines().any(|own| own == line), "{line}: {summary}");
    }
}

#[test]
fn tests_that_do_not_compile_can_not_be_run() {
    let folder = folder();
    fs::write(
        folder.path().join("policy/bad_test.rego"),
        "package bad\n\ntest_x if {\n",
    )
    .unwrap();
    let output = postern(folder.path(), &["test", "policy"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("bad_test.rego:4"), "{}", stderr(&output));
}

/// Tests with cases, and what else is a test to opa.
const CASES: &str = r#"package cases_test

import data.authz

cases := [{"note": "one", "x": 1}, {"note": "two", "x": 2}, {"x": 3}]

test_note[tc.note] if {
	some tc in cases
	y := tc.x
	print("at", y)
	y == 1
}

test_name[note] if {
	some note, user in {"ada": "ada", "bob": "bob"}
	authz.allow with input as {"user": user}
}

test_all_pass[note] if {
	some note in ["a", "b"]
	note != "c"
}

test_nested["group"][who][tc.note] if {
	some who in ["x", "y"]
	some tc in cases
	not tc.x == 2
	who == "x"
}

test_numbers[n] if { some n in [1, 2, 3]; n != 2; n < 3 }

test_by_index[cases[i].note] if {
	true
	cases[i].x == 2
}

test_declared[key] if {
	some i
	key := ["a", "b"][i]
	every n in [1, 2] { n > i }
}

test_late[tc.note] if {
	input.missing
	some tc in cases
	tc.x == 1
}

test_filtered[tc.note] if {
	some tc in cases
	some {"note": tc.note, "x": x} in cases
	x == 1
}

test_none[note] if {
	some note in []
	note
}

test_chosen[choice.note] if {
	chosen := cases[0]; choice := chosen
	choice.x == 2
}

test_twice if 1 == 1

test_twice if 1 == 2

test_both[note] if {
	some note in ["a", "b"]
	note == "a"
}

test_both[note] if {
	some note in ["b", "c"]
	note != "a"
}

default test_defaulted := false

test_defaulted if true

test_value := 1

test_text := "true"

test_set contains 1

test_ground["key"] if true

test_dotted.key if true

nested.test_in_reference if true

nested.test_in_reference if false

todo_test_cases[note] if some note in ["a"]
"#;

/// What is told of each test, and of all together. opa runs them beside each other, in any order.
fn told(text: &str) -> (Vec<String>, String) {
    let (tests, summary) = text.split_once("----").unwrap();
    let tests = timeless(tests);
    let mut tests: Vec<String> = tests
        .split("policy/cases_test.rego:")
        .map(|test| test.trim_end().to_owned())
        .collect();
    tests.sort();
    (tests, summary.trim_end().to_owned())
}

/// Without how long it took.
fn timeless(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(" (") {
        Some((before, after)) if after.ends_with("s)") => format!("{before}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn cases_and_rules_of_one_name_are_judged_as_opa_judges_them() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    fs::write(here.join("policy/cases_test.rego"), CASES).unwrap();
    let absolute = here.join("policy");
    for arguments in [
        &["policy"][..],
        &["-b", "policy"],
        &["policy/cases_test.rego", "policy/authz.rego"],
        &[absolute.to_str().unwrap()],
        &["policy", "-r", "test_twice"],
        &["policy", "-r", "test_twice#01"],
        &["policy", "-r", "test_all_pass"],
    ] {
        let json = [&["test", "-f", "json"], arguments].concat();
        let (theirs, ours) = (run(&opa, here, &json), postern(here, &json));
        assert_eq!(
            ours.status.code(),
            theirs.status.code(),
            "{arguments:?}: {}",
            stderr(&ours)
        );
        assert_eq!(verdicts(&ours), verdicts(&theirs), "{arguments:?}");
    }
    let arguments = [
        "test",
        "policy/cases_test.rego",
        "policy/authz.rego",
        "-r",
        "cases_test",
    ];
    let (theirs, ours) = (run(&opa, here, &arguments), postern(here, &arguments));
    assert_eq!(told(&stdout(&ours)), told(&stdout(&theirs)));
}

#[test]
fn a_test_and_one_with_cases_of_its_name_are_two_tests() {
    let (folder, opa) = (folder(), opa());
    let here = folder.path();
    for text in [
        "test_x if 1 == 1\n\ntest_x[case] if {\n\tsome case in [\"a\", \"b\"]\n\tcase == \"a\"\n}\n",
        "test_x[case] if {\n\tsome case in [\"a\", \"b\"]\n\tcase != \"c\"\n}\n\ntest_x if 1 == 2\n",
    ] {
        fs::write(
            here.join("policy/cases_test.rego"),
            format!("package cases_test\n\n{text}"),
        )
        .unwrap();
        for paths in [&["policy"][..], &["policy/cases_test.rego", "policy/authz.rego"]] {
            let json = [&["test", "-f", "json"], paths].concat();
            let (theirs, ours) = (run(&opa, here, &json), postern(here, &json));
            assert_eq!(
                ours.status.code(),
                theirs.status.code(),
                "{text}: {}",
                stderr(&ours)
            );
            assert_eq!(verdicts(&ours), verdicts(&theirs), "{text}");
        }
    }
    // What opa refuses for another reason is told in its words.
    fs::write(
        here.join("policy/cases_test.rego"),
        "package cases_test\n\ntest_x if nothing\n",
    )
    .unwrap();
    let ours = postern(here, &["test", "policy"]);
    assert_eq!(ours.status.code(), Some(1));
    assert!(
        stderr(&ours).contains("rego_unsafe_var_error"),
        "{}",
        stderr(&ours)
    );
}

#[test]
fn cases_that_cant_be_seen_are_an_error_and_no_pass() {
    let folder = folder();
    let here = folder.path();
    for (head, body) in [
        ("test_x[sprintf(\"%d\", [n])]", "some n in [1, 2]; n == 1"),
        ("test_x[n] := n == 1", "some n in [1, 2]"),
        ("test_x[n]", "ns := [m | some m in [1, 2]; n = m]; n = 1; ns"),
    ] {
        let text = format!("package cases_test\n\n{head} if {{ {body} }}\n");
        fs::write(here.join("policy/cases_test.rego"), &text).unwrap();
        let output = postern(here, &["test", "policy", "-r", "test_x"]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let told = stdout(&output);
        assert!(
            told.contains("ERROR: 1/1") && told.contains("opa test"),
            "{text}: {told}"
        );
    }
    // In an archive nothing can be written otherwise.
    fs::write(here.join("policy/cases_test.rego"), CASES).unwrap();
    let built = run(&opa(), here, &["build", "policy", "-o", "policy.tar.gz"]);
    assert!(built.status.success(), "{}", stderr(&built));
    let told = stdout(&postern(
        here,
        &["test", "-b", "policy.tar.gz", "-r", "test_twice"],
    ));
    assert!(
        told.contains("ERROR: 2/2") && told.contains("give it another name"),
        "{told}"
    );
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

#[test]
fn a_failing_test_says_where_it_failed_when_asked() {
    let folder = folder();
    let quiet = postern(folder.path(), &["test", "policy", "-r", "test_denied"]);
    assert!(!String::from_utf8_lossy(&quiet.stdout).contains("FAILURES"));
    let verbose = postern(folder.path(), &["test", "policy", "-v", "-r", "test_denied"]);
    let text = String::from_utf8_lossy(&verbose.stdout).into_owned();
    let theirs = run(
        &opa(),
        folder.path(),
        &["test", "policy", "-v", "-r", "test_denied"],
    );
    let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
    for text in [&text, &theirs] {
        let (_, failures) = text.split_once("FAILURES").unwrap_or_else(|| panic!("{text}"));
        let fails = failures.lines().filter(|line| line.contains("Fail"));
        assert!(
            fails.clone().any(|line| line.contains("authz_test.rego:9")),
            "{text}"
        );
        assert!(failures.contains("Enter data.authz_test.test_denied"), "{text}");
    }
}
