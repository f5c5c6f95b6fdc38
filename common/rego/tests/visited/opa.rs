//! The pinned `opa`, which compiles the cases and says what they answer.

use crate::cases::Case;
use crate::folder::Folder;
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

/// The cases in a folder of their own, and the plan that OPA makes of them.
pub(crate) struct Compiled {
    folder: Folder,
    plan: Vec<u8>,
}

impl Compiled {
    pub(crate) fn new(name: &str, cases: &[Case], data: &str) -> Self {
        let folder = Folder::new(name);
        for case in cases {
            let text = format!("package {}\n\n{}\n", case.package, case.rego);
            folder.write(&format!("{}.rego", case.package), &text);
        }
        folder.write("data.json", data);
        let entrypoints: Vec<String> = cases.iter().map(Case::entrypoint).collect();
        Compiled {
            plan: folder.plan(&entrypoints, &[]),
            folder,
        }
    }

    pub(crate) fn plan(&self) -> &[u8] {
        &self.plan
    }

    /// What OPA answers.
    pub(crate) fn eval(&self, case: &Case, input: &str) -> Outcome {
        self.folder.write("input", input);
        let rego = format!("{}.rego", case.package);
        let query = format!("data.{}.p", case.package);
        let files = ["-i", "input", "-d", "data.json", "-d", &rego];
        let output = self
            .folder
            .ask(&[&["eval", "-f", "json"][..], &files, &[&query]].concat());
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
