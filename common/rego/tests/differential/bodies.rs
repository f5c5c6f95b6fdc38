//! Random bodies: expressions that compare, bind, scan, negate, quantify, print, and change the world with `with`.

use postern_rego::builtin_names;

use crate::documents::{self, NAMES};
use crate::generate::{Generator, Name, Sort};
use crate::syntax::{Expr, Kind, Term};

impl Generator {
    /// A few expressions. What they bind is in `bound` afterwards.
    pub(crate) fn body(&mut self, bound: &mut Vec<String>, depth: usize) -> Vec<Expr> {
        let count = self.random.below(4);
        let mut body = Vec::new();
        for at in 0..count.max(usize::from(depth < 2)) {
            if at == 0 && self.random.once_in(3) {
                body.push(self.indexed());
            } else {
                self.expressions(bound, depth, &mut body);
            }
        }
        body
    }

    /// A term that stands for itself. Never a comprehension: there OPA's planner leaves out what OPA's evaluator looks at, and
    /// prints (docs/rego.md).
    fn statement(&mut self, bound: &[String], depth: usize) -> Term {
        match self.term(bound, depth) {
            Term::ArrayOf(..) | Term::SetOf(..) | Term::ObjectOf(..) => self.reference(bound),
            other => other,
        }
    }

    /// What OPA's rule index can tell rules apart by.
    fn indexed(&mut self) -> Expr {
        let read = Term::Ref("input".to_owned(), vec![self.name()]);
        let scalar = Term::plain(documents::scalar(&mut self.random));
        let operator = *self.random.pick(&["==", "=", "=="]);
        Expr::of(match self.random.below(8) {
            0 => Kind::Binary(scalar, operator, read),
            1 => {
                let list = vec![scalar, Term::plain(documents::scalar(&mut self.random))];
                Kind::Binary(read, "in", Term::Set(list))
            }
            2 if builtin_names().any(|name| name == "glob.match") => Kind::Term(Term::call(
                "glob.match",
                [Term::plain("\"a/*\""), Term::Array(Vec::new()), read],
            )),
            3 => Kind::Binary(read, operator, Term::Array(vec![scalar, Term::plain("_")])),
            _ => Kind::Binary(read, operator, scalar),
        })
    }

    fn expressions(&mut self, bound: &mut Vec<String>, depth: usize, body: &mut Vec<Expr>) {
        let before = bound.len();
        let kind = match self.random.below(if depth == 0 { 12 } else { 17 }) {
            0..3 => {
                let operator = *self.random.pick(&["==", "==", "!=", "<", "<=", ">", ">="]);
                Kind::Binary(self.term(bound, depth), operator, self.term(bound, depth))
            }
            3 => {
                let value = self.term(bound, depth);
                Kind::Binary(Term::Plain(self.fresh(bound)), ":=", value)
            }
            4 | 5 => {
                let collection = self.collection(bound, depth);
                let key = self.random.once_in(2).then(|| self.fresh(bound));
                Kind::Some(key, Term::Plain(self.fresh(bound)), collection)
            }
            6 => Kind::Term(self.statement(bound, depth)),
            7 => {
                let element = self.term(bound, depth);
                Kind::Binary(element, "in", self.collection(bound, depth))
            }
            8 => {
                let value = self.reference(bound);
                let pattern = vec![
                    Term::Plain(self.fresh(bound)),
                    Term::plain(documents::scalar(&mut self.random)),
                ];
                Kind::Binary(Term::Array(pattern), "=", value)
            }
            9 => Kind::Print(vec![self.term(bound, depth.min(1)), Term::plain("\"seen\"")]),
            10 | 11 => return self.scan(bound, body),
            12 | 13 => Kind::Not(Box::new(self.condition(bound, depth - 1, true))),
            14 => {
                let domain = self.collection(bound, depth - 1);
                let mut inner = bound.clone();
                let key = self.random.once_in(3).then(|| self.fresh(&mut inner));
                let value = self.fresh(&mut inner);
                Kind::Every(key, value, domain, vec![self.condition(&inner, depth - 1, false)])
            }
            15 if depth < 2 && !self.partial => {
                let path = Term::Plain(self.fresh(bound));
                let pattern = Term::Array(vec![path, Term::Plain(self.fresh(bound))]);
                Kind::Term(Term::call("walk", [self.collection(bound, 0), pattern]))
            }
            _ => return self.twice(bound, body),
        };
        let mut expr = Expr::of(without_comparing_comprehensions(kind));
        let fits = !matches!(expr.kind, Kind::Print(_) | Kind::Every(..));
        if fits && self.random.once_in(5) {
            self.replace((bound, before), &mut expr, false);
        }
        body.push(expr);
    }

    /// A rule's value, and its value with another input: what was remembered of the one isn't the other.
    fn twice(&mut self, bound: &mut Vec<String>, body: &mut Vec<Expr>) {
        let value = self.term(bound, 0);
        let name = *self.random.pick(&NAMES);
        let targets = [
            "input".to_owned(),
            format!("input.{name}"),
            format!("data.d.{name}"),
        ];
        let rule = self.collection(bound, 0);
        for with in [None, Some((self.random.pick(&targets).clone(), value))] {
            let mut inner = bound.clone();
            let found = self.fresh(&mut inner);
            let mut one = Expr::of(Kind::Binary(Term::plain(found.as_str()), ":=", rule.clone()));
            one.with.extend(with);
            let all = Term::ArrayOf(Box::new(Term::Plain(found)), vec![one]);
            body.push(Expr::of(Kind::Binary(Term::Plain(self.fresh(bound)), ":=", all)));
        }
    }

    /// An expression that binds nothing. What is negated is taken apart where it refers to something: the references come before
    /// it, for OPA's index to look at.
    fn condition(&mut self, bound: &[String], depth: usize, negated: bool) -> Expr {
        let mut expr = Expr::of(without_comparing_comprehensions(match self.random.below(3) {
            0 => Kind::Term(self.statement(bound, depth)),
            1 => Kind::Binary(self.term(bound, depth), "in", self.collection(bound, depth)),
            _ => {
                let operator = *self.random.pick(&["==", "!=", "<", ">="]);
                Kind::Binary(self.term(bound, depth), operator, self.term(bound, depth))
            }
        }));
        if self.random.once_in(6) {
            let functions = !negated || !expr.refers();
            self.replace((bound, bound.len()), &mut expr, functions);
        }
        expr
    }

    /// `some k` and one or two loops over documents or rules.
    fn scan(&mut self, bound: &mut Vec<String>, body: &mut Vec<Expr>) {
        let collection = self.collection(bound, 0);
        let base = match collection {
            Term::Ref(base, keys) => (base, keys),
            _ => ("input".to_owned(), vec![Term::plain("\"l\"")]),
        };
        let depth = 1 + self.random.below(2);
        let mut keys = base.1;
        let mut declared = Vec::new();
        for _ in 0..depth {
            let key = self.fresh(bound);
            declared.push(key.clone());
            keys.push(Term::Plain(key));
        }
        body.push(Expr::of(Kind::Declare(declared)));
        let found = Term::Ref(base.0, keys);
        let kind = if self.random.once_in(2) {
            Kind::Binary(Term::Plain(self.fresh(bound)), ":=", found)
        } else {
            Kind::Binary(found, "==", Term::plain(documents::scalar(&mut self.random)))
        };
        body.push(Expr::of(kind));
    }

    /// Adds `with` to an expression. Functions are replaced only where OPA's index doesn't look: a `with` that replaces a function
    /// which isn't called leaves no trace in the plan, but keeps OPA's index from using the expression. They come last: OPA's
    /// planner takes what follows one for (part of) another document than it is (docs/rego.md).
    fn replace(&mut self, (bound, before): (&[String], usize), expr: &mut Expr, functions: bool) {
        let count = 1 + self.random.below(2);
        for _ in 0..count {
            let mut value = self.term(bound, 1);
            // What the expression binds itself has no value yet. In a key that is a collection it is a pattern, which doesn't
            // narrow what is visited here (docs/rego.md).
            if value.asks_for_collections() {
                value = self.term(&bound[..before], 1);
            }
            let name = *self.random.pick(&NAMES);
            let known = self.known.get(self.random.below(self.known.len())).cloned();
            let (target, value) = match (self.random.below(9), known) {
                (0, _) => ("input".to_owned(), value),
                (1, _) => (format!("input.{name}"), value),
                (2, _) => (format!("data.d.{name}"), value),
                (3, _) => ("data.m".to_owned(), value),
                (4, _) if functions => (
                    "count".to_owned(),
                    Term::plain(documents::scalar(&mut self.random)),
                ),
                (5, _) => ("data.d".to_owned(), value),
                (8, _) => (
                    self.random
                        .pick(&["data.e", "data.e.a", "data.d.l.a", "data.d.o.b"])
                        .to_string(),
                    value,
                ),
                (_, Some(known)) => match known.sort {
                    Sort::Function(arity) if functions => (known.path(), self.stand_in(arity)),
                    Sort::Function(_) => (format!("input.{name}"), value),
                    _ => (known.path(), value),
                },
                (_, None) => (format!("input.{name}"), value),
            };
            if expr
                .with
                .iter()
                .all(|(known, _)| !known.starts_with(&target) && !target.starts_with(known.as_str()))
            {
                expr.with.push((target, value));
            }
        }
        let functions: Vec<String> = self
            .known
            .iter()
            .filter(|known| matches!(known.sort, Sort::Function(_)))
            .map(Name::path)
            .collect();
        expr.with
            .sort_by_key(|(target, _)| target == "count" || functions.contains(target));
    }

    /// A value or a function in place of a function.
    fn stand_in(&mut self, arity: usize) -> Term {
        let alike: Vec<_> = self
            .known
            .iter()
            .filter(|known| known.sort == Sort::Function(arity))
            .collect();
        match self.random.below(3) {
            0 => Term::plain(if arity == 1 { "count" } else { "startswith" }),
            1 if !alike.is_empty() => Term::Plain(self.random.pick(&alike).path()),
            _ => Term::plain(documents::scalar(&mut self.random)),
        }
    }
}

/// Asks for less or equal in place of equality where one side is a comprehension. OPA's evaluator passes over one that can't be
/// equal because of its kind, and so over conflicts, failures and prints in it, which its planner doesn't (docs/rego.md).
fn without_comparing_comprehensions(kind: Kind) -> Kind {
    let is = |term: &Term| matches!(term, Term::ArrayOf(..) | Term::SetOf(..) | Term::ObjectOf(..));
    match kind {
        Kind::Binary(a, "==" | "=", b) if is(&a) || is(&b) => Kind::Binary(a, "<=", b),
        other => other,
    }
}
