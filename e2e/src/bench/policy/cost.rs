//! What an evaluation costs beside time: instructions and allocations, as callgrind counts them, and what loading a plan
//! costs.

use std::ffi::OsStr;
use std::io::Write as _;
use std::time::Instant;

use postern_policy::{Bundle, Limits, PlanEngine, Verification};

use super::PolicyCase;
use super::opa::OpaFigures;
use crate::bench::Setting;
use crate::bench::counts::count;
use crate::report::{Spread, table};

/// A row of [`costs`], or nothing where valgrind is missing.
pub(super) fn row(
    setting: &Setting,
    case: &PolicyCase,
    opa: &OpaFigures,
) -> anyhow::Result<Option<Vec<String>>> {
    let mut archive = tempfile::Builder::new().suffix(".tar.gz").tempfile()?;
    archive.write_all(&case.archive(setting)?)?;
    let figures = count(
        setting,
        &[
            OsStr::new("policy"),
            archive.path().as_os_str(),
            OsStr::new(&case.entrypoint),
            case.input().as_os_str(),
        ],
    )?;
    let figure = |name: &str| {
        figures
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number)
    };
    let (Some(instructions), Some(allocs)) = (figure("policy_instructions"), figure("policy_allocs")) else {
        return Ok(None);
    };
    Ok(Some(vec![
        case.name.to_owned(),
        format!("{instructions:.0}"),
        format!("{allocs:.1}"),
        format!("{:.0}", opa.per_op_allocs),
        format!("{:.0}", opa.per_op_bytes),
    ]))
}

/// The rows as a table.
pub(super) fn costs(rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return "Instructions and allocations: NOT COUNTED, valgrind is missing\n".to_owned();
    }
    let headers = [
        "policy",
        "our instructions",
        "our allocations",
        "opa bench allocs/op",
        "opa bench B/op",
    ];
    table(&headers, rows)
}

/// How long loading the plan of a case takes, in milliseconds, and how large the plan is, in bytes.
pub(super) fn load(setting: &Setting, case: &PolicyCase) -> anyhow::Result<(Spread, usize)> {
    const TIMES: usize = 9;
    let bundle = Bundle::read(
        &case.archive(setting)?,
        &Verification::Unsigned,
        &Limits::default(),
    )?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        let engine = PlanEngine::from_bundle(&bundle)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        drop(engine);
    }
    Ok((
        Spread::of(times.into_iter()),
        bundle.plan().map_or(0, |plan| plan.bytes().len()),
    ))
}
