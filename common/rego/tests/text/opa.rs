//! OPA beside this machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;
use postern_rego::{Env, EvalError, NoHost, Program, Value};

/// The pinned opa.
fn opa() -> PathBuf {
    tools::made("opa", "POSTERN_OPA")
}

fn run(arguments: &[&str], folder: &Path) -> Vec<u8> {
    let output = Command::new(opa()).args(arguments).current_dir(folder).output();
    let output = output.expect("opa runs");
    assert!(
        output.status.success(),
        "opa {}: {}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Asks both for the values of all calls; at least the part `defined` of them must have one. The error says what
/// differs.
pub(crate) fn compare(name: &str, calls: &[String], defined: f64) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("text-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut module = "package t\n\n".to_owned();
    let mut build: Vec<String> = ["build", "-t", "plan", "-o", "t.tar.gz", "t.rego"]
        .map(String::from)
        .to_vec();
    for (index, call) in calls.iter().enumerate() {
        let _ = writeln!(module, "c{index} := {call}");
        build.extend(["-e".to_owned(), format!("t/c{index}")]);
    }
    std::fs::write(folder.join("t.rego"), module).expect("written");
    let wanted = run(&["eval", "-f", "raw", "-d", "t.rego", "data.t"], &folder);
    let wanted = Value::from_json_slice(&wanted).expect("JSON from opa");
    run(&build.iter().map(String::as_str).collect::<Vec<_>>(), &folder);
    let unpacked = Command::new("tar")
        .args(["-xzf", "t.tar.gz", "/plan.json"])
        .current_dir(&folder)
        .status();
    assert!(unpacked.expect("tar runs").success());
    let plan = std::fs::read(folder.join("plan.json")).expect("a plan");
    let program = Program::load(&plan, &NoHost).expect("the plan is loaded");
    let env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    let data = Value::from(postern_rego::Object::default());
    let text = |value: Option<&Value>| value.map_or("undefined".to_owned(), Value::to_json);
    let mut wrong = Vec::new();
    let mut answers = 0;
    for (index, call) in calls.iter().enumerate() {
        let name = format!("c{index}");
        let wanted = wanted.get(&name);
        let entrypoint = program.entrypoint(&format!("t/{name}")).expect("the entrypoint");
        let got = match program.evaluate(entrypoint, None, &data, &env) {
            Ok(got) => got.map(|got| Value::from_json_str(&got.to_json()).expect("JSON")),
            // What isn't supported is no answer, and so no wrong one.
            Err(EvalError::Builtin { message, .. })
                if message.contains("not supported") || message.contains("refused") =>
            {
                continue;
            }
            Err(error) => {
                wrong.push(format!("{call}\n    want {}\n    got  {error}", text(wanted)));
                continue;
            }
        };
        answers += usize::from(wanted.is_some());
        if text(wanted) != text(got.as_ref()) {
            let (wanted, got) = (text(wanted), text(got.as_ref()));
            wrong.push(format!("{call}\n    want {wanted}\n    got  {got}"));
        }
    }
    if !wrong.is_empty() {
        let (count, all) = (wrong.len(), calls.len());
        return Err(format!(
            "{name}: {count} of {all} calls are answered otherwise:\n{}",
            wrong.join("\n")
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let part = answers as f64 / calls.len() as f64;
    if part < defined {
        let all = calls.len();
        return Err(format!("{name}: only {answers} of {all} calls have an answer"));
    }
    Ok(())
}
