//! What a recording tells of an evaluation, held to what `opa eval --explain full` tells of it, where the two can be
//! compared: which rules gave a value, which were tried, and where the others failed.

#[cfg(test)]
#[path = "../shared/folder.rs"]
mod folder;
#[cfg(test)]
mod opa;
#[cfg(test)]
#[path = "../shared/tools.rs"]
mod tools;

use postern_rego::{Env, Happened, NoHost, Program, RecordLimits, Recording, Skipped, Value};

use opa::{Compiled, DATA, Facts};

const RULES: [&str; 14] = [
    "allow",
    "denied",
    "level",
    "names",
    "obj",
    "deep",
    "pairs",
    "all_ok",
    "clash",
    "method_ok",
    "counted",
    "mocked",
    "missing",
    "nested",
];

const INPUTS: [&str; 6] = [
    r#"{"user": "bob", "roles": ["a", "r1"], "n": 5, "map": {"k": 1, "l": 2}, "role": "x"}"#,
    r#"{"user": "alice", "roles": ["r2"], "n": 50, "map": {"k": 0}, "role": "x", "method": "GET"}"#,
    r#"{"user": "alice", "roles": [], "n": 0, "map": {}, "role": "y", "method": "PUT", "bad": true}"#,
    r#"{"user": "eve", "roles": ["r2", "r1"], "n": 1, "bad": true, "method": "PUT"}"#,
    r#"{"c": true, "roles": ["r1", "r2", "x"]}"#,
    "{}",
];

#[cfg(test)]
fn program(compiled: &Compiled) -> Program {
    Program::load(compiled.plan(), &NoHost).expect("a plan that loads")
}

#[cfg(test)]
fn record(program: &Program, rule: &str, input: &str, limits: RecordLimits) -> Recording {
    let [input, data] = [input, DATA].map(|text| Value::from_json_str(text).expect("JSON"));
    let env = Env::new(0, [0; 32]);
    let entrypoint = program.entrypoint(&format!("p/{rule}")).expect("an entrypoint");
    let mut recording = Recording::new(limits);
    let recorded = program.evaluate_recorded(entrypoint, Some(&input), &data, &env, &mut recording);
    assert_eq!(
        recorded,
        program.evaluate(entrypoint, Some(&input), &data, &env),
        "{rule} with {input:?}"
    );
    recording
}

#[cfg(test)]
fn facts(recording: &Recording) -> Facts {
    let mut facts = Facts::default();
    for event in recording.events() {
        let row = event.place.row;
        match &event.what {
            Happened::Entered => facts.entered.insert(row),
            Happened::Succeeded { .. } => facts.succeeded.insert(row),
            Happened::Failed => facts.failed.insert(row),
            _ => false,
        };
    }
    facts
}

#[test]
fn the_rules_that_give_a_value_are_opas_and_fail_where_opas_do() {
    let compiled = Compiled::new("recorded", &RULES, &[]);
    let program = program(&compiled);
    assert!(program.has_rows());
    let (mut wrong, mut succeeded, mut failed) = (Vec::new(), 0, 0);
    for rule in RULES {
        for input in INPUTS {
            let recording = record(&program, rule, input, RecordLimits::default());
            let ours = facts(&recording);
            let theirs = compiled.explain(rule, input);
            // OPA's rule index is asked always, this machine's where it makes a difference: it may try rules that then fail.
            let further = ours.entered.difference(&theirs.entered).count();
            let is_conflict = recording
                .events()
                .iter()
                .any(|event| event.what == Happened::Conflict);
            let same = ours.succeeded == theirs.succeeded
                && ours.entered.is_superset(&theirs.entered)
                && (further > 0 || ours.failed.is_subset(&theirs.failed));
            if !same && !is_conflict {
                wrong.push(format!(
                    "{rule} with {input}\n    opa  {theirs:?}\n    here {ours:?}"
                ));
            }
            succeeded += ours.succeeded.len();
            failed += ours.failed.len();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Else the above would show nothing.
    assert!(
        succeeded > 50 && failed > 50,
        "{succeeded} rules succeeded, {failed} failed"
    );
}

#[test]
fn a_conflict_is_told_with_its_place() {
    let compiled = Compiled::new("recorded_conflict", &["clash"], &[]);
    let recording = record(
        &program(&compiled),
        "clash",
        r#"{"c": 1}"#,
        RecordLimits::default(),
    );
    let conflict = recording
        .events()
        .iter()
        .find(|event| event.what == Happened::Conflict)
        .expect("a conflict");
    assert_eq!((conflict.rule(), conflict.place.row), ("data.p.clash", 50));
    assert!(matches!(
        recording.events().last().map(|event| &event.what),
        Some(Happened::Stopped { error }) if error.contains("eval_conflict_error")
    ));
}

#[test]
fn what_was_read_and_printed_is_told() {
    let compiled = Compiled::new("recorded_reads", &["allow", "level"], &[]);
    let program = program(&compiled);
    let reads = |rule: &str| -> Vec<String> {
        record(&program, rule, INPUTS[0], RecordLimits::default())
            .events()
            .iter()
            .filter_map(|event| match &event.what {
                Happened::Read { path, is_defined } => Some(format!("{path} {is_defined}")),
                Happened::Printed { line } => Some(format!("printed {line}")),
                _ => None,
            })
            .collect()
    };
    let allow = reads("allow");
    for expected in [
        "input.roles true",
        "input.roles[_] true",
        "data.grants.a false",
        "data.grants.r1 true",
        "data.grants.r1.ok true",
        "input.bad false",
    ] {
        assert!(allow.iter().any(|read| read == expected), "{expected}: {allow:?}");
    }
    let level = reads("level");
    assert!(level.contains(&"printed low 5".to_owned()), "{level:?}");
    assert!(level.contains(&"input.n true".to_owned()), "{level:?}");
}

#[test]
fn rules_that_are_passed_over_are_told_with_the_reason() {
    let compiled = Compiled::new("recorded_skipped", &["allow", "method_ok"], &[]);
    let program = program(&compiled);
    let skipped = |rule: &str, input: &str| -> Vec<(u32, Skipped)> {
        record(&program, rule, input, RecordLimits::default())
            .events()
            .iter()
            .filter_map(|event| match event.what {
                Happened::Skipped(why) => Some((event.place.row, why)),
                _ => None,
            })
            .collect()
    };
    let early = r#"{"user": "alice", "role": "x", "roles": ["r1"]}"#;
    assert_eq!(skipped("allow", early), [(10, Skipped::ByEarlyExit)]);
    let indexed = r#"{"user": "bob", "role": "x", "roles": ["r1"]}"#;
    assert_eq!(skipped("allow", indexed), [(5, Skipped::ByIndex)]);
}

#[test]
fn a_recording_is_bounded_and_says_when_it_was_cut() {
    let compiled = Compiled::new("recorded_bounds", &["names"], &[]);
    let program = program(&compiled);
    let whole = record(&program, "names", INPUTS[0], RecordLimits::default());
    assert!(!whole.is_cut());
    let few = RecordLimits {
        max_events: 2,
        ..RecordLimits::default()
    };
    let few = record(&program, "names", INPUTS[0], few);
    assert!(few.is_cut());
    assert_eq!(few.events(), &whole.events()[..2]);
    let small = RecordLimits {
        max_bytes: 100,
        ..RecordLimits::default()
    };
    let small = record(&program, "names", INPUTS[0], small);
    assert!(small.is_cut() && small.events().len() == 1);
}

/// OPA's optimizer writes rules of its own: what is recorded stays true of those, and the answer doesn't change.
#[test]
fn an_optimized_plan_is_recorded_too() {
    let compiled = Compiled::new("recorded_optimized", &["level", "names"], &["-O=1"]);
    let program = program(&compiled);
    for input in INPUTS {
        for rule in ["level", "names"] {
            record(&program, rule, input, RecordLimits::default());
        }
    }
}
