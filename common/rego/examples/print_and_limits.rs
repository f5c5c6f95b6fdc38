//! What a policy prints, and where it is stopped.

use std::error::Error;

use postern_rego::{Env, EvalError, NoHost, Program, Value};

const PLAN: &[u8] = include_bytes!("policies/search.plan.json");

#[expect(clippy::print_stdout, reason = "its output is for whoever runs it")]
fn main() -> Result<(), Box<dyn Error>> {
    for max_statements in [10_000_000, 500] {
        let search = search(max_statements)?;
        for line in search.printed {
            println!("printed: {line}");
        }
        match search.outcome {
            Ok(results) => println!("results: {results}"),
            Err(error) => println!("{}: {error}", error.code()),
        }
    }
    Ok(())
}

/// What came of a search.
pub(crate) struct Search {
    pub(crate) outcome: Result<String, EvalError>,
    /// Until then.
    pub(crate) printed: Vec<String>,
}

/// Searches, which costs some hundreds of statements.
pub(crate) fn search(max_statements: u64) -> Result<Search, Box<dyn Error>> {
    let program = Program::load(PLAN, &NoHost)?;
    let entrypoint = program.entrypoint("search/pairs").ok_or("no such entrypoint")?;
    let input = Value::from_json_str(r#"{"product": 36, "up_to": 40}"#)?;
    let mut env = Env::new(1_700_000_000_000_000_000, [0; 32]);
    env.limits.max_statements = max_statements;

    let mut printed = Vec::new();
    let mut print = |line: &str| printed.push(line.to_owned());
    // A query's results are objects of its variables; `opa build -e` makes queries of one, `result`.
    let results = program.results_with_print(entrypoint, &input, &Value::Null, &env, &mut print);
    let outcome = results.map(|results| Value::Set(results).to_json());
    Ok(Search { outcome, printed })
}
