//! `postern policy test`, held to `opa test`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use serde_json::Value as Json;

use super::{folder, opa, postern, run, stderr, stdout};

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
