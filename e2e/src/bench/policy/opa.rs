//! OPA's side of the comparison: the pinned `opa`, as a process.

use std::process::Command;

use anyhow::Context as _;

use super::{Ours, PolicyCase};
use crate::bench::Setting;
use crate::bench::tools::{opa, output_of};

/// A figure about an engine that answers otherwise would be worth nothing.
pub(super) fn same_answer(setting: &Setting, case: &PolicyCase, ours: &Ours) -> anyhow::Result<()> {
    let output = output_of(
        command(setting)?
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

/// What `opa bench` says.
pub(super) struct OpaFigures {
    pub(super) per_op_ns: f64,
    pub(super) eval_median_ns: f64,
    pub(super) per_op_allocs: f64,
    pub(super) per_op_bytes: f64,
}

pub(super) fn bench(setting: &Setting, case: &PolicyCase) -> anyhow::Result<OpaFigures> {
    let output = output_of(
        command(setting)?
            .args(["bench", "--benchmem", "--format", "json"])
            .args(arguments(case)),
    )?;
    let output: serde_json::Value = serde_json::from_slice(&output)?;
    let number = |pointer: &str| {
        output
            .pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .with_context(|| format!("opa bench: no {pointer}"))
    };
    let runs = number("/N")?;
    Ok(OpaFigures {
        per_op_ns: number("/T")? / runs,
        per_op_allocs: number("/MemAllocs")? / runs,
        per_op_bytes: number("/MemBytes")? / runs,
        eval_median_ns: number("/Extra/histogram_timer_rego_query_eval_ns_median")?,
    })
}

fn command(setting: &Setting) -> anyhow::Result<Command> {
    let mut command = Command::new(opa(&setting.root)?);
    command.env("GOMAXPROCS", "1");
    Ok(command)
}

fn arguments(case: &PolicyCase) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    for file in case.files() {
        arguments.extend(["--data".into(), file.into()]);
    }
    arguments.extend(["--input".into(), case.input().into()]);
    arguments.push(format!("data.{}", case.entrypoint.replace('/', ".")).into());
    arguments
}
