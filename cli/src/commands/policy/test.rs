//! `postern policy test`: the tests of a policy, judged as `opa test` judges them.

mod report;

use std::{path::PathBuf, time::Duration};

use postern_policy::Value;

use super::{
    ask,
    discover::{self, Test},
    explain::{self, Explain, Texts},
    query::Query,
    source::{CompilerArgs, Policy},
};
use crate::{
    clock,
    exit::Exit,
    output,
    policy::{COMPILE_DEADLINE, packages},
};
use report::{Outcome, Report, Verdict};

/// `postern policy test`.
#[derive(Debug, clap::Args)]
pub struct TestArgs {
    /// Files and folders of Rego and data.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The paths are bundles: archives, or folders laid out as one.
    #[arg(short, long)]
    bundle: bool,
    /// Run only the tests whose names (data.orders.authz_test.test_x) this regular expression finds.
    #[arg(short, long, value_name = "REGEX")]
    run: Option<regex::Regex>,
    /// Name the tests that pass, too.
    #[arg(short, long)]
    verbose: bool,
    /// How to print the results.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Run each test as often.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Stop a test after this time (5s, 500ms), which is an error then; 0 is for never.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = ask::timeout)]
    timeout: ask::Timeout,
    /// Fail when there is no test to run.
    #[arg(long)]
    fail_on_empty: bool,
    /// Exit with 0 even if tests were skipped.
    #[arg(short = 'z', long)]
    exit_zero_on_skipped: bool,
    #[command(flatten)]
    compiler: CompilerArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// To be read.
    #[default]
    Pretty,
    /// OPA's members.
    Json,
}

pub(super) async fn run(args: &TestArgs) -> anyhow::Result<Exit> {
    // What can't be run at all is 1 here, as opa has it, since 2 means that a test failed.
    let report = match results(args).await {
        Ok(report) => report,
        Err(error) => {
            output::note(&output::in_full(&error));
            return Ok(Exit::No);
        }
    };
    match args.format {
        Format::Pretty => output::line(&report.pretty(args.verbose))?,
        Format::Json => output::line(&report.json()?)?,
    }
    if report.is_empty() && args.fail_on_empty {
        output::note("no tests were run");
        return Ok(Exit::No);
    }
    let fails = report.failed() || report.skipped() && !args.exit_zero_on_skipped;
    Ok(if fails { Exit::Usage } else { Exit::Yes })
}

async fn results(args: &TestArgs) -> anyhow::Result<Report> {
    let tests = tests(args).await?;
    let tests: Vec<Test> = tests
        .into_iter()
        .filter(|test| {
            args.run
                .as_ref()
                .is_none_or(|regex| regex.is_match(test.query.as_str()))
        })
        .collect();
    let mut report = Report::default();
    let entrypoints: Vec<String> = tests
        .iter()
        .filter(|test| !test.is_todo())
        .map(|test| test.query.entrypoint())
        .collect();
    if entrypoints.is_empty() {
        tests
            .into_iter()
            .for_each(|test| report.add(test, Outcome::skipped()));
        return Ok(report);
    }
    let bundle = args
        .compiler
        .compile(&args.paths, args.bundle, &entrypoints)
        .await?;
    let policy = Policy::of(&bundle)?;
    for test in tests {
        for _ in 0..args.count {
            let outcome = if test.is_todo() {
                Outcome::skipped()
            } else {
                outcome(&policy, &test, args)?
            };
            report.add(test.clone(), outcome);
        }
    }
    Ok(report)
}

/// Finds the tests: compiles all packages, whose plan then names every rule.
async fn tests(args: &TestArgs) -> anyhow::Result<Vec<Test>> {
    let opa = args.compiler.opa()?;
    let mut found: Vec<Query> = Vec::new();
    for path in &args.paths {
        let names = packages(path, args.compiler.v0_compatible(), &opa, COMPILE_DEADLINE).await?;
        for name in names {
            let query = name.parse::<Query>().map_err(anyhow::Error::msg)?;
            if !found.contains(&query) {
                found.push(query);
            }
        }
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let entrypoints: Vec<String> = found.iter().map(Query::entrypoint).collect();
    let bundle = args
        .compiler
        .compile(&args.paths, args.bundle, &entrypoints)
        .await?;
    discover::tests(&bundle, &found)
}

/// Runs one test: it passes when its value is neither false nor undefined.
fn outcome(policy: &Policy, test: &Test, args: &TestArgs) -> anyhow::Result<Outcome> {
    let entrypoint = ask::entrypoint(policy, &test.query)?;
    let env = ask::env(false, args.timeout.0)?;
    let mut printed = String::new();
    let mut print = |line: &str| {
        printed.push_str(line);
        printed.push('\n');
    };
    let started = clock::monotonic();
    let result = ask::evaluate(policy, entrypoint, None, &env, &mut print);
    let duration: Duration = clock::monotonic().saturating_duration_since(started);
    let verdict = match result {
        // A case that fails leaves no trace in the rule's value: opa learns of it from an expression that it adds when
        // it compiles for itself.
        Ok(_) if test.has_cases => Verdict::Error(
            "a test with cases (a variable in its head) can't be judged from a plan; write a rule for each case, or run \
             `opa test`"
                .to_owned(),
        ),
        Ok(Some(Value::Bool(false)) | None) => Verdict::Fail,
        Ok(Some(_)) => Verdict::Pass,
        Err(error) => Verdict::Error(error.to_string()),
    };
    // Where it failed: the same evaluation once more.
    let trace = if args.verbose && verdict == Verdict::Fail {
        let (again, recording) = ask::evaluate_recorded(policy, entrypoint, None, &env);
        let passed = matches!(again, Ok(Some(ref value)) if *value != Value::Bool(false));
        let told = (&recording, passed, policy.program.has_rows());
        explain::lines(Explain::Fails, test.query.as_str(), told, &mut Texts::new(true))
    } else {
        Vec::new()
    };
    Ok(Outcome {
        verdict,
        duration,
        printed,
        trace,
    })
}
