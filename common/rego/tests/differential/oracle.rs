//! OPA itself, asked through `scripts/tools.sh oracle`: what plan it makes of a policy, and what it answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use postern_rego::{Array, Value};

use crate::answer::Answer;
use crate::syntax::Policy;
use crate::tools;

/// A running oracle. Ends when it is dropped.
pub(crate) struct Oracle {
    program: PathBuf,
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What OPA makes of a policy.
pub(crate) enum Reply {
    /// It refuses it, for what stands in these rows.
    Refused {
        error: String,
        places: Vec<(String, usize)>,
    },
    Built(Vec<Build>),
}

/// The policy at one level of optimization.
pub(crate) struct Build {
    pub(crate) level: i64,
    /// The plan, or why there is none.
    pub(crate) plan: Result<String, String>,
    pub(crate) entrypoints: Vec<String>,
    /// Entrypoint by entrypoint, lenient and then strict, input by input.
    pub(crate) answers: Vec<Answer>,
}

/// A policy and what is asked of it, as text.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Rego by file name.
    pub(crate) modules: Vec<(String, String)>,
    pub(crate) data: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) entrypoints: Vec<String>,
}

impl From<&Policy> for Asked {
    fn from(policy: &Policy) -> Self {
        Self {
            modules: policy.modules(),
            data: policy.data.to_string(),
            inputs: policy.inputs.iter().map(ToString::to_string).collect(),
            entrypoints: policy.entrypoints.clone(),
        }
    }
}

/// The oracle's program, built where it isn't yet.
pub(crate) fn program() -> PathBuf {
    tools::made("oracle", "POSTERN_ORACLE")
}

impl Oracle {
    pub(crate) fn start(program: &Path) -> Self {
        let mut process = Command::new(program)
            // Several run at once.
            .env("GOMAXPROCS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let answers = BufReader::new(process.stdout.take().expect("its output"));
        Self {
            program: program.to_owned(),
            questions: process.stdin.take(),
            process,
            answers,
        }
    }

    pub(crate) fn ask(&mut self, asked: &Asked, levels: &[i64]) -> Reply {
        let string = |text: &String| Value::from(text.as_str());
        let strings = |texts: &[String]| Value::from(texts.iter().map(string).collect::<Array>());
        let modules = asked
            .modules
            .iter()
            .map(|(name, text)| (name.as_str(), string(text)));
        let levels = levels.iter().map(|level| Value::from(*level));
        let question = Value::object_from([
            ("modules", Value::object_from(modules)),
            ("data", string(&asked.data)),
            ("inputs", strings(&asked.inputs)),
            ("entrypoints", strings(&asked.entrypoints)),
            ("levels", Value::from(levels.collect::<Array>())),
        ]);
        let questions = self.questions.as_mut().expect("it runs");
        writeln!(questions, "{}", question.to_json()).expect("the oracle listens");
        questions.flush().expect("the oracle listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the oracle answers");
        if line.is_empty() {
            // OPA's compiler has run out of its stack, which ends the process.
            *self = Self::start(&self.program.clone());
            return Reply::Refused {
                error: "OPA ended".to_owned(),
                places: Vec::new(),
            };
        }
        read(
            &Value::from_json_str(&line)
                .unwrap_or_else(|error| panic!("{error} in {line:?}, asked {asked:?}")),
        )
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It ends with its input.
        self.questions = None;
        let _ = self.process.wait();
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn read(reply: &Value) -> Reply {
    if let Some(error) = text(reply, "error") {
        let place = |place: &Value| {
            let row = place
                .get("row")
                .and_then(Value::as_i64)
                .and_then(|row| usize::try_from(row).ok());
            Some((text(place, "file")?, row?))
        };
        return Reply::Refused {
            error,
            places: items(reply, "places").filter_map(place).collect(),
        };
    }
    let build = |build: &Value| Build {
        level: build.get("level").and_then(Value::as_i64).expect("a level"),
        plan: text(build, "plan").ok_or_else(|| text(build, "error").unwrap_or_default()),
        entrypoints: items(build, "entrypoints")
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
        answers: items(build, "answers").map(read_answer).collect(),
    };
    Reply::Built(items(reply, "builds").map(build).collect())
}

fn read_answer(answer: &Value) -> Answer {
    Answer {
        value: text(answer, "value"),
        code: text(answer, "code"),
        message: text(answer, "message").unwrap_or_default(),
        prints: items(answer, "prints")
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
        otherwise: items(answer, "otherwise").map(read_answer).collect(),
    }
}
