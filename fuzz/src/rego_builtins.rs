//! A builtin, by its name, and its operands, one a line: JSON where they are that, otherwise strings. Whatever they are, it answers,
//! fails, or spends what it was given; it never panics. The whole table is driven, the host's builtins included, so that a new
//! builtin is, too.

use std::fmt::Write as _;

use postern_policy::builtins::{self, Host};
use postern_rego::{Env, Program, Value, builtin_names};

/// Calls the builtin that the first line names.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let Some(name) = lines.next().and_then(named) else {
        return;
    };
    let operands: Vec<Value> = lines.take(5).map(operand).collect();
    let plan = plan(name, operands.len());
    let Ok(program) = Program::load(plan.as_bytes(), &Host) else {
        return;
    };
    let Some(entrypoint) = program.entrypoint("call") else {
        return;
    };
    let input = Value::Array(operands.into_iter().collect());
    let mut env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    env.limits.max_statements = 200_000;
    for strict in [false, true] {
        env.strict_builtin_errors = strict;
        if let Ok(Some(value)) = program.evaluate(entrypoint, Some(&input), &Value::Null, &env) {
            // What it gives can be written.
            let _ = value.to_json();
        }
    }
}

/// Those of the machine, then those of its host.
fn names() -> impl Iterator<Item = &'static str> {
    builtin_names().chain(builtins::names())
}

/// A builtin's name, or the one at a number, so that any first line leads somewhere.
fn named(line: &str) -> Option<&'static str> {
    let names: Vec<&str> = names().collect();
    let exact = names.iter().find(|name| **name == line).copied();
    exact.or_else(|| {
        let sum: usize = line.bytes().map(usize::from).sum();
        names.get(sum % names.len().max(1)).copied()
    })
}

fn operand(line: &str) -> Value {
    Value::from_json_str(line).unwrap_or_else(|_| Value::from(line))
}

/// A plan that calls a builtin with the elements of `input`.
fn plan(name: &str, operands: usize) -> String {
    let mut statements = String::new();
    let mut args = Vec::new();
    for at in 0..operands {
        let (key, target) = (10 + 2 * at, 11 + 2 * at);
        let _ = write!(
            statements,
            r#"{{"type": "MakeNumberIntStmt", "stmt": {{"value": {at}, "target": {key}}}}},
            {{"type": "DotStmt", "stmt": {{"source": {{"type": "local", "value": 0}},
                "key": {{"type": "local", "value": {key}}}, "target": {target}}}}},"#
        );
        args.push(format!(r#"{{"type": "local", "value": {target}}}"#));
    }
    let args = args.join(", ");
    format!(
        r#"{{"static": {{"strings": [{{"value": "result"}}], "builtin_funcs": [{{"name": "{name}", "decl": {{
            "type": "function", "args": [], "result": {{"type": "any"}}}}}}]}},
        "plans": {{"plans": [{{"name": "call", "blocks": [{{"stmts": [{statements}
            {{"type": "CallStmt", "stmt": {{"func": "{name}", "args": [{args}], "result": 2}}}},
            {{"type": "MakeObjectStmt", "stmt": {{"target": 3}}}},
            {{"type": "ObjectInsertStmt", "stmt": {{"object": 3, "key": {{"type": "string_index", "value": 0}},
                "value": {{"type": "local", "value": 2}}}}}},
            {{"type": "ResultSetAddStmt", "stmt": {{"value": 3}}}}]}}]}}]}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the target would show nothing.
    #[test]
    fn a_builtin_is_called_with_its_operands() {
        let program = Program::load(plan("plus", 2).as_bytes(), &Host).expect("a plan");
        let entrypoint = program.entrypoint("call").expect("an entrypoint");
        let input = Value::from_json_str("[1, 2]").expect("JSON");
        let env = Env::new(0, [0; 32]);
        let got = program.evaluate(entrypoint, Some(&input), &Value::Null, &env);
        assert_eq!(got, Ok(Some(Value::from(3_u64))));
    }

    /// Else mutation alone would have to find the name.
    #[test]
    fn the_dictionary_has_every_builtin() {
        let dictionary = include_str!("../dictionaries/rego_builtins.dict");
        for name in names() {
            let line = format!("\"{name}\\x0a\"");
            assert!(dictionary.lines().any(|entry| entry == line), "add {line}");
        }
    }
}
