//! The pinned `opa`: it compiles the policy, and says with `--explain full` which rules it entered, which gave a value and
//! where expressions failed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// A folder with the policy and its data.
pub(crate) struct Folder {
    opa: PathBuf,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(name: &str, rules: &[&str], flags: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::write(path.join("policy.rego"), POLICY).expect("a file");
        std::fs::write(path.join("data.json"), DATA).expect("a file");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tools.sh");
        let found = success(Command::new("bash").arg(script)).stdout;
        let opa = PathBuf::from(String::from_utf8(found).expect("UTF-8").trim());
        let mut build = Command::new(&opa);
        build
            .args(["build", "-t", "plan", "-o", "bundle.tar.gz"])
            .args(flags);
        for rule in rules {
            build.args(["-e", &format!("p/{rule}")]);
        }
        success(build.args(["policy.rego", "data.json"]).current_dir(&path));
        let mut tar = Command::new("tar");
        success(
            tar.args(["-xzf", "bundle.tar.gz", "/plan.json"])
                .current_dir(&path),
        );
        Folder { opa, path }
    }

    pub(crate) fn plan(&self) -> Vec<u8> {
        std::fs::read(self.path.join("plan.json")).expect("a plan")
    }

    /// What OPA says that it did.
    pub(crate) fn explain(&self, rule: &str, input: &str) -> Facts {
        std::fs::write(self.path.join("input"), input).expect("a file");
        let query = format!("data.p.{rule}");
        let mut eval = Command::new(&self.opa);
        eval.args(["eval", "--explain", "full", "-f", "pretty", "-i", "input"])
            .args(["-d", "data.json", "-d", "policy.rego", &query])
            .current_dir(&self.path);
        let output = output(&mut eval);
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

fn success(command: &mut Command) -> Output {
    let output = output(command);
    let problem = [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat();
    assert!(output.status.success(), "{command:?}: {problem}");
    output
}

fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
