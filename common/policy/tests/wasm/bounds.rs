//! Policies that take without end, and modules that aren't whole: stopped or refused, each in time, and nothing breaks.

use std::cell::Cell;
use std::time::Duration;

use postern_policy::{Engine as _, EngineError, Env, TimeLimit, Value};

use crate::{build, engine, env, json, module, of_module};

const REGO: &str = r#"package a

loop := count([1 | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); i * j == input.x])

memory := [x | some i in numbers.range(1, 100000); x := concat("", [sprintf("%d", [i]), input.long])]

large := strings.replace_n({"a": input.long}, input.long)

builtin := sprintf("%v", [json.unmarshal(input.nested)])

ok := input.x
"#;

const PATHS: [&str; 5] = ["a/loop", "a/memory", "a/large", "a/builtin", "a/ok"];

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// A second later each time it is asked: what asks it is over its time at once.
fn hurrying() -> Duration {
    NOW.set(NOW.get() + 1);
    Duration::from_secs(NOW.get())
}

fn within(memory: u64, statements: u64, time: Option<TimeLimit>) -> Env {
    let mut env = env();
    env.limits.max_memory = memory;
    env.limits.max_statements = statements;
    env.time_limit = time;
    env
}

fn input() -> Value {
    let nested = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    Value::object_from([
        ("x", Value::from(1)),
        ("long", Value::from("a".repeat(2000))),
        ("nested", Value::from(nested)),
    ])
}

#[test]
fn whatever_takes_without_end_is_stopped() {
    let engine = engine(&build(&[("a.rego", REGO)], &PATHS).wasm).unwrap();
    let ask = |path: &str, env: &Env| engine.evaluate(engine.entrypoint(path).unwrap(), Some(&input()), env);
    let limit = |path: &str, env: &Env, words: &str| match ask(path, env) {
        Err(EngineError::Limit(stopped)) => {
            assert!(stopped.problem.contains(words), "{path}: {}", stopped.problem);
        }
        other => panic!("{path}: {other:?}"),
    };
    limit("a/loop", &within(1 << 28, 100_000, None), "100000 statements");
    let time = TimeLimit::new(Duration::from_millis(500), hurrying);
    limit(
        "a/loop",
        &within(1 << 30, u64::MAX, Some(time)),
        "500 milliseconds",
    );
    limit(
        "a/memory",
        &within(4 << 20, u64::MAX >> 20, None),
        "4194304 bytes of memory",
    );
    limit(
        "a/large",
        &within(1 << 20, u64::MAX >> 20, None),
        "1048576 bytes of memory",
    );
    // It is as good as new.
    for _ in 0..3 {
        assert_eq!(ask("a/ok", &env()).unwrap(), Some(Value::from(1)));
        assert!(ask("a/builtin", &env()).unwrap().is_some());
    }
}

#[test]
fn deep_input_is_taken_or_stopped() {
    let engine = engine(&build(&[("a.rego", REGO)], &PATHS).wasm).unwrap();
    let ok = engine.entrypoint("a/ok").unwrap();
    for depth in [10, 100, 250, 400, 500] {
        let deep = json(&format!("{{\"x\": {}1{}}}", "[".repeat(depth), "]".repeat(depth)));
        match engine.evaluate(ok, Some(&deep), &env()) {
            Ok(answer) => assert_eq!(answer.as_ref(), deep.get("x"), "{depth}"),
            Err(EngineError::Limit(_)) => assert!(depth > 250, "{depth}"),
            Err(error) => panic!("{depth}: {error}"),
        }
    }
}

#[test]
fn data_that_every_instance_would_take_is_bounded() {
    let built = build(&[("a.rego", "package a\n\nx := data.x.y\n")], &["a/x"]);
    let many = Value::object_from((0..400_000).map(|n| (format!("binding-{n}"), Value::from("role"))));
    let error = of_module(module(&built.wasm), &Value::object_from([("x", many)])).unwrap_err();
    assert!(error.to_string().contains("opa build -t plan"), "{error}");
    let some = Value::object_from((0..20_000).map(|n| (format!("binding-{n}"), Value::from("role"))));
    let data = Value::object_from([("x", Value::object_from([("y", some)]))]);
    let engine = of_module(module(&built.wasm), &data).unwrap();
    assert!(engine.most_instances() < 64, "{}", engine.most_instances());
    let answer = engine
        .evaluate(engine.entrypoint("a/x").unwrap(), None, &env())
        .unwrap();
    assert_eq!(answer.as_ref(), data.get("x").unwrap().get("y"));
}

/// A module that was damaged is refused, or answers, or is stopped: whatever it is, the process goes on.
#[test]
fn no_damage_of_a_module_breaks_anything() {
    let built = build(&[("a.rego", REGO)], &PATHS);
    let whole = module(&built.wasm);
    let count = std::env::var("WASM_DAMAGES").map_or(60, |count| count.parse().unwrap());
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).unwrap() % bound
    };
    let (mut refused, mut asked) = (0, 0);
    for n in 0..count {
        let mut damaged = whole.to_vec();
        for _ in 0..=below(3) {
            let at = below(damaged.len());
            match below(4) {
                0 => damaged[at] = u8::try_from(below(256)).unwrap(),
                1 => damaged[at] ^= 1 << below(8),
                2 => damaged.truncate(at),
                _ => {
                    let end = (at + below(16)).min(damaged.len());
                    damaged.drain(at..end);
                }
            }
            if damaged.is_empty() {
                damaged.push(0);
            }
        }
        let Ok(engine) = of_module(&damaged, &json("{}")) else {
            refused += 1;
            continue;
        };
        asked += 1;
        let env = within(16 << 20, 10_000, None);
        for path in engine.entrypoints() {
            let _ = engine.evaluate(engine.entrypoint(&path).unwrap(), Some(&input()), &env);
        }
        assert!(n < count, "it ends");
    }
    assert!(refused > 0 && asked > 0, "{refused} refused, {asked} asked");
}
