//! What each rule of a function needs of the documents and of its arguments, as OPA's rule index has it
//! (`v1/ast/index.go`, `refindices`): the same expressions are taken in, and none besides, since a rule that OPA visits
//! may fail there with an error.

use std::collections::HashMap;

use super::decode::Rule;
use super::terms::{Expr, Head, Ref, Step, Term, Var, is_scalar};
use crate::value::Value;

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
    ids: HashMap<String, RefId>,
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
            ids: HashMap::new(),
            stats: Vec::new(),
            rules: vec![Vec::new(); rules.len()],
            memberships: vec![Vec::new(); rules.len()],
            is_virtual,
        };
        for (at, rule) in rules.iter().enumerate() {
            if !rule.prints {
                let mut body = Body {
                    facts: &mut facts,
                    rule,
                    at,
                    constants: HashMap::new(),
                };
                rule.exprs.iter().for_each(|expr| body.expr(expr));
            }
        }
        facts
    }

    fn id(&mut self, reference: &Ref) -> RefId {
        let next = self.refs.len();
        let id = *self.ids.entry(format!("{reference:?}")).or_insert(next);
        if id == next {
            self.refs.push(reference.clone());
            self.stats.push(Stats::default());
        }
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

/// One rule's body being taken in.
struct Body<'f, 'r> {
    facts: &'f mut Facts<'r>,
    rule: &'f Rule,
    at: usize,
    constants: HashMap<Var, Value>,
}

impl Body<'_, '_> {
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Naked(Term::Ref(reference)) => {
                let reference = self.plug(reference);
                if !self.collection_key(&reference) {
                    self.equal_any(&reference);
                }
            }
            Expr::Naked(_) => {}
            Expr::Equal(a, b) => {
                let (a, b) = (self.plug_term(a), self.plug_term(b));
                self.either(&a, &b);
            }
            Expr::Call { name, args } => {
                let args: Vec<Term> = args.iter().map(|arg| self.plug_term(arg)).collect();
                match (&**name, args.as_slice()) {
                    ("equal", [a, b]) => self.either(a, b),
                    ("glob.match", [pattern, delimiters, text]) => self.glob(pattern, delimiters, text),
                    ("internal.member_2", [member, collection]) => self.member(member, collection),
                    ("startswith", [text, base]) => self.affix(text, base, Wanted::Prefix),
                    ("endswith", [text, base]) => self.affix(text, base, Wanted::Suffix),
                    ("strings.any_prefix_match", [text, bases]) => self.affixes(text, bases, Wanted::Prefix),
                    ("strings.any_suffix_match", [text, bases]) => self.affixes(text, bases, Wanted::Suffix),
                    _ => {}
                }
            }
        }
    }

    fn either(&mut self, a: &Term, b: &Term) {
        if !self.element(a, b) && !self.element(b, a) && !self.equal(a, b) {
            self.equal(b, a);
        }
    }

    /// The reference with variables that are known to be scalars replaced.
    fn plug(&self, reference: &Ref) -> Ref {
        let mut plugged = reference.clone();
        for step in &mut plugged.steps {
            if let Step::Var(var) = step
                && let Some(value) = self.constants.get(var).filter(|value| is_scalar(value))
            {
                *step = Step::Const(value.clone());
            }
        }
        plugged
    }

    fn plug_term(&self, term: &Term) -> Term {
        match term {
            Term::Ref(reference) => Term::Ref(self.plug(reference)),
            other => other.clone(),
        }
    }

    fn insert(&mut self, reference: &Ref, wanted: Wanted) {
        let at = self.facts.id(reference);
        self.facts.insert(self.at, Fact { at, wanted });
    }

    /// What a variable stands for: the reference that it was found at, or an argument.
    fn resolve(&self, var: Var) -> Option<Ref> {
        let own = self.facts.rules.get(self.at)?;
        let found = own.iter().find(|fact| fact.wanted == Wanted::Var(Some(var)));
        if let Some(fact) = found {
            return self.facts.refs.get(fact.at).cloned();
        }
        let arg = self.rule.args.iter().position(|arg| *arg == Some(var))?;
        Some(Ref::root(Head::Arg(u32::try_from(arg).ok()?)))
    }

    /// A reference that begins with a variable, from where the variable's own begins.
    fn resolve_head(&self, reference: &Ref) -> Option<Ref> {
        let Head::Var(var) = reference.head else {
            return Some(reference.clone());
        };
        let mut whole = self.resolve(var)?;
        whole.steps.extend(reference.steps.iter().cloned());
        Some(whole)
    }

    fn valid(&self, term: &Term) -> Option<Ref> {
        let reference = match term {
            Term::Ref(reference) => reference.clone(),
            Term::Var(var) => self.resolve(*var)?,
            _ => return None,
        };
        self.facts.is_valid(&reference).then_some(reference)
    }

    /// `input.list[_] == "x"`.
    fn element(&mut self, a: &Term, b: &Term) -> bool {
        let Term::Ref(reference) = a else { return false };
        let Some(reference) = self.resolve_head(reference) else {
            return false;
        };
        let prefix = reference.ground_prefix();
        if prefix.steps.len() + 1 != reference.steps.len() || !self.facts.is_valid(&prefix) {
            return false;
        }
        let value = match b {
            Term::Var(var) => self.constants.get(var).cloned(),
            Term::Const(value) => Some(value.clone()),
            _ => None,
        };
        let Some(value) = value.filter(is_scalar) else {
            return false;
        };
        self.insert(&prefix, Wanted::Holds(value));
        true
    }

    fn equal_any(&mut self, reference: &Ref) {
        if let Some(reference) = self.resolve_head(reference)
            && self.facts.is_valid(&reference)
        {
            self.insert(&reference, Wanted::Var(None));
        }
    }

    /// OPA's `eqOperandsToRefAndValue`.
    fn equal(&mut self, a: &Term, b: &Term) -> bool {
        match a {
            Term::Var(var) => {
                if let Some(value) = b.constant() {
                    self.constants.insert(*var, value);
                } else if let Term::Var(other) = b
                    && let Some(value) = self.constants.get(other).cloned()
                {
                    self.constants.insert(*var, value);
                }
                let Some(wanted) = wanted(b) else { return false };
                let Some(reference) = self.resolve(*var) else {
                    return false;
                };
                self.insert(&reference, wanted);
                true
            }
            Term::Ref(reference) => {
                let Some(reference) = self.resolve_head(reference) else {
                    return false;
                };
                if !self.facts.is_valid(&reference) {
                    return false;
                }
                let known = match b {
                    Term::Var(var) => self.constants.get(var).map(constant),
                    _ => None,
                };
                let Some(wanted) = known.or_else(|| wanted(b)) else {
                    return false;
                };
                self.insert(&reference, wanted);
                true
            }
            _ => false,
        }
    }

    /// `data.members[input.name]`.
    fn collection_key(&mut self, reference: &Ref) -> bool {
        let Some((key, prefix)) = reference.steps.split_last() else {
            return false;
        };
        let prefix = Ref {
            head: reference.head,
            steps: prefix.to_vec(),
        };
        let is_virtual = self.facts.is_virtual;
        if prefix.head != Head::Data || !prefix.is_ground() || is_virtual(&prefix) {
            return false;
        }
        let Step::Var(key) = key else { return false };
        let Some(key) = self.resolve(*key).filter(|key| !is_virtual(key)) else {
            return false;
        };
        let pair = (self.facts.id(&key), self.facts.id(&prefix));
        if let Some(own) = self.facts.memberships.get_mut(self.at)
            && !own.contains(&pair)
        {
            own.push(pair);
            self.facts.count(pair.0, 1);
        }
        true
    }

    fn member(&mut self, member: &Term, collection: &Term) {
        if let Term::Var(var) = member
            && let Some(reference) = self.resolve(*var)
        {
            return self.member_of(&reference, collection);
        }
        let value = match member {
            Term::Var(var) => self.constants.get(var).cloned(),
            other => other.constant(),
        };
        let wanted = match (value, member) {
            (Some(value), _) if is_scalar(&value) => Wanted::Holds(value),
            (None, Term::Var(var)) => Wanted::Var(Some(*var)),
            _ => return,
        };
        if let Some(reference) = self.valid(collection) {
            self.insert(&reference, wanted);
        }
    }

    /// `input.role in ["a", "b"]`.
    fn member_of(&mut self, reference: &Ref, collection: &Term) {
        let known = match collection {
            Term::Var(var) => self.constants.get(var).map(|value| Term::Const(value.clone())),
            _ => None,
        };
        let members: Vec<Term> = match known.as_ref().unwrap_or(collection) {
            Term::Const(Value::Array(items)) => items.iter().cloned().map(Term::Const).collect(),
            Term::Const(Value::Set(members)) => members.iter().cloned().map(Term::Const).collect(),
            Term::Const(Value::Object(object)) => object
                .iter()
                .map(|(_, value)| Term::Const(value.clone()))
                .collect(),
            Term::Array(items) | Term::Set(items) => items.clone(),
            Term::Object(members) => members.iter().map(|(_, value)| value.clone()).collect(),
            _ => return,
        };
        let wanted: Option<Vec<Wanted>> = members
            .iter()
            .map(|member| match member {
                Term::Const(value) => Some(constant(value)),
                Term::Array(items) => Some(Wanted::Array(elements(items)?, None)),
                Term::Set(_) | Term::Object(_) => Some(Wanted::Is(
                    member
                        .constant()
                        .unwrap_or_else(|| Value::Object(crate::value::Object::default())),
                )),
                _ => None,
            })
            .collect();
        for wanted in wanted.into_iter().flatten() {
            self.insert(reference, wanted);
        }
    }

    fn affix(&mut self, text: &Term, base: &Term, make: fn(String) -> Wanted) {
        let Some(reference) = self.valid(text) else { return };
        if let Some(Value::String(base)) = self.known(base) {
            self.insert(&reference, make(base.to_string()));
        }
    }

    fn affixes(&mut self, text: &Term, bases: &Term, make: fn(String) -> Wanted) {
        let Some(reference) = self.valid(text) else { return };
        let strings: Vec<Value> = match self.known(bases) {
            Some(base @ Value::String(_)) => vec![base],
            Some(Value::Array(items)) => items.iter().cloned().collect(),
            Some(Value::Set(members)) => members.iter().cloned().collect(),
            _ => return,
        };
        let strings: Option<Vec<&str>> = strings.iter().map(Value::as_str).collect();
        for base in strings.into_iter().flatten() {
            self.insert(&reference, make(base.to_owned()));
        }
    }

    fn known(&self, term: &Term) -> Option<Value> {
        match term {
            Term::Var(var) => self.constants.get(var).cloned(),
            other => other.constant(),
        }
    }

    fn glob(&mut self, pattern: &Term, delimiters: &Term, text: &Term) {
        let (Some(Value::String(pattern)), Some(Value::Array(delimiters)), Term::Var(text)) =
            (pattern.constant(), delimiters.constant(), text)
        else {
            return;
        };
        let delimiters: Option<String> = match delimiters.is_empty() {
            true => Some(".".to_owned()),
            false => delimiters.iter().map(Value::as_str).collect(),
        };
        // OPA takes others apart in a way of its own.
        let Some(delimiters) = delimiters.filter(|delimiters| delimiters.is_ascii()) else {
            return;
        };
        let Some(parts) = glob_parts(&pattern, &delimiters) else {
            return;
        };
        if let Some(reference) = self.resolve(*text) {
            self.insert(&reference, Wanted::Array(parts, Some(delimiters)));
        }
    }
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
