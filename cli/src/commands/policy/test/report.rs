//! What came of the tests, in OPA's words and members.

use std::{fmt::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::cases::Cases;
use crate::commands::policy::discover::Test;

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail,
    Skipped,
    /// What went wrong.
    Error(String),
}

impl Verdict {
    fn name(&self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skipped => "SKIPPED",
            Self::Error(_) => "ERROR",
        }
    }
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub verdict: Verdict,
    pub duration: Duration,
    /// What the policy printed, line by line.
    pub printed: String,
    /// Where it failed, in lines; empty where nobody asked.
    pub trace: Vec<String>,
    /// What came of its cases, if it has any.
    pub cases: Cases,
}

impl Outcome {
    /// Of a test that isn't run.
    pub fn skipped() -> Self {
        Self {
            verdict: Verdict::Skipped,
            duration: Duration::ZERO,
            printed: String::new(),
            trace: Vec::new(),
            cases: Cases::default(),
        }
    }
}

/// What came of all of them, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Report {
    ran: Vec<(Test, Outcome)>,
}

const RULER: &str = "--------------------------------------------------------------------------------";

impl Report {
    pub fn add(&mut self, test: Test, outcome: Outcome) {
        self.ran.push((test, outcome));
    }

    pub fn is_empty(&self) -> bool {
        self.ran.is_empty()
    }

    /// Whether one failed or couldn't be evaluated.
    pub fn failed(&self) -> bool {
        let bad =
            |(_, outcome): &(Test, Outcome)| matches!(outcome.verdict, Verdict::Fail | Verdict::Error(_));
        self.ran.iter().any(bad)
    }

    /// Whether one was not run.
    pub fn skipped(&self) -> bool {
        self.ran
            .iter()
            .any(|(_, outcome)| outcome.verdict == Verdict::Skipped)
    }

    /// For reading: what didn't pass, and what did where `verbose`, then how many of each.
    pub fn pretty(&self, verbose: bool) -> String {
        let mut text = String::new();
        for (test, outcome) in &self.ran {
            if verbose || outcome.verdict != Verdict::Pass {
                describe(test, outcome, verbose, &mut text);
            }
        }
        if !text.is_empty() {
            let _ = writeln!(text, "{RULER}");
        }
        if self.ran.iter().any(|(_, outcome)| !outcome.trace.is_empty()) {
            let _ = writeln!(text, "FAILURES\n{RULER}");
            for (test, outcome) in self.ran.iter().filter(|(_, outcome)| !outcome.trace.is_empty()) {
                let name = test.title();
                let _ = writeln!(
                    text,
                    "{name}: {} ({:?})\n",
                    outcome.verdict.name(),
                    outcome.duration
                );
                indented(&outcome.trace.join("\n"), &mut text);
                text.push('\n');
                if !outcome.cases.is_empty() {
                    indented(&outcome.cases.lines(false).join("\n"), &mut text);
                    text.push('\n');
                }
            }
            let _ = writeln!(text, "{RULER}");
        }
        let counts = self.counts();
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        for (verdict, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            let _ = writeln!(text, "{verdict}: {count}/{all}");
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// How many passed and so on: cases count, and the tests that have them don't.
    fn counts(&self) -> [(&'static str, usize); 4] {
        let mut counts = ["PASS", "FAIL", "SKIPPED", "ERROR"].map(|name| (name, 0));
        let [pass, fail, ..] = &mut counts;
        for (_, outcome) in &self.ran {
            let (passed, failed) = outcome.cases.counts();
            pass.1 += passed;
            fail.1 += failed;
        }
        let whole = self.ran.iter().filter(|(_, outcome)| outcome.cases.is_empty());
        for (_, outcome) in whole {
            for (name, count) in &mut counts {
                *count += usize::from(outcome.verdict.name() == *name);
            }
        }
        counts
    }

    /// For programs: `opa test --format=json`'s members.
    pub fn json(&self) -> anyhow::Result<String> {
        let all: Vec<Json> = self
            .ran
            .iter()
            .map(|(test, outcome)| member(test, outcome))
            .collect();
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

fn describe(test: &Test, outcome: &Outcome, verbose: bool, text: &mut String) {
    let _ = writeln!(text, "{}:{}:", test.place.file, test.place.row);
    let _ = write!(text, "{}: {}", test.title(), outcome.verdict.name());
    let _ = match outcome.verdict {
        Verdict::Skipped => writeln!(text),
        _ => writeln!(text, " ({:?})", outcome.duration),
    };
    indented(&outcome.cases.lines(verbose).join("\n"), text);
    if let Verdict::Error(message) = &outcome.verdict {
        indented(message, text);
    }
    if !outcome.printed.is_empty() {
        text.push('\n');
        indented(&outcome.printed, text);
        text.push('\n');
    }
}

fn indented(lines: &str, text: &mut String) {
    for line in lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
}

fn member(test: &Test, outcome: &Outcome) -> Json {
    let mut member = json!({
        "package": test.package,
        "name": test.name,
        "duration": u64::try_from(outcome.duration.as_nanos()).unwrap_or(u64::MAX),
    });
    let mut add = |name: &str, value: Json| {
        if let Some(members) = member.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    let place = &test.place;
    add(
        "location",
        json!({"file": place.file, "row": place.row, "col": place.column}),
    );
    match &outcome.verdict {
        Verdict::Pass => {}
        Verdict::Fail => add("fail", json!(true)),
        Verdict::Skipped => add("skip", json!(true)),
        Verdict::Error(message) => add("error", json!({"message": message})),
    }
    if !outcome.cases.is_empty() {
        add("sub_results", outcome.cases.json());
    }
    if !outcome.printed.is_empty() {
        // Bytes, as Go writes them.
        add("output", json!(STANDARD.encode(&outcome.printed)));
    }
    member
}
