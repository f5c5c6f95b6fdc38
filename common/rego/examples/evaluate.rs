//! Evaluates an entrypoint of a `plan.json`, with data and input from files:
//!
//! ```sh
//! opa build -t plan -e orders/decision -o bundle.tar.gz orders.rego && tar -xzf bundle.tar.gz /plan.json
//! cargo run -p postern-rego --example evaluate -- plan.json orders/decision orders.data.json orders.input.json
//! ```
//!
//! Without arguments it takes the plan beside it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use postern_rego::{Env, NoHost, Program, Value};

#[expect(clippy::print_stdout, reason = "its output is for whoever runs it")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
    let answer = match arguments.as_slice() {
        [] => evaluate(
            &policies.join("orders.plan.json"),
            "orders/decision",
            &policies.join("orders.data.json"),
            &policies.join("orders.input.json"),
            now_ns()?,
        )?,
        [plan, entrypoint, data, input] => {
            let [plan, data, input] = [plan, data, input].map(PathBuf::from);
            evaluate(&plan, entrypoint, &data, &input, now_ns()?)?
        }
        _ => return Err("usage: evaluate PLAN ENTRYPOINT DATA INPUT".into()),
    };
    println!(
        "{}",
        answer.map_or("undefined".to_owned(), |value| value.to_json())
    );
    Ok(())
}

/// What the entrypoint answers; `None` is undefined.
pub(crate) fn evaluate(
    plan: &Path,
    entrypoint: &str,
    data: &Path,
    input: &Path,
    now_ns: i64,
) -> Result<Option<Value>, Box<dyn Error>> {
    // Once: what can't run as OPA would run it is refused here.
    let program = Program::load(&std::fs::read(plan)?, &NoHost)?;
    let data = Value::from_json_slice(&std::fs::read(data)?)?;
    // A rule may not stand where data does, says OPA.
    program.check_data(&data)?;
    let entrypoint = program.entrypoint(entrypoint).ok_or_else(|| {
        let known: Vec<&str> = program.entrypoints().collect();
        format!("no entrypoint {entrypoint}; there are: {}", known.join(", "))
    })?;

    // For each decision, from any thread: an input, an instant, a seed.
    let input = Value::from_json_slice(&std::fs::read(input)?)?;
    let env = Env::new(now_ns, [0; 32]);
    Ok(program.evaluate(entrypoint, &input, &data, &env)?)
}

/// The crate reads no clock: its caller does.
#[expect(clippy::disallowed_methods, reason = "the edge of the program")]
fn now_ns() -> Result<i64, Box<dyn Error>> {
    Ok(i64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos(),
    )?)
}
