//! What each rule of a function needs of the documents and of its arguments, as OPA's rule index has it
//! (`v1/ast/index.go`, `refindices`): the same expressions are taken in, and none besides, since a rule that OPA visits
//! may fail there with an error.

mod body;

use super::decode::Rule;
use super::terms::{Head, Ref, Term, Var, is_scalar};
use crate::hash::HashMap;
use crate::value::Value;
use body::Body;

/// A reference, by its place in the table.
pub(super) type RefId = usize;

/// What the value at a reference has to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// Defined; the variable then stands for the reference.
    Var(Option<Var>),
    Is(Value),
    /// An array of these elements; `None` is any. With delimiters, a string is first split at them.
    Array(Vec<Option<Value>>, Option<String>),
    /// A collection that holds it.
    Holds(Value),
    Prefix(String),
    Suffix(String),
}

impl Wanted {
    pub(super) fn is_var(&self) -> bool {
        matches!(self, Wanted::Var(_))
    }

    pub(super) fn is_affix(&self) -> bool {
        matches!(self, Wanted::Prefix(_) | Wanted::Suffix(_))
    }

    /// Whether it doesn't stand for one scalar.
    pub(super) fn is_composite(&self) -> bool {
        match self {
            Wanted::Is(value) | Wanted::Holds(value) => !is_scalar(value),
            Wanted::Array(..) | Wanted::Var(_) => true,
            Wanted::Prefix(_) | Wanted::Suffix(_) => false,
        }
    }
}

/// One of the things that a rule needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact {
    pub(super) at: RefId,
    pub(super) wanted: Wanted,
}

/// What decides in which order references are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stats {
    pub(super) count: usize,
    /// 0: by one value; 1: by several; 2: by several, after which nothing more is looked at.
    pub(super) alternated: u8,
}

/// Everything known of the rules of a function.
pub(super) struct Facts<'r> {
    pub(super) refs: Vec<Ref>,
    ids: HashMap<Ref, RefId>,
    pub(super) stats: Vec<Stats>,
    pub(super) rules: Vec<Vec<Fact>>,
    /// For each rule the keys, and the collections that have to have them.
    pub(super) memberships: Vec<Vec<(RefId, RefId)>>,
    is_virtual: &'r dyn Fn(&Ref) -> bool,
}

impl<'r> Facts<'r> {
    pub(super) fn of(rules: &[Rule], is_virtual: &'r dyn Fn(&Ref) -> bool) -> Self {
        let mut facts = Facts {
            refs: Vec::new(),
            ids: HashMap::default(),
            stats: Vec::new(),
            rules: vec![Vec::new(); rules.len()],
            memberships: vec![Vec::new(); rules.len()],
            is_virtual,
        };
        for (at, rule) in rules.iter().enumerate() {
            if !rule.prints {
                Body::new(&mut facts, rule, at).take_in();
            }
        }
        facts
    }

    fn id(&mut self, reference: &Ref) -> RefId {
        if let Some(known) = self.ids.get(reference) {
            return *known;
        }
        let id = self.refs.len();
        self.ids.insert(reference.clone(), id);
        self.refs.push(reference.clone());
        self.stats.push(Stats::default());
        id
    }

    fn count(&mut self, id: RefId, by: usize) {
        if let Some(stats) = self.stats.get_mut(id) {
            stats.count += by;
        }
    }

    fn alternate(&mut self, id: RefId, kind: u8) {
        if let Some(stats) = self.stats.get_mut(id) {
            stats.alternated = stats.alternated.max(kind);
        }
    }

    /// OPA's `refindices.insert`.
    fn insert(&mut self, rule: usize, fact: Fact) {
        let mut seen = false;
        let mut kind = 0;
        let Some(own) = self.rules.get_mut(rule) else {
            return;
        };
        for other in own.iter_mut().filter(|other| other.at == fact.at) {
            seen = true;
            if same(other, &fact) {
                return self.alternate(fact.at, kind);
            }
            if !fact.wanted.is_var() && !fact.wanted.is_affix() && other.wanted.is_var() {
                let id = fact.at;
                *other = fact;
                return self.alternate(id, kind);
            }
            if !fact.wanted.is_var() && !other.wanted.is_var() {
                let is_terminal = fact.wanted.is_affix() || other.wanted.is_affix();
                kind = kind.max(if is_terminal { 2 } else { 1 });
            }
        }
        let id = fact.at;
        own.push(fact);
        self.alternate(id, kind);
        self.count(id, usize::from(!seen));
    }

    fn is_valid(&self, reference: &Ref) -> bool {
        matches!(reference.head, Head::Input | Head::Data)
            && reference.is_ground()
            && !(self.is_virtual)(reference)
    }
}

fn same(a: &Fact, b: &Fact) -> bool {
    a.wanted == b.wanted
}

/// A constant that a value has to be equal to.
fn constant(value: &Value) -> Wanted {
    match value {
        Value::Array(items) => {
            let element = |item: &Value| is_scalar(item).then(|| item.clone());
            Wanted::Array(items.iter().map(element).collect(), None)
        }
        other => Wanted::Is(other.clone()),
    }
}

/// OPA's `indexValue`.
fn wanted(term: &Term) -> Option<Wanted> {
    match term {
        Term::Const(value) if is_scalar(value) => Some(Wanted::Is(value.clone())),
        Term::Var(var) => Some(Wanted::Var(Some(*var))),
        Term::Array(items) => {
            let flat = items.iter().all(|item| match item {
                Term::Const(value) => is_scalar(value),
                Term::Var(_) => true,
                _ => false,
            });
            if flat {
                Some(Wanted::Array(elements(items)?, None))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn elements(items: &[Term]) -> Option<Vec<Option<Value>>> {
    items
        .iter()
        .map(|item| match item {
            Term::Const(value) if is_scalar(value) => Some(Some(value.clone())),
            Term::Const(_) | Term::Var(_) | Term::Array(_) | Term::Set(_) | Term::Object(_) => Some(None),
            Term::Ref(_) | Term::Other => None,
        })
        .collect()
}

/// The parts of a pattern that has no wildcards but whole parts; `None` for others.
fn glob_parts(pattern: &str, delimiters: &str) -> Option<Vec<Option<Value>>> {
    let part = |part: &str| {
        if part == "*" {
            return Some(None);
        }
        let mut escaped = false;
        for c in part.chars() {
            if c == '\\' {
                escaped = !escaped;
                continue;
            }
            if !escaped && matches!(c, '[' | '?' | '{' | '*') {
                return None;
            }
            escaped = false;
        }
        Some(Some(Value::from(part)))
    };
    split(pattern, delimiters, usize::MAX)
        .into_iter()
        .map(part)
        .collect()
}

/// OPA's `splitStringEscaped`: delimiters count by their bytes, unless escaped. Where there are more parts than `most`, as
/// many and one more.
pub(crate) fn split<'t>(text: &'t str, delimiters: &str, most: usize) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut escaped = false;
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\\' || escaped {
            escaped = !escaped;
            continue;
        }
        if byte.is_ascii() && delimiters.contains(char::from(byte)) {
            parts.extend(text.get(from..at));
            from = at + 1;
            if parts.len() > most {
                return parts;
            }
        }
    }
    parts.extend(text.get(from..));
    parts
}
