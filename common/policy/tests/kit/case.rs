//! One case: a plan, input and data, and what OPA answers. Compares as OPA's own tests do.

use postern_policy::builtins::Host;
use postern_rego::{Array, EntrypointId, Env, EvalError, Input, Object, Program, Set, Value};

use crate::document::provided;

/// What became of a case.
pub(crate) enum Outcome {
    Right,
    /// What was wanted and what came.
    Wrong(String),
    /// The plan was refused when it was loaded, for want of these builtins.
    Refused(Vec<String>),
    /// The evaluation was stopped with an error of this machine's own.
    Stopped(String),
    /// Not what the case wants, but what OPA's own evaluator answers from the same optimized Rego.
    Changed,
}

pub(crate) struct Case<'a> {
    pub(crate) note: &'a str,
    pub(crate) file: &'a str,
    pub(crate) builtins: Vec<&'a str>,
    case: &'a Value,
    plan: &'a Value,
    /// Where the plan is that of an entrypoint: the variable that the case's query binds to its value.
    variable: Option<&'a str>,
    /// What OPA's own evaluator answers from the Rego that the optimizer wrote.
    says: Option<&'a Value>,
}

/// A case as `opa build` has it.
pub(crate) enum Built<'a> {
    Case(Case<'a>),
    /// Why OPA builds none.
    Not(&'a str),
}

impl<'a> Case<'a> {
    /// The case with the plan of its query.
    pub(crate) fn new(case: &'a Value) -> Self {
        Self::with(case, case.get("plan").expect("a plan"), None)
    }

    /// The case with the plan of an entrypoint at this level of optimization; `None` where its query is none.
    pub(crate) fn built(case: &'a Value, level: i64) -> Option<Built<'a>> {
        let builds = case.get("builds").and_then(Value::as_array)?;
        let of_level = |build: &&Value| build.get("level").and_then(Value::as_i64) == Some(level);
        let build = builds.iter().find(of_level).expect("a build of each level");
        let variable = case.get("variable").and_then(Value::as_str);
        Some(match build.get("plan") {
            Some(plan) => Built::Case(Self {
                says: build.get("says"),
                ..Self::with(case, plan, variable)
            }),
            None => Built::Not(build.get("error").and_then(Value::as_str).unwrap_or("?")),
        })
    }

    fn with(case: &'a Value, plan: &'a Value, variable: Option<&'a str>) -> Self {
        let text = |name| case.get(name).and_then(Value::as_str).unwrap_or("?");
        let declared = at(plan, &["static", "builtin_funcs"]).and_then(Value::as_array);
        let name = |builtin: &'a Value| builtin.get("name").and_then(Value::as_str);
        let builtins = declared.into_iter().flatten().filter_map(name).collect();
        Self {
            note: text("note"),
            file: text("file"),
            builtins,
            case,
            plan,
            variable,
            says: None,
        }
    }

    pub(crate) fn run(&self) -> Outcome {
        let known = provided();
        let missing: Vec<String> = self
            .builtins
            .iter()
            .filter(|name| !known.contains(name))
            .map(ToString::to_string)
            .collect();
        let plan = self.plan.to_json();
        match (Program::load(plan.as_bytes(), &Host), missing.is_empty()) {
            (Ok(program), true) => {
                let got = self.evaluate(&program, self.input().as_ref());
                match self.judge(got.clone()) {
                    Outcome::Wrong(_) if self.is_what_opa_says(&got) => Outcome::Changed,
                    outcome => outcome,
                }
            }
            (Err(_), false) => Outcome::Refused(missing),
            (Ok(_), false) => Outcome::Wrong(format!("loaded without {}", missing.join(", "))),
            (Err(error), true) => Outcome::Wrong(format!("refused: {error}")),
        }
    }

    /// The case's program, unless it can't be loaded here.
    pub(crate) fn program(&self) -> Option<Program> {
        let plan = self.plan.to_json();
        Program::load(plan.as_bytes(), &Host).ok()
    }

    /// The names and texts that its plan knows.
    pub(crate) fn strings(&self) -> Vec<&'a str> {
        let strings = at(self.plan, &["static", "strings"]).and_then(Value::as_array);
        let text = |string: &'a Value| string.get("value").and_then(Value::as_str);
        strings.into_iter().flatten().filter_map(text).collect()
    }

    pub(crate) fn input(&self) -> Option<Value> {
        let tagged = self.case.get("input_json").map(untagged);
        tagged.or_else(|| self.case.get("input").cloned())
    }

    pub(crate) fn data(&self) -> Value {
        let data = self.case.get("data").cloned();
        data.unwrap_or_else(|| Value::from(Object::default()))
    }

    /// The surroundings that it is asked in.
    pub(crate) fn env(&self) -> Env {
        // The start of 2026: some cases hold certificates to the present, those of late 2023 included.
        let mut env = Env::new(1_767_225_600_000_000_000, [7; 32]);
        env.strict_builtin_errors = self.flag("strict_error");
        env
    }

    pub(crate) fn evaluate<'i>(
        &self,
        program: &'i Program,
        input: impl Into<Input<'i>>,
    ) -> Result<Set, EvalError> {
        self.evaluate_over(program, input, &self.data())
    }

    pub(crate) fn evaluate_over<'i>(
        &self,
        program: &'i Program,
        input: impl Into<Input<'i>>,
        data: &Value,
    ) -> Result<Set, EvalError> {
        program.results(entrypoint(program), input.into(), data, &self.env())
    }

    fn judge(&self, got: Result<Set, EvalError>) -> Outcome {
        let wanted_error =
            ["want_error", "want_error_code"].map(|name| self.case.get(name).and_then(Value::as_str));
        let got = match got {
            Err(error) => return self.judge_error(&error, wanted_error),
            Ok(got) => got,
        };
        if wanted_error.iter().any(Option::is_some) {
            return Outcome::Wrong(format!("want error {wanted_error:?}\n    got  {got:?}"));
        }
        let wanted = self
            .case
            .get("want_result")
            .and_then(Value::as_array)
            .expect("a wanted result");
        let wanted: Set = wanted.iter().cloned().collect();
        let got: Set = got.iter().map(|bindings| self.bindings(bindings)).collect();
        if wanted == got {
            Outcome::Right
        } else {
            Outcome::Wrong(format!("want {wanted:?}\n    got  {got:?}"))
        }
    }

    fn is_what_opa_says(&self, got: &Result<Set, EvalError>) -> bool {
        let Some(says) = self.says else { return false };
        let code = says.get("code").and_then(Value::as_str);
        match got {
            Err(EvalError::Builtin { .. }) => code.is_some_and(|code| code != "eval_conflict_error"),
            Err(EvalError::LimitReached { .. }) => false,
            Err(_) => code == Some("eval_conflict_error"),
            Ok(set) => {
                let value = set.nth(0).and_then(|result| result.get("result")).map(as_json);
                code.is_none() && value.as_ref() == says.get("value")
            }
        }
    }

    fn judge_error(&self, error: &EvalError, [text, code]: [Option<&str>; 2]) -> Outcome {
        let shown = error.to_string();
        if text.is_none() && code.is_none() {
            return match error {
                EvalError::LimitReached { .. } => Outcome::Stopped(shown),
                EvalError::Builtin { message, .. }
                    if message.contains("not supported") || message.contains("refused") =>
                {
                    Outcome::Stopped(shown)
                }
                _ => Outcome::Wrong(format!("error {shown}")),
            };
        }
        let of_right_kind = match error {
            EvalError::Builtin { .. } => code != Some("eval_conflict_error"),
            _ => matches!(code, None | Some("eval_conflict_error")),
        };
        // OPA's text starts with the place and its code; what follows is the builtin's name and its words.
        let words = text.map_or("", |text| {
            text.split_once("_error: ").map_or(text, |(_, words)| words)
        });
        if of_right_kind && shown.contains(words) {
            Outcome::Right
        } else {
            Outcome::Wrong(format!("want error {code:?} {text:?}\n    got  {shown}"))
        }
    }

    /// The bindings as JSON has them, without those that OPA's test leaves out.
    fn bindings(&self, bindings: &Value) -> Value {
        let bindings = bindings.as_object().expect("an object of bindings");
        let kept = bindings.iter().filter(|(name, _)| {
            !self.flag("ignore_generated_vars")
                || !name.as_str().is_some_and(|name| name.starts_with("__localq"))
        });
        let sorted = |value: Value| match value {
            Value::Array(array) if self.flag("sort_bindings") => {
                let mut items: Vec<Value> = array.iter().cloned().collect();
                items.sort();
                Value::from(items)
            }
            other => other,
        };
        // An entrypoint's value is called `result`.
        let named = |name: &Value| self.variable.map_or_else(|| name.clone(), Value::from);
        Value::from(
            kept.map(|(name, value)| (named(name), sorted(as_json(value))))
                .collect::<Object>(),
        )
    }

    fn flag(&self, name: &str) -> bool {
        self.case.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

pub(crate) fn entrypoint(program: &Program) -> EntrypointId {
    let name = program.entrypoints().next().expect("an entrypoint");
    program.entrypoint(name).expect("the entrypoint just named")
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Sets as arrays, keys as strings.
fn as_json(value: &Value) -> Value {
    Value::from_json_str(&value.to_json()).expect("what this crate writes, it reads")
}

/// The value that the exporter wrote with its kinds named.
fn untagged(tagged: &Value) -> Value {
    let (kind, value) = tagged
        .as_object()
        .and_then(|object| object.nth(0))
        .expect("one kind");
    let items = || value.as_array().into_iter().flatten();
    match kind.as_str().expect("the kind's name") {
        "scalar" => value.clone(),
        "array" => Value::from(items().map(untagged).collect::<Array>()),
        "set" => Value::from(items().map(untagged).collect::<Set>()),
        "object" => {
            let pair = |pair: &Value| {
                let pair = pair.as_array().expect("a pair");
                (
                    untagged(pair.get(0).expect("a key")),
                    untagged(pair.get(1).expect("a value")),
                )
            };
            Value::from(items().map(pair).collect::<Object>())
        }
        other => panic!("the exporter wrote a {other}"),
    }
}
