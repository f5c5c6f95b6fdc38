//! What differed once: each a file in `found/`, made small, put to both again before anything else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use postern_rego::Value;

use crate::answer::Mistake;
use crate::compare::{Difference, LEVELS, Tally, compare};
use crate::oracle::{self, Asked, Oracle, Reply};
use crate::syntax::Policy;

/// Where they lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/found")
}

/// Writes a policy that differs down and gives the text.
pub(crate) fn keep(seed: u64, policy: &Policy, difference: &Difference) -> String {
    let mut text = format!("# {}\n", difference.to_string().replace('\n', " "));
    for entrypoint in &policy.entrypoints {
        let _ = writeln!(text, "#entrypoint {entrypoint}");
    }
    let _ = writeln!(text, "#data {}", policy.data);
    for input in &policy.inputs {
        let _ = writeln!(text, "#input {input}");
    }
    for (name, module) in policy.modules() {
        let _ = write!(text, "#module {name}\n{module}");
    }
    let path = folder().join(format!("{seed}.rego"));
    std::fs::write(&path, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}

/// All that were kept, by file name.
fn all() -> Vec<(String, Asked)> {
    let folder = folder();
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = files.map(|file| file.expect("a file").path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "rego"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        (path.display().to_string(), parse(&text))
    };
    paths.into_iter().map(read).collect()
}

fn parse(text: &str) -> Asked {
    let mut asked = Asked {
        modules: Vec::new(),
        data: "{}".to_owned(),
        inputs: Vec::new(),
        entrypoints: Vec::new(),
    };
    for line in text.lines() {
        match line.strip_prefix('#').and_then(|line| line.split_once(' ')) {
            Some(("entrypoint", rest)) => asked.entrypoints.push(rest.to_owned()),
            Some(("data", rest)) => rest.clone_into(&mut asked.data),
            Some(("input", rest)) => asked.inputs.push(rest.to_owned()),
            Some(("module", rest)) => asked.modules.push((rest.to_owned(), String::new())),
            _ => {
                if let Some((_, module)) = asked.modules.last_mut() {
                    module.push_str(line);
                    module.push('\n');
                }
            }
        }
    }
    assert!(
        Value::from_json_str(&asked.data).is_ok(),
        "data is no JSON in {text}"
    );
    asked
}

/// Puts all that was kept to both again and gives what differs still.
pub(crate) fn again(tally: &mut Tally) -> Vec<String> {
    let mut oracle = Oracle::start(&oracle::program());
    let mut differing = Vec::new();
    for (name, asked) in all() {
        match oracle.ask(&asked, &LEVELS) {
            Reply::Refused { error, .. } => differing.push(format!("{name}: OPA refuses it: {error}")),
            Reply::Built(builds) => {
                let found = compare(&asked, &builds, Mistake::None, tally);
                differing.extend(found.into_iter().map(|difference| format!("{name} {difference}")));
            }
        }
    }
    differing
}
