//! Which tests there are: the rules called `test_…` and `todo_test_…`, as OPA's own parser reads the files, and what has to
//! be written otherwise so that a plan shows what `opa test` sees: a rule that comes twice is two tests, and a case that fails
//! says which it was.

mod cases;
mod rule;

use std::collections::BTreeMap;

use anyhow::Context as _;
use postern_policy::Bundle;
use serde::Deserialize;
use serde_json::Value as Json;

use super::query::Query;
use rule::Rule;

pub use cases::MARKER;

/// A rule that is a test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Of the package: `data.orders.authz_test`.
    pub package: String,
    /// Of the rule; `test_x#01` where it is the second of its name.
    pub name: String,
    /// What is asked of the plan: `data.orders.authz_test.test_x`.
    pub query: Query,
    /// `data.orders.authz_test["test_x#01"]`, which `--run` looks at.
    pub full: Query,
    /// Where it begins.
    pub place: TestPlace,
    /// Whether it has cases, `test_x[case] if …`: then its value says which passed.
    pub has_cases: bool,
    /// Why it can't be judged.
    pub problem: Option<&'static str>,
}

/// Where a test begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestPlace {
    pub file: String,
    pub row: u64,
    pub column: u64,
}

impl Test {
    /// Whether it is only to be written: not run, but counted.
    pub fn is_todo(&self) -> bool {
        self.query.last().starts_with("todo_")
    }

    /// `data.orders.authz_test.test_x`, as it is told.
    pub fn title(&self) -> String {
        format!("{}.{}", self.package, self.name)
    }
}

/// A file of Rego.
pub struct Source {
    /// As OPA calls it.
    pub name: String,
    pub text: String,
    /// Whether another text may be compiled in its place.
    pub editable: bool,
}

/// What tests there are, and the files whose text is another for them.
pub struct Found {
    pub tests: Vec<Test>,
    pub edited: Vec<(String, String)>,
}

/// A text in the place of another.
pub(super) struct Edit {
    at: usize,
    length: usize,
    text: String,
}

/// The files that a plan was made of.
pub fn files(bundle: &Bundle) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Plan {
        #[serde(rename = "static")]
        constants: Static,
    }
    #[derive(Deserialize)]
    struct Static {
        #[serde(default)]
        files: Vec<Text>,
    }
    #[derive(Deserialize)]
    struct Text {
        value: String,
    }
    let plan = bundle.plan().context("opa made a bundle without a plan")?;
    let plan: Plan = serde_json::from_slice(plan.bytes()).context("the plan that opa made can't be read")?;
    let names = plan.constants.files.into_iter().map(|file| file.value);
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".rego")).collect();
    names.sort();
    Ok(names)
}

const TWICE: &str = "a rule of the same name is a test of its own for opa, and this one can't be told from it here; give it another name";
const CASES: &str =
    "which of its cases fail can't be seen here; write a rule for each case, or run `opa test`";

/// The tests of these files, each with what opa's parser says of it.
pub fn tests(sources: &[(Source, Json)]) -> Found {
    let mut tests = Vec::new();
    let mut edits: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (file, (source, parsed)) in sources.iter().enumerate() {
        let Some(package) = rule::package(parsed) else {
            continue;
        };
        let rules = parsed.get("rules").and_then(Json::as_array);
        for json in rules.into_iter().flatten() {
            let Some(rule) = Rule::of(json) else { continue };
            let mut query = rule.below(&package, rule.name());
            let (mut full, mut name) = (query.clone(), rule.shown(rule.name()));
            let mut problem = None;
            let before = seen.entry(query.as_str().to_owned()).or_default();
            if *before > 0 && !rule.is_todo() {
                let shown = format!("{}#{before:02}", rule.name());
                let other = format!("{}__again_{before:02}", rule.name());
                full = rule.below(&package, &shown);
                name = rule.shown(&shown);
                match rule.renamed(&source.text, &other).filter(|_| source.editable) {
                    Some(edit) => {
                        edits.entry(file).or_default().push(edit);
                        query = rule.below(&package, &other);
                    }
                    None => problem = Some(TWICE),
                }
            }
            *before += 1;
            if rule.has_cases() && !rule.is_todo() {
                match cases::noted(&rule, &source.text) {
                    Some(edit) if source.editable || edit.is_none() => {
                        edits.entry(file).or_default().extend(edit);
                    }
                    _ => problem = problem.or(Some(CASES)),
                }
            }
            let place = TestPlace {
                file: source.name.clone(),
                row: rule.row(),
                column: rule.column(),
            };
            tests.push(Test {
                package: package.as_str().to_owned(),
                name,
                query,
                full,
                place,
                has_cases: rule.has_cases(),
                problem,
            });
        }
    }
    // What one of a name hides, it hides in all of them.
    let hidden: Vec<Query> = tests
        .iter()
        .filter(|test| test.problem == Some(TWICE))
        .map(|test| test.query.clone())
        .collect();
    for test in tests.iter_mut().filter(|test| hidden.contains(&test.query)) {
        test.problem = Some(TWICE);
    }
    let edited = edits.into_iter().filter_map(|(file, edits)| {
        let (source, _) = sources.get(file)?;
        Some((source.name.clone(), edited(&source.text, edits)?))
    });
    Found {
        edited: edited.collect(),
        tests,
    }
}

fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.at));
    let mut text = text.to_owned();
    for edit in edits {
        let end = edit.at.checked_add(edit.length)?;
        text.get(edit.at..end)?;
        text.replace_range(edit.at..end, &edit.text);
    }
    Some(text)
}
