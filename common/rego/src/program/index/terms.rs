//! What a rule's body said before it was planned, as far as OPA's rule index looks at it: references, constants,
//! variables, equalities and calls.

use crate::value::{Array, Object, Set, Value};

/// A variable of a rule's body: the local that the planner gave it.
pub(super) type Var = i64;

/// A term of the body.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Const(Value),
    Var(Var),
    Ref(Ref),
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
    /// What the index has no use for: results of calls, virtual documents, comprehensions.
    Other,
}

/// Where a reference begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Head {
    Input,
    Data,
    /// A parameter of the function, counted from 0.
    Arg(u32),
    Var(Var),
}

/// One step of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Const(Value),
    Var(Var),
    /// A pattern.
    Other,
}

/// A reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ref {
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
}

impl Ref {
    pub(super) fn root(head: Head) -> Self {
        Ref {
            head,
            steps: Vec::new(),
        }
    }

    pub(super) fn then(&self, step: Step) -> Self {
        let mut longer = self.clone();
        longer.steps.push(step);
        longer
    }

    pub(super) fn is_ground(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Const(_)))
    }

    /// The reference up to its first step that isn't a constant.
    pub(super) fn ground_prefix(&self) -> Ref {
        let steps = self.steps.iter();
        let ground = steps.take_while(|step| matches!(step, Step::Const(_)));
        Ref {
            head: self.head,
            steps: ground.cloned().collect(),
        }
    }
}

impl Term {
    /// The value, if nothing in the term varies.
    pub(super) fn constant(&self) -> Option<Value> {
        Some(match self {
            Term::Const(value) => value.clone(),
            Term::Array(items) => {
                let items: Option<Array> = items.iter().map(Term::constant).collect();
                Value::Array(items?)
            }
            Term::Set(members) => {
                let members: Option<Set> = members.iter().map(Term::constant).collect();
                Value::Set(members?)
            }
            Term::Object(members) => {
                let members: Option<Object> = members
                    .iter()
                    .map(|(key, value)| Some((key.constant()?, value.constant()?)))
                    .collect();
                Value::Object(members?)
            }
            Term::Var(_) | Term::Ref(_) | Term::Other => return None,
        })
    }
}

/// An expression of the body that the index may look at. Those with `with`, under `not` and the like aren't among
/// them.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// Something that has to be defined, and not false.
    Naked(Term),
    Equal(Term, Term),
    /// A builtin whose result is not kept.
    Call {
        name: std::sync::Arc<str>,
        args: Vec<Term>,
    },
}

/// Whether a value is no collection.
pub(super) fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_) | Value::Set(_))
}
