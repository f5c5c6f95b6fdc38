//! `postern policy eval`: one evaluation, printed in OPA's formats.

use std::time::Instant;

use postern_policy::Value;
use postern_rego::EvalError;
use serde_json::{Value as Json, json};

use super::{
    ask::{self, Question, QuestionArgs},
    explain::{self, Explain, Texts},
    layout::pretty,
};
use crate::{clock, exit::Exit, output};

/// `postern policy eval`.
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Exit with 1 when the result is undefined.
    #[arg(long)]
    fail: bool,
    /// Exit with 1 when the result is defined.
    #[arg(long, conflicts_with = "fail")]
    fail_defined: bool,
    /// Treat the failure of a builtin function as an error; otherwise it is undefined.
    #[arg(long)]
    strict_builtin_errors: bool,
    /// Tell what the evaluation did.
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    explain: Explain,
    /// Stop the evaluation after this time (5s, 500ms); 0 is for never.
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = ask::timeout)]
    timeout: ask::Timeout,
    /// Say how long loading and evaluating took.
    #[arg(long)]
    metrics: bool,
}

/// OPA's, those that a single value can be printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// OPA's result set.
    #[default]
    Json,
    /// An array of the values.
    Values,
    /// The variables bound: a reference binds none.
    Bindings,
    /// The value, to be read.
    Pretty,
    /// The value, in one line; a text without its quotes.
    Raw,
    /// Only whether there is a result.
    Discard,
}

/// What OPA calls its metrics, in nanoseconds.
struct Metrics {
    load: u128,
    eval: u128,
}

pub(super) async fn run(args: &EvalArgs) -> anyhow::Result<Exit> {
    let started = clock::monotonic();
    let Question {
        policy,
        entrypoint,
        input,
    } = args.question.ready().await?;
    let env = ask::env(args.strict_builtin_errors, args.timeout.0)?;
    let loaded = clock::monotonic();
    let mut print = output::note;
    let result = ask::evaluate(&policy, entrypoint, input.as_ref(), &env, &mut print);
    let metrics = args.metrics.then(|| Metrics {
        load: between(started, loaded),
        eval: between(loaded, clock::monotonic()),
    });
    let told = if args.explain == Explain::Off {
        Vec::new()
    } else {
        let (again, recording) = ask::evaluate_recorded(&policy, entrypoint, input.as_ref(), &env);
        let told = (
            &recording,
            matches!(again, Ok(Some(_))),
            policy.program.has_rows(),
        );
        let compiled = args.question.source.plan.is_none() && args.question.source.bundle.is_empty();
        explain::lines(
            args.explain,
            args.question.query.as_str(),
            told,
            &mut Texts::new(compiled),
        )
    };
    match args.format {
        Format::Json => {}
        Format::Pretty => told.iter().try_for_each(|line| output::line(line))?,
        _ => told.iter().for_each(|line| output::note(line)),
    }
    match result {
        Ok(result) => {
            print_result(args, result.as_ref(), metrics.as_ref(), &told)?;
            let failed = if result.is_some() {
                args.fail_defined
            } else {
                args.fail
            };
            Ok(if failed { Exit::No } else { Exit::Yes })
        }
        Err(error) => {
            print_error(args, &error, &told)?;
            Ok(Exit::Usage)
        }
    }
}

fn between(from: Instant, to: Instant) -> u128 {
    to.saturating_duration_since(from).as_nanos()
}

fn print_result(
    args: &EvalArgs,
    result: Option<&Value>,
    metrics: Option<&Metrics>,
    told: &[String],
) -> anyhow::Result<()> {
    let text = match (args.format, result) {
        (Format::Json, _) => {
            // Written by hand where the value stands, since its numbers keep their text.
            let mut members = Vec::new();
            if let Some(value) = result {
                let text = json!(args.question.query.as_str());
                members.push(format!(
                    r#""result": [{{"expressions": [{{"value": {}, "text": {text}, "location": {{"row": 1, "col": 1}}}}]}}]"#,
                    value.to_json()
                ));
            }
            members.extend(metrics.map(|metrics| format!(r#""metrics": {}"#, metrics.json())));
            if !told.is_empty() {
                members.push(format!(r#""explanation": {}"#, json!(told)));
            }
            pretty(&format!("{{{}}}", members.join(", ")))
        }
        (Format::Values, Some(value)) => pretty(&format!("[{}]", value.to_json())),
        (Format::Bindings, Some(_)) | (Format::Discard, None) => "{}".to_owned(),
        (Format::Pretty, Some(value)) => pretty(&value.to_json()),
        (Format::Pretty, None) => "undefined".to_owned(),
        (Format::Raw, Some(value)) => value.as_str().map_or_else(|| value.to_json(), str::to_owned),
        (Format::Discard, Some(_)) => pretty(r#"{"result": "discarded"}"#),
        (Format::Values | Format::Bindings | Format::Raw, None) => return Ok(()),
    };
    output::line(&text)?;
    if let (Some(metrics), true) = (metrics, args.format != Format::Json) {
        output::note(&metrics.json().to_string());
    }
    Ok(())
}

fn print_error(args: &EvalArgs, error: &EvalError, told: &[String]) -> anyhow::Result<()> {
    if args.format != Format::Json {
        output::note(&format!("1 error occurred: {error}"));
        return Ok(());
    }
    let place = error.place();
    let mut error = json!({"errors": [{
        "message": error.to_string(),
        "code": error.code(),
        "location": {"file": place.file.as_ref(), "row": place.row, "col": place.column},
    }]});
    if let (Some(members), false) = (error.as_object_mut(), told.is_empty()) {
        members.insert("explanation".to_owned(), json!(told));
    }
    output::line(&serde_json::to_string_pretty(&error)?)
}

impl Metrics {
    fn json(&self) -> Json {
        json!({
            "timer_rego_load_ns": u64::try_from(self.load).unwrap_or(u64::MAX),
            "timer_rego_query_eval_ns": u64::try_from(self.eval).unwrap_or(u64::MAX),
        })
    }
}
