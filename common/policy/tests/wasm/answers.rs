//! That a module answers as the plan of the same policy does, whatever it is asked.

use postern_policy::{Engine as _, Value};

use crate::{Engines, build, env, json};

const REGO: &str = r#"package a

default decision := {"allowed": false}

decision := {"allowed": true, "headers": {"x-user": input.user.name, "x-roles": concat(",", sort(roles))}} if {
	some role in roles
	some permission in data.roles[role]
	permission.method == input.method
	startswith(input.path, permission.prefix)
}

roles := {role | some role in input.user.roles}

echo := input

typed := [type_name(input), type_name(input.x), count(input)]

sets := {"empty": set(), "some": {1, "a", null}, "keys": {1: 2, [3]: {4}}}

shown := sprintf("%v %d %s", [input.x, 42, upper("ü")])

with_other := x if x := [echo, data.roles] with input as {"b": [1, 2.50, {"c": "ü€😀"}]} with data.roles as {}

data_too := data.numbers

sum_of := sum([n | some n in input.numbers])

twice := 1 if input.conflict

twice := 2 if input.conflict

clock := time.now_ns()

drawn := {"same": rand.intn("k", 1000000) == rand.intn("k", 1000000), "n": rand.intn("other", 1000000), "id": uuid.rfc4122("u")}
"#;

const DATA: &str = r#"{"roles": {"admin": [{"method": "GET", "prefix": "/"}, {"method": "PUT", "prefix": "/a"}],
    "clerk": [{"method": "GET", "prefix": "/orders"}]}, "numbers": [1, 1.50, 1e3, 12345678901234567890123]}"#;

const PATHS: [&str; 11] = [
    "a/decision",
    "a/echo",
    "a/typed",
    "a/sets",
    "a/shown",
    "a/with_other",
    "a/data_too",
    "a/sum_of",
    "a/twice",
    "a/clock",
    "a/drawn",
];

fn engines() -> Engines {
    Engines::of(&build(&[("a.rego", REGO), ("data.json", DATA)], &PATHS))
}

const INPUTS: [&str; 12] = [
    "{}",
    "null",
    "[]",
    "\"text\"",
    "12",
    r#"{"user": {"name": "Ada", "roles": ["clerk", "admin"]}, "method": "PUT", "path": "/a/1"}"#,
    r#"{"user": {"name": "Ada", "roles": ["clerk"]}, "method": "GET", "path": "/orders"}"#,
    r#"{"user": {"name": "Ada", "roles": []}, "method": "GET", "path": "/orders"}"#,
    r#"{"x": "a\"\\\u0000\n\u001f ü€😀 \u007f\u00a0\u2028\ufeff", "": {"": [[], {}, [{}]]}}"#,
    r#"{"x": [true, false, null, -0, 0.10, 1e-7, 9007199254740993]}"#,
    r#"{"numbers": [1, 2, 3.5, 100000]}"#,
    r#"{"conflict": true}"#,
];

#[test]
fn a_module_answers_as_the_plan_does() {
    let engines = engines();
    let inputs: Vec<Option<Value>> = INPUTS.iter().map(|text| Some(json(text))).chain([None]).collect();
    let (mut defined, mut failed) = (0, 0);
    for path in PATHS {
        for input in &inputs {
            let [plan, wasm] = engines.ask(path, input.as_ref(), &env());
            match (plan, wasm) {
                (Ok(plan), Ok(wasm)) => {
                    defined += usize::from(plan.is_some());
                    assert_eq!(plan, wasm, "{path} {input:?}");
                }
                (Err(_), Err(_)) => failed += 1,
                (plan, wasm) => panic!("{path} {input:?}: {plan:?}, {wasm:?}"),
            }
        }
    }
    assert!(defined > 90, "{defined}");
    assert_eq!(failed, 1, "the conflict");
}

#[test]
fn a_conflict_is_told_in_opas_words() {
    let [_, wasm] = engines().ask("a/twice", Some(&json(r#"{"conflict": true}"#)), &env());
    let error = wasm.unwrap_err();
    assert!(error.to_string().contains("var assignment conflict"), "{error}");
    let postern_policy::EngineError::Evaluation(stopped) = error else {
        panic!("{error}")
    };
    assert!(
        stopped.opa.starts_with("internal_error: policy/a.rego:"),
        "{}",
        stopped.opa
    );
}

#[test]
fn an_instance_begins_each_time_where_it_was_made() {
    let engines = engines();
    let input = json(INPUTS[5]);
    let echo = engines.wasm.entrypoint("a/echo").unwrap();
    let decision = engines.wasm.entrypoint("data.a.decision").unwrap();
    let large = Value::object_from([("x", "y".repeat(300_000))]);
    for round in 0..300 {
        let answer = engines.wasm.evaluate(decision, Some(&input), &env()).unwrap();
        assert_eq!(
            answer.unwrap().get("allowed"),
            Some(&Value::from(true)),
            "{round}"
        );
        let input = if round % 100 == 0 { &large } else { &input };
        assert_eq!(
            engines.wasm.evaluate(echo, Some(input), &env()).unwrap().as_ref(),
            Some(input)
        );
    }
}

/// Strings of every character that there is, and objects of many sizes.
#[test]
fn input_comes_out_as_it_went_in() {
    let engines = engines();
    assert!(engines.wasm.writes_input_directly());
    let echo = engines.wasm.entrypoint("a/echo").unwrap();
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    for (at, chunk) in all.chunks(4096).enumerate() {
        let text: String = chunk.iter().collect();
        let input = Value::object_from([(text.clone(), Value::from(text))]);
        let answer = engines.wasm.evaluate(echo, Some(&input), &env()).unwrap();
        assert_eq!(answer, Some(input), "characters from {:?}", all[at * 4096]);
    }
    for size in [0, 1, 5, 6, 11, 12, 22, 23, 44, 45, 89, 90, 1000, 20_000] {
        let members = (0..size).map(|n| (format!("header-{n}"), Value::from(n)));
        let input = Value::object_from(members);
        let answer = engines.wasm.evaluate(echo, Some(&input), &env()).unwrap();
        assert_eq!(answer, Some(input), "{size} members");
    }
}

/// Values that JSON doesn't have are handed over as text.
#[test]
fn sets_and_odd_keys_come_in_too() {
    let engines = engines();
    let echo = engines.wasm.entrypoint("a/echo").unwrap();
    let sets = engines.wasm.entrypoint("a/sets").unwrap();
    let odd = engines.wasm.evaluate(sets, None, &env()).unwrap().unwrap();
    assert_eq!(odd.get("some").unwrap().type_name(), "set");
    let answer = engines.wasm.evaluate(echo, Some(&odd), &env()).unwrap();
    assert_eq!(answer, Some(odd));
}

#[test]
fn many_threads_ask_at_once() {
    let engines = engines();
    let echo = engines.wasm.entrypoint("a/echo").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let wasm = &engines.wasm;
            scope.spawn(move || {
                for round in 0..200 {
                    let input = Value::object_from([("x", Value::from(thread * 1000 + round))]);
                    assert_eq!(wasm.evaluate(echo, Some(&input), &env()).unwrap(), Some(input));
                }
            });
        }
    });
}
