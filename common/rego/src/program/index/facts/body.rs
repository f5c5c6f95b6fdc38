//! What the expressions of one rule's body say, as OPA's `refindices.Update` takes them in, one after the other.

use super::{Fact, Facts, Wanted, constant, elements, glob_parts, wanted};
use crate::hash::HashMap;
use crate::program::index::decode::Rule;
use crate::program::index::terms::{Expr, Head, Ref, Step, Term, Var, is_scalar};
use crate::value::Value;

/// One rule's body being taken in.
pub(super) struct Body<'f, 'r> {
    facts: &'f mut Facts<'r>,
    rule: &'f Rule,
    at: usize,
    constants: HashMap<Var, Value>,
}

impl<'f, 'r> Body<'f, 'r> {
    pub(super) fn new(facts: &'f mut Facts<'r>, rule: &'f Rule, at: usize) -> Self {
        Body {
            facts,
            rule,
            at,
            constants: HashMap::default(),
        }
    }

    /// Adds what the rule needs to the facts.
    pub(super) fn take_in(&mut self) {
        let rule = self.rule;
        rule.exprs.iter().for_each(|expr| self.expr(expr));
    }

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
