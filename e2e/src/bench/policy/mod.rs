//! Policy evaluation beside OPA's own: the same Rego, data and input, `opa bench` on one side, the plan machine on the other.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use postern_policy::{Bundle, Engine as _, Entrypoint, Env, Limits, PlanEngine, Value, Verification};

use super::tools::{opa, output_of};
use super::{Measured, Setting};
use crate::report::{Pairs, Spread, Summary, table};

/// A policy with its data and an input.
pub(super) struct PolicyCase {
    /// Folder name under `e2e/bench/policies`.
    pub(super) name: &'static str,
    /// What is asked, slash-separated.
    pub(super) entrypoint: String,
    /// Rego and data files.
    files: Vec<PathBuf>,
    input: PathBuf,
}

/// The table of policies.
const CASES: [&str; 2] = ["demo", "rbac_30"];

impl PolicyCase {
    /// Reads the case of this name.
    ///
    /// # Errors
    /// Where it isn't there or names no entrypoint.
    pub(super) fn read(setting: &Setting, name: &'static str) -> anyhow::Result<Self> {
        let folder = setting.root.join("e2e/bench/policies").join(name);
        let demo = name == "demo";
        let rego = if demo {
            setting.root.join("cli/demo/policy/orders.rego")
        } else {
            folder.join("policy.rego")
        };
        let entrypoint = if demo {
            "orders/authz/decision".to_owned()
        } else {
            let text = std::fs::read_to_string(&rego).with_context(|| format!("read {}", rego.display()))?;
            let package = text
                .lines()
                .find_map(|line| line.strip_prefix("package "))
                .context("no package")?;
            format!("{}/decision", package.trim().replace('.', "/"))
        };
        let data = folder.join("data.json");
        let files = [rego, data].into_iter().filter(|path| path.exists()).collect();
        Ok(Self {
            name,
            entrypoint,
            files,
            input: folder.join("input.json"),
        })
    }

    /// The bundle that `opa build -t plan` makes of it, unsigned.
    ///
    /// # Errors
    /// Where `opa` refuses.
    pub(super) fn archive(&self, setting: &Setting) -> anyhow::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let out = folder.path().join("bundle.tar.gz");
        let mut command = Command::new(opa(&setting.root)?);
        command
            .args(["build", "-t", "plan", "-e", &self.entrypoint, "-o"])
            .arg(&out)
            .args(&self.files);
        output_of(&mut command)?;
        Ok(std::fs::read(out)?)
    }
}

/// `policy_vs_opa`: ns per evaluation of `opa bench` over ours, median over the table of policies.
///
/// # Errors
/// Where `opa` or our engine refuses a policy, or the two don't answer the same.
pub fn policy(setting: &Setting) -> anyhow::Result<Measured> {
    let mut ratios = Vec::new();
    let mut rows = Vec::new();
    for name in CASES {
        let case = PolicyCase::read(setting, name)?;
        let ours = Ours::load(setting, &case)?;
        same_answer(setting, &case, &ours)?;
        let (mut whole, mut inner) = (Pairs::default(), Pairs::default());
        for _ in 0..setting.rounds {
            let opa = opa_bench(setting, &case)?;
            let ns = ours.ns_per_evaluation()?;
            whole.push(opa.per_op_ns, ns);
            inner.push(opa.eval_median_ns, ns);
        }
        ratios.push(whole.ratio().median);
        rows.push(vec![
            name.to_owned(),
            whole.ours().show(0),
            whole.reference().show(0),
            whole.ratio().show(1),
            inner.ratio().show(1),
        ]);
    }
    let mut summary = Summary::default();
    summary.add("policy_vs_opa", Spread::of(ratios.into_iter()).median);
    let headers = [
        "policy",
        "opa bench ns/op",
        "ours ns/op",
        "ratio",
        "ratio to OPA's eval timer alone",
    ];
    let text = format!(
        "One evaluation, input parsed before on both sides, GOMAXPROCS=1, {} rounds, median (min–max):\n\n{}",
        setting.rounds,
        table(&headers, &rows)
    );
    Ok(Measured { summary, text })
}

/// Our side: the engine and a parsed input.
struct Ours {
    engine: PlanEngine,
    entrypoint: Entrypoint,
    input: Value,
}

impl Ours {
    fn load(setting: &Setting, case: &PolicyCase) -> anyhow::Result<Self> {
        let archive = case.archive(setting)?;
        let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default())?;
        let engine = PlanEngine::from_bundle(&bundle)?;
        let entrypoint = engine.require(&case.entrypoint)?;
        let input = Value::from_json_slice(&std::fs::read(&case.input)?)?;
        Ok(Self {
            engine,
            entrypoint,
            input,
        })
    }

    fn evaluate(&self) -> anyhow::Result<Option<Value>> {
        Ok(self
            .engine
            .evaluate(self.entrypoint, Some(&self.input), &Env::new(0, [0; 32]))?)
    }

    fn ns_per_evaluation(&self) -> anyhow::Result<f64> {
        const WARM_UP: Duration = Duration::from_millis(100);
        const STRETCH: Duration = Duration::from_millis(500);
        let run = |stretch: Duration| -> anyhow::Result<f64> {
            let (start, mut n) = (Instant::now(), 0u64);
            while start.elapsed() < stretch {
                for _ in 0..100 {
                    black_box(self.evaluate()?);
                }
                n += 100;
            }
            Ok(start.elapsed().as_nanos() as f64 / n as f64)
        };
        run(WARM_UP)?;
        run(STRETCH)
    }
}

/// A figure about an engine that answers otherwise would be worth nothing.
fn same_answer(setting: &Setting, case: &PolicyCase, ours: &Ours) -> anyhow::Result<()> {
    let output = output_of(
        opa_command(setting)?
            .args(["eval", "--format", "json"])
            .args(arguments(case)),
    )?;
    let output: serde_json::Value = serde_json::from_slice(&output)?;
    let wanted = output.pointer("/result/0/expressions/0/value");
    let got = ours
        .evaluate()?
        .map(|value| serde_json::from_str(&value.to_json()))
        .transpose()?;
    anyhow::ensure!(
        wanted == got.as_ref(),
        "{}: opa says {wanted:?}, we say {got:?}",
        case.name
    );
    Ok(())
}

struct OpaFigures {
    per_op_ns: f64,
    eval_median_ns: f64,
}

fn opa_bench(setting: &Setting, case: &PolicyCase) -> anyhow::Result<OpaFigures> {
    let output = output_of(
        opa_command(setting)?
            .args(["bench", "--format", "json"])
            .args(arguments(case)),
    )?;
    let output: serde_json::Value = serde_json::from_slice(&output)?;
    let number = |pointer: &str| {
        output
            .pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .with_context(|| format!("opa bench: no {pointer}"))
    };
    Ok(OpaFigures {
        per_op_ns: number("/T")? / number("/N")?,
        eval_median_ns: number("/Extra/histogram_timer_rego_query_eval_ns_median")?,
    })
}

fn opa_command(setting: &Setting) -> anyhow::Result<Command> {
    let mut command = Command::new(opa(&setting.root)?);
    command.env("GOMAXPROCS", "1");
    Ok(command)
}

fn arguments(case: &PolicyCase) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    for file in &case.files {
        arguments.extend(["--data".into(), file.into()]);
    }
    arguments.extend(["--input".into(), (&case.input).into()]);
    arguments.push(format!("data.{}", case.entrypoint.replace('/', ".")).into());
    arguments
}
