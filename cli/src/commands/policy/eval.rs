//! `postern policy eval`: one evaluation, printed in OPA's formats.

use std::time::Instant;

use postern_policy::Value;
use postern_rego::EvalError;
use serde_json::{Value as Json, json};

use super::{
    ask::{self, InputArgs},
    layout::pretty,
    query::Query,
    source::SourceArgs,
};
use crate::{clock, exit::Exit, output};

/// `postern policy eval`.
#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    /// What to evaluate: a rule or a package, data.orders.authz.allow say.
    #[arg(value_name = "QUERY")]
    query: Query,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    input: InputArgs,
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
    let policy = args.source.policy(&args.query).await?;
    let entrypoint = ask::entrypoint(&policy, &args.query)?;
    let input = args.input.read()?;
    let env = ask::env(args.strict_builtin_errors, args.timeout.0)?;
    let loaded = clock::monotonic();
    let mut print = output::note;
    let result = ask::evaluate(&policy, entrypoint, input.as_ref(), &env, &mut print);
    let metrics = args.metrics.then(|| Metrics {
        load: between(started, loaded),
        eval: between(loaded, clock::monotonic()),
    });
    match result {
        Ok(result) => {
            print_result(args, result.as_ref(), metrics.as_ref())?;
            let failed = if result.is_some() {
                args.fail_defined
            } else {
                args.fail
            };
            Ok(if failed { Exit::No } else { Exit::Yes })
        }
        Err(error) => {
            print_error(args, &error)?;
            Ok(Exit::Usage)
        }
    }
}

fn between(from: Instant, to: Instant) -> u128 {
    to.saturating_duration_since(from).as_nanos()
}

fn print_result(args: &EvalArgs, result: Option<&Value>, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let text = match (args.format, result) {
        (Format::Json, _) => {
            // Written by hand where the value stands, since its numbers keep their text.
            let mut members = Vec::new();
            if let Some(value) = result {
                let text = json!(args.query.as_str());
                members.push(format!(
                    r#""result": [{{"expressions": [{{"value": {}, "text": {text}, "location": {{"row": 1, "col": 1}}}}]}}]"#,
                    value.to_json()
                ));
            }
            members.extend(metrics.map(|metrics| format!(r#""metrics": {}"#, metrics.json())));
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

fn print_error(args: &EvalArgs, error: &EvalError) -> anyhow::Result<()> {
    if args.format != Format::Json {
        output::note(&format!("1 error occurred: {error}"));
        return Ok(());
    }
    let place = error.place();
    let error = json!({"errors": [{
        "message": error.to_string(),
        "code": error.code(),
        "location": {"file": place.file.as_ref(), "row": place.row, "col": place.column},
    }]});
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
