//! The pinned `opa`: it compiles the policy, and says with `--explain full` which rules it entered, which gave a value and
//! where expressions failed.

use std::collections::BTreeSet;

use crate::folder::Folder;

pub(crate) const POLICY: &str = include_str!("policy.rego");
pub(crate) const DATA: &str = r#"{"roles": ["x"], "grants": {"r1": {"ok": true}, "r2": {"ok": false}}}"#;

/// Rows of the policy.
pub(crate) type Rows = BTreeSet<u32>;

/// What happened to whom.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) entered: Rows,
    pub(crate) succeeded: Rows,
    /// Of expressions.
    pub(crate) failed: Rows,
}

/// A folder with the policy and its data, and the plan that OPA makes of some rules.
pub(crate) struct Compiled {
    folder: Folder,
    plan: Vec<u8>,
}

impl Compiled {
    pub(crate) fn new(name: &str, rules: &[&str], flags: &[&str]) -> Self {
        let folder = Folder::new(name);
        folder.write("policy.rego", POLICY);
        folder.write("data.json", DATA);
        let entrypoints: Vec<String> = rules.iter().map(|rule| format!("p/{rule}")).collect();
        Compiled {
            plan: folder.plan(&entrypoints, flags),
            folder,
        }
    }

    pub(crate) fn plan(&self) -> &[u8] {
        &self.plan
    }

    /// What OPA says that it did.
    pub(crate) fn explain(&self, rule: &str, input: &str) -> Facts {
        self.folder.write("input", input);
        let query = format!("data.p.{rule}");
        let explain = ["eval", "--explain", "full", "-f", "pretty", "-i", "input"];
        let files = ["-d", "data.json", "-d", "policy.rego"];
        let output = self.folder.ask(&[&explain[..], &files, &[&query]].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut facts = Facts::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "|").collect();
            let [place, what, rule, ..] = words.as_slice() else {
                continue;
            };
            let Some(row) = place
                .strip_prefix("policy.rego:")
                .and_then(|row| row.parse().ok())
            else {
                continue;
            };
            // A body of its own (a comprehension's, or a `not`'s) is entered too, under the text of its first expression: in
            // the policy those are indented.
            let is_rule = rule.starts_with("data.p.") && begins_rule(row);
            match *what {
                "Enter" if is_rule => facts.entered.insert(row),
                "Exit" if is_rule => facts.succeeded.insert(row),
                "Fail" => facts.failed.insert(row),
                _ => false,
            };
        }
        facts
    }
}

fn begins_rule(row: u32) -> bool {
    let line = POLICY.lines().zip(1..).find(|(_, at)| *at == row);
    line.is_some_and(|(line, _)| !line.starts_with('\t'))
}
