//! Allocations and instructions of one check, as `scripts/count.sh` counts them: the same on a busy machine as on a quiet
//! one, so that a change of either has a cause.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Context as _;

use super::tools::output_of;
use super::{Measured, Setting};
use crate::report::{Summary, table};

/// What is counted, and what it is called in the table.
const FIGURES: [(&str, &str); 6] = [
    (
        "check_instructions",
        "instructions per check, token and policy's answer remembered",
    ),
    ("check_allocs", "allocations per such check"),
    (
        "evaluated_check_instructions",
        "instructions per check, policy evaluated",
    ),
    ("evaluated_check_allocs", "allocations per such check"),
    (
        "evaluation_instructions",
        "instructions per evaluation of the policy in it",
    ),
    ("evaluation_allocs", "allocations per evaluation"),
];

/// `check_instructions`, `check_allocs` and the part that evaluation has in them; none of them where valgrind is missing.
///
/// # Errors
/// Where counting fails.
pub fn counts(setting: &Setting) -> anyhow::Result<Measured> {
    let mut summary = Summary::default();
    let mut rows = Vec::new();
    for (name, number) in count(setting, &[])? {
        let (name, words) = FIGURES
            .iter()
            .find(|(known, _)| *known == name)
            .with_context(|| format!("count.sh: unknown figure {name}"))?;
        summary.add(name, number);
        rows.push(vec![(*words).to_owned(), number.to_string()]);
    }
    if rows.is_empty() {
        let text = "Allocations and instructions: NOT COUNTED, valgrind is missing\n".to_owned();
        return Ok(Measured { summary, text });
    }
    let text = format!(
        "A check in process, from headers to answer, token cached, policy of 30 roles, counted by callgrind \
         (which runs SHA-256 without the processor's instructions for it):\n\n{}",
        table(&["counted", "number"], &rows)
    );
    Ok(Measured { summary, text })
}

/// What `scripts/count.sh` says with these arguments, by name; nothing where valgrind is missing.
pub(super) fn count(setting: &Setting, arguments: &[&OsStr]) -> anyhow::Result<Vec<(String, f64)>> {
    let script = setting.root.join("scripts/count.sh");
    let output = String::from_utf8(output_of(Command::new(script).args(arguments))?)?;
    output.lines().map(figure).collect()
}

/// A line of it: a name and a number.
fn figure(line: &str) -> anyhow::Result<(String, f64)> {
    let (name, number) = line.split_once(' ').context("count.sh: expected `name number`")?;
    Ok((name.to_owned(), number.parse()?))
}
