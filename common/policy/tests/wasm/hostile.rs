//! Modules that mean harm. They have OPA's ABI, and are refused or stopped, within their bounds, and what they do is gone with
//! the instance that they did it in.

use std::cell::Cell;
use std::time::Duration;

use postern_policy::{Engine as _, EngineError, Env, TimeLimit, Value, WasmEngine};

use crate::{env, json, of_module};

const SKELETON: &str = include_str!("hostile.wat");

/// The skeleton with what is odd about it; the rest is what a module does that always answers true.
fn hostile(odd: &[(&str, &str)]) -> Vec<u8> {
    let mut text = SKELETON.to_owned();
    let usual = [
        ("pages", "16"),
        ("builtins", r#"{\"upper\": 7}"#),
        ("entrypoints", r#"{\"a/x\": 0}"#),
        ("result", r#"{{\"result\": true}}"#),
        ("more", ""),
        ("dump", ""),
        ("parse", ""),
        ("eval", ""),
        ("heap", ""),
        ("malloc", ""),
    ];
    for (name, _) in odd {
        assert!(usual.iter().any(|(known, _)| known == name), "{name}");
    }
    for (name, code) in odd.iter().chain(&usual) {
        text = text.replace(&format!("{{{name}}}"), code);
    }
    wat::parse_str(text).unwrap()
}

fn loaded(odd: &[(&str, &str)]) -> Result<WasmEngine, EngineError> {
    of_module(&hostile(odd), &json("{}"))
}

fn asked(engine: &WasmEngine, env: &Env) -> Result<Option<Value>, EngineError> {
    engine.evaluate(engine.entrypoint("a/x").unwrap(), Some(&json(r#"{"a": 1}"#)), env)
}

/// Why there is no answer.
fn stopped(odd: &[(&str, &str)], env: &Env) -> String {
    let engine = loaded(odd).unwrap();
    let told = asked(&engine, env).unwrap_err().to_string();
    // Again, and in another instance.
    assert_eq!(asked(&engine, env).unwrap_err().to_string(), told);
    told
}

const FOR_EVER: &str = "(loop $again (br $again))";

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// A second later each time it is asked.
fn hurrying() -> Duration {
    NOW.set(NOW.get() + 1);
    Duration::from_secs(NOW.get())
}

fn in_a_hurry() -> Env {
    let mut env = env();
    env.limits.max_statements = u64::MAX >> 20;
    env.time_limit = Some(TimeLimit::new(Duration::from_millis(500), hurrying));
    env
}

#[test]
fn the_skeleton_itself_answers() {
    assert_eq!(
        asked(&loaded(&[]).unwrap(), &env()).unwrap(),
        Some(Value::from(true))
    );
}

#[test]
fn what_loops_is_stopped_wherever_it_is_called() {
    let start = format!("(func $begin {FOR_EVER}) (start $begin)");
    for (place, code) in [("more", start.as_str()), ("malloc", FOR_EVER), ("heap", FOR_EVER)] {
        let refused = loaded(&[(place, code)]).unwrap_err().to_string();
        assert!(refused.contains("too many statements"), "{place}: {refused}");
    }
    for place in ["eval", "dump"] {
        let mut env = env();
        env.limits.max_statements = 1000;
        let told = stopped(&[(place, FOR_EVER)], &env);
        assert!(told.contains("1000 statements"), "{place}: {told}");
        let told = stopped(&[(place, FOR_EVER)], &in_a_hurry());
        assert!(told.contains("500 milliseconds"), "{place}: {told}");
    }
}

/// The first instance is made while the module is loaded; what those take that are made for a request is a part of its time.
#[test]
fn making_an_instance_is_part_of_the_time() {
    // Long, and not too long to be loaded.
    let begin = "(func $begin (local $n i32)
        (loop $again
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 100000000)))))
      (start $begin)";
    // The instance that is there is used up by failing.
    let engine = loaded(&[("more", begin), ("eval", "unreachable")]).unwrap();
    assert!(
        asked(&engine, &env())
            .unwrap_err()
            .to_string()
            .contains("trapped")
    );
    let told = asked(&engine, &in_a_hurry()).unwrap_err().to_string();
    assert!(told.contains("500 milliseconds"), "{told}");
}

#[test]
fn memory_is_bounded_however_it_is_asked_for() {
    let grows =
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let mut little = env();
    little.limits.max_memory = 4 << 20;
    let told = stopped(&[("eval", grows)], &little);
    assert!(told.contains("4194304 bytes of memory"), "{told}");
    let told = loaded(&[("malloc", grows)]).unwrap_err().to_string();
    assert!(told.contains("memory"), "{told}");
    for odd in [("pages", "65536"), ("more", "(table 1000000 funcref)")] {
        assert!(loaded(&[odd]).is_err(), "{odd:?}");
    }
    // Where everything else begins, at the end of what can be addressed.
    let told = loaded(&[("heap", "(global.set $heap (i32.const -16))")])
        .unwrap_err()
        .to_string();
    assert!(told.contains("memory"), "{told}");
}

#[test]
fn addresses_lead_nowhere_else() {
    for address in ["-1", "2147483647", "-65536"] {
        let code = format!("(return (i32.const {address}))");
        let told = stopped(&[("dump", &code)], &env());
        assert!(told.contains("isn't in memory"), "{address}: {told}");
        let malloc = loaded(&[("malloc", &code)]).map(|_| ()).unwrap_err().to_string();
        assert!(
            malloc.starts_with("policy.wasm can't be run: "),
            "{address}: {malloc}"
        );
    }
    // The last bytes that there are, and no end after them, unless memory has grown meanwhile.
    let last = [
        ("more", r#"(data (i32.const 1048574) "[[")"#),
        ("dump", "(return (i32.const 1048574))"),
    ];
    let told = asked(&loaded(&last).unwrap(), &env()).unwrap_err().to_string();
    assert!(
        told.contains("isn't in memory") || told.contains("no value"),
        "{told}"
    );
}

#[test]
fn what_comes_out_is_bounded() {
    // A text of 40 MiB, which is an array of as many numbers.
    let long = "(local $n i32) (drop (memory.grow (i32.const 640)))
      (i32.store8 (i32.const 1048576) (i32.const 91))
      (loop $again
        (i32.store16 (i32.add (i32.const 1048577) (local.get $n)) (i32.const 0x2c31))
        (local.set $n (i32.add (local.get $n) (i32.const 2)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 41000000))))
      (i32.store16 (i32.add (i32.const 1048577) (local.get $n)) (i32.const 0x5d31))";
    let mut env = env();
    env.limits.max_memory = 64 << 20;
    env.limits.max_statements = u64::MAX >> 20;
    let told = stopped(&[("eval", long), ("dump", "(return (i32.const 1048576))")], &env);
    assert!(told.contains("67108864 bytes of memory"), "{told}");
    for (result, words) in [
        ("", "no value"),
        ("{{", "no value"),
        ("[]", "isn't a result"),
        ("{1}", "isn't a result"),
        (r#"{{\"result\": 1}, {\"result\": 2}}"#, "isn't a result"),
        (r#"{{\"result\": 1, \"a\": 2}}"#, "isn't a result"),
        (r#"{{\"result\": \"\ff\"}}"#, "no value"),
    ] {
        let told = stopped(&[("result", result)], &crate::env());
        assert!(told.contains(words), "{result}: {told}");
    }
}

#[test]
fn what_it_declares_is_bounded() {
    let many = |count: u32| {
        let each: Vec<String> = (0..count).map(|n| format!(r#"\"a/{n}\": {n}"#)).collect();
        loaded(&[("entrypoints", &format!("{{{}}}", each.join(", ")))])
    };
    assert_eq!(many(10_000).unwrap().entrypoints().len(), 10_000);
    let told = many(10_001).unwrap_err().to_string();
    assert!(told.contains("more than 10000 entrypoints"), "{told}");
    for (entrypoints, words) in [
        (r#"{\"a/x\": 1.5}"#, "names and numbers"),
        (r#"{\"a/x\": 99999999999}"#, "names and numbers"),
        (r#"[\"a/x\"]"#, "names and numbers"),
        (r#"{7: 1}"#, "names and numbers"),
        ("{}", "no entrypoints"),
    ] {
        let told = loaded(&[("entrypoints", entrypoints)]).unwrap_err().to_string();
        assert!(told.contains(words), "{entrypoints}: {told}");
    }
}

#[test]
fn builtins_are_called_as_they_are_declared_or_not_at_all() {
    let call = |id: &str| format!("(drop (call $builtin1 (i32.const {id}) (i32.const 0) (i32.const 3)))");
    let good = ("result", r#"\"abc\""#);
    let told = stopped(&[("eval", &call("8")), good], &env());
    assert!(told.contains("number 8, which it doesn't declare"), "{told}");
    let told = loaded(&[("malloc", &call("7")), good]).unwrap_err().to_string();
    assert!(
        told.contains("declare") || told.contains("while it is loaded"),
        "{told}"
    );
    // The host's work isn't free: as many calls are too many where each has it read a thousand bytes more.
    let text = |length: usize| format!(r#"{{{{\"result\": \"{}\"}}}}"#, "a".repeat(length));
    let one = "(drop (call $builtin1 (i32.const 9) (i32.const 0) (i32.const 3)))";
    let calls = format!(
        "(local $n i32) (loop $again {one} (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const 900))))"
    );
    let mut little = env();
    little.limits.max_statements = 1000;
    let (short, long) = (text(1), text(1000));
    let odd = |result| {
        [
            ("builtins", r#"{\"type_name\": 9}"#),
            ("eval", &*calls),
            ("result", result),
        ]
    };
    let engine = loaded(&odd(&short)).unwrap();
    assert_eq!(asked(&engine, &little).unwrap(), Some(Value::from("a")));
    let told = stopped(&odd(&long), &little);
    assert!(told.contains("1000 statements"), "{told}");
    // Called from within what the host calls for it, over and over.
    for place in ["parse", "dump", "malloc"] {
        let guarded = format!("(if (global.get $memo) (then {}))", call("7"));
        let eval = format!("(global.set $memo (i32.const 1)) {}", call("7"));
        let told = stopped(&[(place, &guarded), ("eval", &eval), good], &env());
        let ended = ["512 nested calls", "while it is loaded", "statements"];
        assert!(ended.iter().any(|words| told.contains(words)), "{place}: {told}");
    }
}

/// What is left behind by an evaluation that was stopped isn't met by the next.
#[test]
fn an_instance_that_was_stopped_is_not_used_again() {
    let poison = format!(
        "(if (i32.eqz (i32.load (i32.const 512))) (then (i32.store (i32.const 512) (i32.const 1)) {FOR_EVER}))"
    );
    let engine = loaded(&[("eval", &poison)]).unwrap();
    for _ in 0..3 {
        let told = asked(&engine, &in_a_hurry()).unwrap_err().to_string();
        assert!(told.contains("500 milliseconds"), "{told}");
    }
    let mut little = env();
    little.limits.max_statements = 1000;
    assert!(asked(&engine, &little).is_err());
    for trap in [
        "unreachable",
        "(call $abort (i32.const 3072))",
        "(return (i32.const 1))",
    ] {
        let poison = format!(
            "(if (i32.eqz (i32.load (i32.const 512))) (then (i32.store (i32.const 512) (i32.const 1)) {trap}))"
        );
        let engine = loaded(&[("eval", &poison)]).unwrap();
        for _ in 0..3 {
            assert!(asked(&engine, &env()).is_err(), "{trap}");
        }
    }
}
