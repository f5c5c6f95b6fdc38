//! A decision, OPA's or ours, as far as the two must agree: the value as Rego writes it, the kind of error, what is printed.

use std::fmt;

use postern_rego::{Env, EvalError, Planted, Program, Value};

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `None` where it is undefined or an error.
    pub(crate) value: Option<String>,
    /// An error's code, such as `eval_conflict_error`.
    pub(crate) code: Option<String>,
    /// An error's words, which are only shown.
    pub(crate) message: String,
    pub(crate) prints: Vec<String>,
    /// What OPA answers where its store keeps data in its other form, or without an index of comprehensions, if that is something
    /// else: neither should show.
    pub(crate) otherwise: Vec<Answer>,
}

impl Answer {
    /// The kind of error. OPA tells operands of the wrong type from other failures of builtins in strict mode; for a host
    /// both are a builtin's failure.
    fn class(&self) -> Option<&str> {
        match self.code.as_deref() {
            Some("eval_type_error") => Some("eval_builtin_error"),
            other => other,
        }
    }

    /// Whether this, which is ours, is what OPA answers.
    pub(crate) fn is(&self, theirs: &Answer) -> bool {
        let Some(class) = theirs.class() else {
            return (&self.value, self.class(), &self.prints) == (&theirs.value, None, &theirs.prints);
        };
        // In strict mode OPA reports the first failure of a builtin in place of a conflict, which it may find later than it
        // is found here.
        let same = self.class() == Some(class)
            || (self.class(), class) == (Some("eval_conflict_error"), "eval_builtin_error");
        // OPA evaluates rules again to say where they conflict, and prints again.
        same && self.prints.iter().all(|line| theirs.prints.contains(line))
    }
}

impl Answer {
    /// Whether an object in it has a key twice, which OPA's objects do where `true` and `1` are keys and one comes again.
    pub(crate) fn is_broken(&self) -> bool {
        self.value
            .iter()
            .chain(&self.prints)
            .any(|text| has_key_twice(text))
    }

    /// Whether both are the same but for how numbers are written (`1.0` or `1`).
    pub(crate) fn is_spelled_otherwise(&self, theirs: &Answer) -> bool {
        let plain = |answer: &Answer| Some((without_spelling(answer.value.as_ref()?), answer.prints.clone()));
        self.value.is_some() && plain(self) == plain(theirs)
    }

    /// Whether both are a conflict of rules' values, told in other words: of other rules, or with other values.
    pub(crate) fn is_worded_otherwise(&self, theirs: &Answer) -> bool {
        let of_values = |answer: &Answer| {
            answer.class() == Some("eval_conflict_error")
                && answer.message.contains("produced conflicting values")
        };
        of_values(self) && of_values(theirs) && self.message != theirs.message
    }

    /// Whether this, which is not what OPA answers, is only of another order. OPA goes on with what asked for a rule as soon as it
    /// has a value, and looks for another value afterwards; here both come in the order of the plan (docs/rego.md). What is
    /// printed is then the same lines, and of several errors another is the first.
    pub(crate) fn is_ordered_otherwise(&self, theirs: &Answer) -> bool {
        let fails = |class| matches!(class, Some("eval_conflict_error" | "eval_builtin_error"));
        if self.class().is_none() && theirs.class().is_none() {
            let sorted = |lines: &[String]| {
                let mut lines = lines.to_vec();
                lines.sort();
                lines
            };
            return self.value == theirs.value && sorted(&self.prints) == sorted(&theirs.prints);
        }
        fails(self.class()) && fails(theirs.class())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.value, &self.code) {
            (Some(value), _) => f.write_str(value)?,
            (None, Some(code)) => write!(f, "{code}: {}", self.message)?,
            (None, None) => f.write_str("undefined")?,
        }
        if self.prints.is_empty() {
            Ok(())
        } else {
            write!(f, ", printing {:?}", self.prints)
        }
    }
}

/// What stands for `-0` where it isn't 0.
const NEARLY_ZERO: &str = "-1e-30";

/// A mistake planted in this machine, or in what is given to it and comes out of it.
#[derive(Clone, Copy)]
pub(crate) enum Mistake {
    None,
    Machine(Planted),
    /// `-0` is a number of its own, below 0.
    MinusZero,
    /// Sets are in the order of their elements' text.
    SetOrder,
}

impl Mistake {
    pub(crate) fn machine(self) -> Planted {
        match self {
            Mistake::Machine(planted) => planted,
            _ => Planted::default(),
        }
    }

    /// A plan or document with the mistake in it.
    pub(crate) fn plant(self, text: &str) -> String {
        if !matches!(self, Mistake::MinusZero) {
            return text.to_owned();
        }
        let ends = [",", "]", "}", "\""];
        ends.iter().fold(text.to_owned(), |text, end| {
            text.replace(&format!("-0{end}"), &format!("{NEARLY_ZERO}{end}"))
        })
    }

    /// A value as Rego writes it.
    fn shown(self, value: &Value) -> String {
        match self {
            Mistake::MinusZero => format!("{value:?}").replace(NEARLY_ZERO, "-0"),
            Mistake::SetOrder => by_text(value),
            Mistake::None | Mistake::Machine(_) => format!("{value:?}"),
        }
    }
}

fn by_text(value: &Value) -> String {
    match value {
        Value::Set(set) if !set.is_empty() => {
            let mut elements: Vec<String> = set.iter().map(by_text).collect();
            elements.sort();
            format!("{{{}}}", elements.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(by_text).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

/// An error that is ours alone: a limit, or what this machine says that it doesn't do.
pub(crate) const STOPPED: &str = "stopped";

/// What this machine answers.
pub(crate) fn ours(
    program: &Program,
    entrypoint: &str,
    input: &Value,
    data: &Value,
    strict: bool,
    mistake: Mistake,
) -> Answer {
    let mut env = Env::new(1_700_000_000_000_000_000, [7; 32]);
    env.strict_builtin_errors = strict;
    let mut prints = Vec::new();
    let id = program
        .entrypoint(entrypoint)
        .unwrap_or_else(|| panic!("the plan lacks {entrypoint}"));
    let result = program.results_with_print(id, Some(input), data, &env, &mut |line| {
        prints.push(line.to_owned());
    });
    let (value, code, message) = match result {
        Ok(set) => (
            set.nth(0)
                .and_then(|found| found.get("result"))
                .map(|value| mistake.shown(value)),
            None,
            String::new(),
        ),
        Err(error) => (None, Some(code(&error)), message(&error)),
    };
    Answer {
        value,
        code: code.map(ToOwned::to_owned),
        message,
        prints,
        otherwise: Vec::new(),
    }
}

/// OPA's words for a conflict; our own for other errors, which are only shown.
fn message(error: &EvalError) -> String {
    match error {
        EvalError::RuleConflict { .. } | EvalError::FunctionConflict { .. } => {
            let words = error.as_opa();
            let from = words.find(CONFLICT).map_or(0, |at| at + CONFLICT.len());
            words[from..].to_owned()
        }
        _ => error.to_string(),
    }
}

/// What stands before the words of a conflict.
const CONFLICT: &str = "eval_conflict_error: ";

fn code(error: &EvalError) -> &'static str {
    match error {
        EvalError::RuleConflict { .. }
        | EvalError::FunctionConflict { .. }
        | EvalError::KeyConflict { .. } => "eval_conflict_error",
        EvalError::Builtin { message, .. }
            if message.contains("not supported") || message.contains("refused") =>
        {
            STOPPED
        }
        EvalError::Builtin { .. } => "eval_builtin_error",
        _ => STOPPED,
    }
}

/// Whether an object in a value's text has a key twice.
fn has_key_twice(text: &str) -> bool {
    let mut open: Vec<(usize, Vec<&str>)> = vec![(0, Vec::new())];
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        let Some((start, keys)) = open.last_mut() else {
            return false;
        };
        match c {
            '"' => quoted = true,
            '{' | '[' | '(' => open.push((at + 1, Vec::new())),
            '}' | ']' | ')' => {
                open.pop();
            }
            ',' => *start = at + 1,
            ':' => {
                let key = text[*start..at].trim();
                if keys.contains(&key) {
                    return true;
                }
                keys.push(key);
            }
            _ => {}
        }
    }
    false
}

/// A value's text with each number written in one way.
fn without_spelling(text: &str) -> String {
    let mut plain = String::new();
    let mut number = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars().chain([' ']) {
        if !quoted
            && (c.is_ascii_digit()
                || matches!(c, '-' | '+' | '.' | 'e' | 'E') && (!number.is_empty() || c == '-'))
        {
            number.push(c);
            continue;
        }
        if !number.is_empty() {
            match number.parse::<f64>() {
                Ok(value) => plain.push_str(&(value + 0.0).to_string()),
                Err(_) => plain.push_str(&number),
            }
            number.clear();
        }
        plain.push(c);
        match c {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    plain
}

#[test]
fn numbers_are_the_same_however_they_are_written() {
    let plain = without_spelling(r#"{[[]]: 1.0, "1.0\"1.0": [-0, 1e1, true]}"#);
    assert_eq!(
        plain,
        without_spelling(r#"{[[]]: 1, "1.0\"1.0": [0.0, 10, true]}"#)
    );
    assert_ne!(plain, without_spelling(r#"{[[]]: 1, "1.0\"1": [0.0, 10, true]}"#));
}

#[test]
fn keys_that_come_twice_are_seen() {
    assert!(has_key_twice("{1: [2, {true: 1, true: 1, 1: 1}]}"));
    assert!(!has_key_twice(r#"[{1: {1: 2}}, {"a": 1, "a\": 1": 2}, {1, 1}]"#));
}
