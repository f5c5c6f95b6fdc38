//! Which tests there are: the rules called `test_…` and `todo_test_…`, found in the plan of the packages, so that whatever
//! OPA takes for a rule is one here.

use std::collections::BTreeMap;

use anyhow::Context as _;
use postern_policy::Bundle;
use serde::Deserialize;

use super::query::Query;

/// A rule that is a test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Of the package: `data.orders.authz_test`.
    pub package: String,
    /// Of the rule.
    pub name: String,
    /// `data.orders.authz_test.test_x`.
    pub query: Query,
    /// Where it begins; a plan made with optimisation doesn't say.
    pub place: Option<TestPlace>,
    /// Whether it is a partial rule, `test_x[case] if …`.
    pub has_cases: bool,
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
        self.name.starts_with("todo_")
    }
}

/// As much of a plan as it takes.
#[derive(Deserialize)]
struct Plan {
    #[serde(rename = "static")]
    constants: Static,
    funcs: Functions,
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

#[derive(Deserialize)]
struct Functions {
    funcs: Vec<Function>,
}

#[derive(Deserialize)]
struct Function {
    path: Vec<String>,
    #[serde(rename = "return")]
    result: u64,
    #[serde(default)]
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    stmts: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "type")]
    kind: String,
    stmt: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    target: Option<u64>,
    file: usize,
    row: u64,
    col: u64,
}

/// The tests of these packages, in the order in which they stand in their files.
pub fn tests(bundle: &Bundle, packages: &[Query]) -> anyhow::Result<Vec<Test>> {
    let plan = bundle.plan().context("opa made a bundle without a plan")?;
    let plan: Plan = serde_json::from_slice(plan.bytes()).context("the plan that opa made can't be read")?;
    let packages: BTreeMap<String, &Query> =
        packages.iter().map(|query| (query.entrypoint(), query)).collect();
    let mut tests = Vec::new();
    for function in &plan.funcs.funcs {
        // `g0` is the world outside of any `with`; a rule planned again for one is called otherwise.
        let [world, package @ .., name] = function.path.as_slice() else {
            continue;
        };
        let is_test = name.starts_with("test_") || name.starts_with("todo_test_");
        let Some(package) = packages
            .get(&package.join("/"))
            .filter(|_| is_test && world == "g0")
        else {
            continue;
        };
        tests.push(Test {
            package: package.as_str().to_owned(),
            name: name.clone(),
            query: package.below(name),
            place: place(function, &plan.constants.files),
            has_cases: is_partial(function),
        });
    }
    tests.sort_by(|a, b| (&a.place, &a.package, &a.name).cmp(&(&b.place, &b.package, &b.name)));
    Ok(tests)
}

/// A partial rule begins by making the set or object that it returns.
fn is_partial(function: &Function) -> bool {
    let first = function.blocks.first().and_then(|block| block.stmts.first());
    first.is_some_and(|first| {
        matches!(first.kind.as_str(), "MakeObjectStmt" | "MakeSetStmt")
            && first.stmt.target == Some(function.result)
    })
}

fn place(function: &Function, files: &[Text]) -> Option<TestPlace> {
    let mut statements = function.blocks.iter().flat_map(|block| &block.stmts);
    let first = statements.find(|statement| statement.stmt.row > 0)?;
    Some(TestPlace {
        file: files.get(first.stmt.file)?.value.clone(),
        row: first.stmt.row,
        column: first.stmt.col,
    })
}
