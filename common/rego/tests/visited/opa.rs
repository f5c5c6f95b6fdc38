//! The pinned `opa`, which compiles the cases and says what they answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::cases::Case;
use postern_rego::Value;

/// What an evaluation comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// As JSON; `None` is undefined.
    pub(crate) value: Option<String>,
    /// OPA's code.
    pub(crate) error: Option<String>,
    pub(crate) printed: Vec<String>,
}

/// The cases in a folder of their own.
pub(crate) struct Folder {
    opa: PathBuf,
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(name: &str, cases: &[Case], data: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        for case in cases {
            let file = path.join(format!("{}.rego", case.package));
            std::fs::write(file, format!("package {}\n\n{}\n", case.package, case.rego)).expect("a file");
        }
        std::fs::write(path.join("data.json"), data).expect("a file");
        let folder = Folder { opa: opa(), path };
        let mut build = folder.command("build");
        build.args(["-t", "plan", "-o", "bundle.tar.gz"]);
        for case in cases {
            build.arg("-e").arg(case.entrypoint());
        }
        success(build.arg("."));
        success(
            Command::new("tar")
                .args(["-xzf", "bundle.tar.gz", "/plan.json"])
                .current_dir(&folder.path),
        );
        folder
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.opa);
        command.arg(name).current_dir(&self.path);
        command
    }

    pub(crate) fn plan(&self) -> Vec<u8> {
        std::fs::read(self.path.join("plan.json")).expect("a plan")
    }

    /// What OPA answers.
    pub(crate) fn eval(&self, case: &Case, input: &str) -> Outcome {
        std::fs::write(self.path.join("input"), input).expect("a file");
        let rego = format!("{}.rego", case.package);
        let query = format!("data.{}.p", case.package);
        let mut eval = self.command("eval");
        eval.args([
            "-f",
            "json",
            "-i",
            "input",
            "-d",
            "data.json",
            "-d",
            &rego,
            &query,
        ]);
        let output = output(&mut eval);
        let answer = String::from_utf8(output.stdout).expect("UTF-8");
        let answer = Value::from_json_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let at = |keys: &[&str]| {
            keys.iter().try_fold(answer.clone(), |at, key| match at {
                Value::Array(array) => array.get(0)?.get(key).cloned(),
                at => at.get(key).cloned(),
            })
        };
        let printed = String::from_utf8(output.stderr).expect("UTF-8");
        Outcome {
            value: at(&["result", "expressions", "value"]).map(|value| value.to_json()),
            error: at(&["errors", "code"]).and_then(|code| code.as_str().map(ToOwned::to_owned)),
            printed: printed.lines().map(ToOwned::to_owned).collect(),
        }
    }
}

/// Where the pinned `opa` is, built if it isn't there.
fn opa() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/tools.sh");
    let path = success(Command::new("bash").arg(script)).stdout;
    PathBuf::from(String::from_utf8(path).expect("UTF-8").trim())
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
