//! One evaluation: its input, its surroundings, and what came of it.

use std::{fs, io::Read as _, path::Path, time::Duration};

use anyhow::Context as _;
use postern_policy::{Env, Value};
use postern_rego::{EntrypointId, EvalError, RecordLimits, Recording, TimeLimit};

use super::{
    query::Query,
    source::{self, Policy, SourceArgs},
};
use crate::clock;

/// Of an input or data document.
const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;
/// Of one evaluation, some minutes long.
const MAX_STATEMENTS: u64 = 10_000_000_000;
/// What one evaluation builds, in bytes.
const MAX_MEMORY: u64 = 4 * 1024 * 1024 * 1024;

/// What is asked of which policy about what.
#[derive(Debug, clap::Args)]
pub struct QuestionArgs {
    /// What to evaluate: a rule or a package, data.orders.authz.allow say.
    #[arg(value_name = "QUERY")]
    pub query: Query,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// A question that can be put.
pub struct Question {
    pub policy: Policy,
    pub entrypoint: EntrypointId,
    pub input: Option<Value>,
}

impl QuestionArgs {
    /// Reads the policy, compiling it where that is needed, and the input.
    pub async fn ready(&self) -> anyhow::Result<Question> {
        let policy = self.source.policy(&self.query).await?;
        Ok(Question {
            entrypoint: entrypoint(&policy, &self.query)?,
            input: self.input.read()?,
            policy,
        })
    }
}

/// Where the input comes from.
#[derive(Debug, clap::Args)]
struct InputArgs {
    /// The input document, in JSON or YAML.
    #[arg(short, long, value_name = "FILE")]
    input: Option<std::path::PathBuf>,
    /// Read the input document from standard input.
    #[arg(short = 'I', long, conflicts_with = "input")]
    stdin_input: bool,
}

impl InputArgs {
    /// Reads it; `None` where there is none.
    fn read(&self) -> anyhow::Result<Option<Value>> {
        if self.stdin_input {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .take(MAX_DOCUMENT_BYTES)
                .read_to_string(&mut text)
                .context("reading standard input")?;
            return Ok(Some(
                Value::from_json_str(&text).context("standard input is not JSON")?,
            ));
        }
        self.input.as_deref().map(document).transpose()
    }
}

/// Reads a document: YAML where its name says so, otherwise JSON.
pub fn document(path: &Path) -> anyhow::Result<Value> {
    let named = || path.display().to_string();
    let size = fs::metadata(path).with_context(named)?.len();
    anyhow::ensure!(
        size <= MAX_DOCUMENT_BYTES,
        "{}: larger than {MAX_DOCUMENT_BYTES} bytes",
        named()
    );
    let text = fs::read_to_string(path).with_context(named)?;
    let yaml = path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml");
    if !yaml {
        return Value::from_json_str(&text).with_context(named);
    }
    let value: serde_json::Value = serde_saphyr::from_str(&text).with_context(named)?;
    Value::from_json_str(&value.to_string()).with_context(named)
}

/// The time now and a seed of its own; nothing but the limit of time, if there is one, stops the evaluation before it takes
/// what only a mistake takes.
pub fn env(strict: bool, timeout: Option<Duration>) -> anyhow::Result<Env> {
    let mut env = Env::new(clock::now_ns(), clock::entropy()?);
    env.runtime = Some(postern_policy::runtime());
    env.strict_builtin_errors = strict;
    env.limits.max_statements = MAX_STATEMENTS;
    env.limits.max_memory = MAX_MEMORY;
    env.time_limit = timeout.map(|max| TimeLimit::new(max, clock::running));
    Ok(env)
}

/// Reads a duration as OPA's flags have it, Go's way: `5s`, `1m30s`, `500ms`; 0 is for none.
pub fn timeout(text: &str) -> Result<Timeout, String> {
    let units: [(&str, u64); 7] = [
        ("ns", 1),
        ("us", 1000),
        ("µs", 1000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let wrong = || format!("expected a duration such as 5s, 500ms or 1m30s, got {text:?}");
    if text == "0" {
        return Ok(Timeout(None));
    }
    let (mut rest, mut nanoseconds) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor));
        nanoseconds = part
            .and_then(|part| nanoseconds.checked_add(part))
            .ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() {
        return Err(wrong());
    }
    let limit = (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds));
    Ok(Timeout(limit))
}

/// How long an evaluation may take, if there is a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);

/// The entrypoint that answers a query.
pub fn entrypoint(policy: &Policy, query: &Query) -> anyhow::Result<EntrypointId> {
    let program = &policy.program;
    let found = source::find(program, &query.entrypoint()).and_then(|name| program.entrypoint(name));
    found.with_context(|| {
        let names: Vec<&str> = program.entrypoints().collect();
        format!(
            "the plan has no entrypoint for {}; it has: {}",
            query.as_str(),
            names.join(", ")
        )
    })
}

/// Evaluates, and records what happened.
pub fn evaluate_recorded(
    policy: &Policy,
    entrypoint: EntrypointId,
    input: Option<&Value>,
    env: &Env,
) -> (Result<Option<Value>, EvalError>, Recording) {
    let mut recording = Recording::new(RecordLimits::default());
    let program = &policy.program;
    let result = program.evaluate_recorded(entrypoint, input, &policy.data, env, &mut recording);
    (result, recording)
}

/// Evaluates, and gives what was printed to `print`.
pub fn evaluate(
    policy: &Policy,
    entrypoint: EntrypointId,
    input: Option<&Value>,
    env: &Env,
    print: &mut dyn FnMut(&str),
) -> Result<Option<Value>, EvalError> {
    let results = policy
        .program
        .results_with_print(entrypoint, input, &policy.data, env, print)?;
    Ok(results
        .iter()
        .next()
        .and_then(|result| result.as_object()?.get_str("result"))
        .cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_written_as_in_go() {
        for (text, expected) in [
            ("0", None),
            ("0s", None),
            ("5s", Some(Duration::from_secs(5))),
            ("500ms", Some(Duration::from_millis(500))),
            ("1m30s", Some(Duration::from_secs(90))),
            ("2h", Some(Duration::from_secs(7200))),
            ("10us", Some(Duration::from_micros(10))),
        ] {
            assert_eq!(timeout(text), Ok(Timeout(expected)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-1s", "5x", "99999999999h", "1.5s"] {
            assert!(timeout(text).is_err(), "{text}");
        }
    }
}
