//! `postern policy test`: the tests of a policy, judged as `opa test` judges them.

mod cases;
mod files;
mod report;
mod stage;

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use postern_policy::{Bundle, Limits, Value, Verification};
use serde_json::Value as Json;

use super::{
    ask,
    discover::{self, Found, MARKER, Source, Test},
    explain::{self, Explain, Texts},
    query::Query,
    source::{CompilerArgs, Policy},
};
use crate::{
    clock,
    exit::Exit,
    output,
    policy::{COMPILE_DEADLINE, packages, parse},
};
use cases::Cases;
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
    let Found { tests, edited } = found(args).await?;
    let asked = |test: &Test| {
        args.run
            .as_ref()
            .is_none_or(|regex| regex.is_match(test.full.as_str()))
    };
    let tests: Vec<Test> = tests.into_iter().filter(asked).collect();
    let mut report = Report::default();
    let entrypoints: BTreeSet<String> = tests
        .iter()
        .filter(|test| !test.is_todo() && test.problem.is_none())
        .map(|test| test.query.entrypoint())
        .collect();
    let entrypoints: Vec<String> = entrypoints.into_iter().collect();
    let policy = match entrypoints.is_empty() {
        true => None,
        false => Some(Policy::of(&compiled(args, &edited, &entrypoints).await?)?),
    };
    for test in tests {
        for _ in 0..args.count {
            let outcome = match (&policy, test.problem) {
                _ if test.is_todo() => Outcome::skipped(),
                (_, Some(problem)) => Outcome {
                    verdict: Verdict::Error(problem.to_owned()),
                    ..Outcome::skipped()
                },
                (Some(policy), None) => outcome(policy, &test, args)?,
                (None, None) => Outcome::skipped(),
            };
            report.add(test.clone(), outcome);
        }
    }
    Ok(report)
}

/// Compiles the files, with other text in some of them.
async fn compiled(
    args: &TestArgs,
    edited: &[(String, String)],
    entrypoints: &[String],
) -> anyhow::Result<Bundle> {
    let (compiler, bundled) = (&args.compiler, args.bundle);
    if edited.is_empty() {
        return compiler.compile(&args.paths, bundled, entrypoints).await;
    }
    let copied = stage::copied(&args.paths, edited).context("copying the policy")?;
    let (folder, paths) = copied.context("tests with cases, and two of one name, want paths without `..`")?;
    compiler
        .compile_in(Some(folder.path()), &paths, bundled, entrypoints)
        .await
}

/// Finds the tests. A policy that opa refuses may be one that it takes with the names that tests are given here.
async fn found(args: &TestArgs) -> anyhow::Result<Found> {
    let refused = match compiled_files(args).await {
        Ok(names) => return tests_of(args, names).await,
        Err(refused) => refused,
    };
    if args.bundle {
        return Err(refused);
    }
    let found = match files::rego(&args.paths) {
        Ok(names) => tests_of(args, names).await,
        Err(_) => return Err(refused),
    };
    found.ok().filter(|found| !found.edited.is_empty()).ok_or(refused)
}

/// The files that opa compiles: a plan of all packages says which there are.
async fn compiled_files(args: &TestArgs) -> anyhow::Result<Vec<String>> {
    let opa = args.compiler.opa()?;
    let v0 = args.compiler.v0_compatible();
    let mut found: Vec<Query> = Vec::new();
    for path in &args.paths {
        let names = packages(path, v0, &opa, COMPILE_DEADLINE).await?;
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
    let compiler = args.compiler.unoptimized();
    let bundle = compiler.compile(&args.paths, args.bundle, &entrypoints).await?;
    discover::files(&bundle)
}

/// The tests in files: opa's parser says which rules they have.
async fn tests_of(args: &TestArgs, names: Vec<String>) -> anyhow::Result<Found> {
    let opa = args.compiler.opa()?;
    let v0 = args.compiler.v0_compatible();
    let mut sources = Vec::new();
    for name in names {
        let source = source(name, &args.paths)?;
        if source.text.contains("test_") {
            let parsed = parse(&source.text, v0, &opa, COMPILE_DEADLINE).await?;
            sources.push((source, parsed));
        }
    }
    Ok(discover::tests(&sources))
}

/// The text of a file that opa read: on the disk, or in an archive.
fn source(name: String, paths: &[PathBuf]) -> anyhow::Result<Source> {
    if let Ok(text) = fs::read_to_string(&name) {
        return Ok(Source {
            name,
            text,
            editable: true,
        });
    }
    for path in paths.iter().filter(|path| path.is_file()) {
        let archive = fs::read(path).with_context(|| path.display().to_string())?;
        let Ok(bundle) = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()) else {
            continue;
        };
        let same = |module: &str| name.ends_with(module.trim_start_matches('/'));
        if let Some((_, text)) = bundle.modules().find(|(module, _)| same(module)) {
            return Ok(Source {
                text: String::from_utf8_lossy(text).into_owned(),
                name,
                editable: false,
            });
        }
    }
    anyhow::bail!("{name}: opa read it, and it isn't there any more")
}

/// Runs one test: it passes when its value is `true`, or all its cases are.
fn outcome(policy: &Policy, test: &Test, args: &TestArgs) -> anyhow::Result<Outcome> {
    let entrypoint = ask::entrypoint(policy, &test.query)?;
    let env = ask::env(false, args.timeout.0)?;
    let mut printed = String::new();
    let mut noted: Vec<Vec<Json>> = Vec::new();
    let mut print = |line: &str| match line.strip_prefix(MARKER) {
        Some(case) if test.has_cases => noted.extend(serde_json::from_str::<Vec<Json>>(case)),
        _ => {
            printed.push_str(line);
            printed.push('\n');
        }
    };
    let started = clock::monotonic();
    let result = ask::evaluate(policy, entrypoint, None, &env, &mut print);
    let duration: Duration = clock::monotonic().saturating_duration_since(started);
    let mut cases = Cases::default();
    let verdict = match result {
        Ok(Some(value)) if test.has_cases => {
            let value: Json = serde_json::from_str(&value.to_json())?;
            let mut fails;
            (cases, fails) = Cases::of(&value);
            for case in &noted {
                fails |= cases.note(case);
            }
            if fails { Verdict::Fail } else { Verdict::Pass }
        }
        Ok(Some(Value::Bool(true))) => Verdict::Pass,
        Ok(_) => Verdict::Fail,
        Err(error) => Verdict::Error(error.to_string()),
    };
    // Where it failed: the same evaluation once more.
    let trace = if args.verbose && verdict == Verdict::Fail {
        let (_, recording) = ask::evaluate_recorded(policy, entrypoint, None, &env);
        let told = (&recording, false, policy.program.has_rows());
        explain::lines(Explain::Fails, test.query.as_str(), told, &mut Texts::new(true))
    } else {
        Vec::new()
    };
    Ok(Outcome {
        verdict,
        duration,
        printed,
        trace,
        cases,
    })
}
