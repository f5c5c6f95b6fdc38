//! A policy as a tree, as far as the generator and the shrinker need to know it, and as the Rego that it is written as.

use std::fmt::{self, Display, Formatter};

/// What is asked of OPA and of this machine: Rego, documents and questions.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) rules: Vec<Rule>,
    pub(crate) data: Json,
    pub(crate) inputs: Vec<Json>,
    /// Such as `t/p`.
    pub(crate) entrypoints: Vec<String>,
}

/// A JSON document whose numbers are text.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    /// Anything but a collection, as JSON writes it.
    Scalar(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A rule in a package.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) package: &'static str,
    pub(crate) default: bool,
    /// All before `if`, the value apart: `p`, `q contains x`, `r[x].b`, `f(x, 1)`.
    pub(crate) head: String,
    /// What is bound where the head contains a term: a set's element, a key.
    pub(crate) shape: Shape,
    pub(crate) body: Vec<Expr>,
    pub(crate) otherwise: Vec<(Term, Vec<Expr>)>,
}

/// What follows the name of a rule.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// `p := value`
    Complete(Term),
    /// `p contains element`, or with keys: `p[key] contains element`
    Set(Vec<Term>, Term),
    /// `p[key] := value`, or with more keys.
    Object(Vec<Term>, Term),
    /// `f(arguments) := value`
    Function(Vec<Term>, Term),
}

#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// A scalar or a variable, as it is written.
    Plain(String),
    /// What is referred to (`input`, `data.t.p`, a variable), and the keys.
    Ref(String, Vec<Term>),
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
    Call(String, Vec<Term>),
    /// `a + b` and the like.
    Infix(&'static str, Box<Term>, Box<Term>),
    ArrayOf(Box<Term>, Vec<Expr>),
    SetOf(Box<Term>, Vec<Expr>),
    ObjectOf(Box<Term>, Box<Term>, Vec<Expr>),
    /// A template string of texts and terms.
    Template(Vec<Term>),
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    /// `with target as value`
    pub(crate) with: Vec<(String, Term)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Term(Term),
    /// `:=`, `=`, `==`, `<` and the like.
    Binary(Term, &'static str, Term),
    Not(Box<Expr>),
    /// `some key, value in collection`
    Some(Option<String>, Term, Term),
    /// `some x, y`
    Declare(Vec<String>),
    Every(Option<String>, String, Term, Vec<Expr>),
    Print(Vec<Term>),
}

impl Policy {
    /// The modules by name. Each rule begins on a row of its own.
    pub(crate) fn modules(&self) -> Vec<(String, String)> {
        let mut modules: Vec<(String, String)> = Vec::new();
        for rule in &self.rules {
            let name = format!("{}.rego", rule.package);
            let at = modules
                .iter()
                .position(|(known, _)| *known == name)
                .unwrap_or_else(|| {
                    modules.push((name, format!("package {}\n", rule.package)));
                    modules.len() - 1
                });
            modules[at].1.push_str(&format!("\n{rule}\n"));
        }
        modules
    }

    /// The rule that a row of a module belongs to.
    pub(crate) fn rule_at(&self, file: &str, row: usize) -> Option<usize> {
        let mut next = 2;
        for (at, rule) in self.rules.iter().enumerate() {
            if format!("{}.rego", rule.package) == file {
                next += 1 + rule.to_string().lines().count();
                if row < next {
                    return Some(at);
                }
            }
        }
        None
    }
}

impl Expr {
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            with: Vec::new(),
        }
    }

    /// Whether it may refer to a document or a rule, other than by calling it.
    pub(crate) fn refers(&self) -> bool {
        match &self.kind {
            Kind::Term(term) => term.refers(),
            Kind::Binary(a, _, b) => a.refers() || b.refers(),
            _ => true,
        }
    }
}

impl Term {
    fn refers(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Array(items) | Self::Set(items) | Self::Call(_, items) => items.iter().any(Self::refers),
            Self::Infix(_, a, b) => a.refers() || b.refers(),
            _ => true,
        }
    }

    /// Whether a collection stands somewhere in a reference's brackets, or where it looks so.
    pub(crate) fn asks_for_collections(&self) -> bool {
        let text = self.to_string();
        text.contains("[[") || text.contains("[{")
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    pub(crate) fn call(name: &str, operands: impl IntoIterator<Item = Term>) -> Self {
        Self::Call(name.to_owned(), operands.into_iter().collect())
    }
}

fn list(f: &mut Formatter<'_>, items: &[impl Display], separator: &str) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// Expressions, one a row.
struct Body<'a>(&'a [Expr]);

impl Display for Body<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // An empty body holds, as `true` does.
        if self.0.is_empty() {
            f.write_str("true")
        } else {
            list(f, self.0, "\n  ")
        }
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.default {
            f.write_str("default ")?;
        }
        f.write_str(&self.head)?;
        match &self.shape {
            Shape::Complete(value) => write!(f, " := {value}")?,
            Shape::Set(keys, element) => {
                keys.iter().try_for_each(|key| write!(f, "[{key}]"))?;
                write!(f, " contains {element}")?;
            }
            Shape::Object(keys, value) => {
                keys.iter().try_for_each(|key| write!(f, "[{key}]"))?;
                write!(f, " := {value}")?;
            }
            Shape::Function(arguments, value) => {
                f.write_str("(")?;
                list(f, arguments, ", ")?;
                write!(f, ") := {value}")?;
            }
        }
        if !self.default {
            write!(f, " if {{\n  {}\n}}", Body(&self.body))?;
        }
        for (value, body) in &self.otherwise {
            write!(f, " else := {value} if {{\n  {}\n}}", Body(body))?;
        }
        Ok(())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Term(term) => term.fmt(f)?,
            Kind::Binary(a, operator, b) => write!(f, "{a} {operator} {b}")?,
            Kind::Not(inner) => write!(f, "not {inner}")?,
            Kind::Some(None, value, collection) => write!(f, "some {value} in {collection}")?,
            Kind::Some(Some(key), value, collection) => write!(f, "some {key}, {value} in {collection}")?,
            Kind::Declare(names) => {
                f.write_str("some ")?;
                list(f, names, ", ")?;
            }
            Kind::Every(key, value, domain, body) => {
                f.write_str("every ")?;
                if let Some(key) = key {
                    write!(f, "{key}, ")?;
                }
                write!(f, "{value} in {domain} {{\n  {}\n}}", Body(body))?;
            }
            Kind::Print(terms) => {
                f.write_str("print(")?;
                list(f, terms, ", ")?;
                f.write_str(")")?;
            }
        }
        for (target, value) in &self.with {
            write!(f, " with {target} as {value}")?;
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Term::Plain(text) => f.write_str(text),
            Term::Ref(base, keys) => {
                f.write_str(base)?;
                keys.iter().try_for_each(|key| write!(f, "[{key}]"))
            }
            Term::Array(items) => {
                f.write_str("[")?;
                list(f, items, ", ")?;
                f.write_str("]")
            }
            Term::Set(items) if items.is_empty() => f.write_str("set()"),
            Term::Set(items) => {
                f.write_str("{")?;
                list(f, items, ", ")?;
                f.write_str("}")
            }
            Term::Object(members) => {
                f.write_str("{")?;
                for (at, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Term::Call(name, operands) => {
                write!(f, "{name}(")?;
                list(f, operands, ", ")?;
                f.write_str(")")
            }
            Term::Infix(operator, a, b) => write!(f, "({a} {operator} {b})"),
            Term::ArrayOf(head, body) => write!(f, "[{head} |\n  {}\n]", Body(body)),
            Term::SetOf(head, body) => write!(f, "{{{head} |\n  {}\n}}", Body(body)),
            Term::ObjectOf(key, value, body) => write!(f, "{{{key}: {value} |\n  {}\n}}", Body(body)),
            Term::Template(parts) => {
                f.write_str("$\"")?;
                for part in parts {
                    match part {
                        Term::Plain(text) if text.starts_with('"') => f.write_str(text.trim_matches('"'))?,
                        other => write!(f, "{{{other}}}")?,
                    }
                }
                f.write_str("\"")
            }
        }
    }
}

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Json::Scalar(text) => f.write_str(text),
            Json::Array(items) => {
                f.write_str("[")?;
                list(f, items, ",")?;
                f.write_str("]")
            }
            Json::Object(members) => {
                f.write_str("{")?;
                for (at, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}{key:?}:{value}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}
