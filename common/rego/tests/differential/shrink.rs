//! Makes a policy that differs small: takes away rules, expressions, parts of terms and documents as long as it differs.

use crate::syntax::{Expr, Json, Kind, Policy, Rule, Shape, Term};

/// The smallest policy found that `differs` still holds of, within so many attempts.
pub(crate) fn shrink(
    mut policy: Policy,
    mut attempts: usize,
    mut differs: impl FnMut(&Policy) -> bool,
) -> Policy {
    let mut at = 0;
    // Whether an edit held since the walk began.
    let mut held = false;
    while attempts > 0 {
        let mut smaller = policy.clone();
        let mut editor = Editor {
            left: at,
            done: false,
        };
        editor.policy(&mut smaller);
        if !editor.done {
            if !held {
                break;
            }
            (at, held) = (0, false);
            continue;
        }
        attempts -= 1;
        if differs(&smaller) {
            // What stood at this number is gone: the next edit has it.
            policy = smaller;
            held = true;
        } else {
            at += 1;
        }
    }
    policy
}

/// Walks over a policy and does the one edit that is `left` edits away.
struct Editor {
    left: usize,
    done: bool,
}

impl Editor {
    /// Whether this is the edit to do.
    fn here(&mut self) -> bool {
        if self.done {
            return false;
        }
        self.done = self.left == 0;
        self.left = self.left.saturating_sub(1);
        self.done
    }

    /// Takes one of a list away, or edits within.
    fn list<T>(&mut self, items: &mut Vec<T>, least: usize, mut within: impl FnMut(&mut Self, &mut T)) {
        let mut at = 0;
        while items.len() > least && at < items.len() {
            if self.here() {
                items.remove(at);
                return;
            }
            at += 1;
        }
        for item in items {
            if self.done {
                return;
            }
            within(self, item);
        }
    }

    fn policy(&mut self, policy: &mut Policy) {
        self.list(&mut policy.rules, 1, Self::rule);
        self.list(&mut policy.entrypoints, 1, |_, _| {});
        self.list(&mut policy.inputs, 1, Self::json);
        if let Json::Object(members) = &mut policy.data {
            self.list(members, 0, |editor, (_, value)| editor.json(value));
        }
    }

    fn json(&mut self, json: &mut Json) {
        match json {
            Json::Scalar(text) if text == "1" => {}
            Json::Scalar(_) => {
                if self.here() {
                    *json = Json::Scalar("1".to_owned());
                }
            }
            _ if self.here() => *json = Json::Scalar("1".to_owned()),
            Json::Array(items) => self.list(items, 0, Self::json),
            Json::Object(members) => self.list(members, 0, |editor, (_, value)| editor.json(value)),
        }
    }

    fn rule(&mut self, rule: &mut Rule) {
        self.list(&mut rule.otherwise, 0, |editor, (value, body)| {
            editor.term(value);
            editor.body(body);
        });
        self.body(&mut rule.body);
        match &mut rule.shape {
            Shape::Complete(value) => self.term(value),
            // Keys stay: a number in their place would be another kind of difference.
            Shape::Set(_, value) | Shape::Object(_, value) => {
                self.term(value);
            }
            // A default's arguments have to be what they are.
            Shape::Function(arguments, value) => {
                if !rule.default {
                    self.terms(arguments);
                }
                self.term(value);
            }
        }
    }

    fn body(&mut self, body: &mut Vec<Expr>) {
        self.list(body, 0, Self::expr);
    }

    fn terms(&mut self, terms: &mut [Term]) {
        terms.iter_mut().for_each(|term| self.term(term));
    }

    fn expr(&mut self, expr: &mut Expr) {
        self.list(&mut expr.with, 0, |editor, (_, value)| editor.term(value));
        match &mut expr.kind {
            Kind::Term(term) => self.term(term),
            Kind::Binary(a, operator, b) => {
                if *operator != ":=" {
                    self.term(a);
                }
                self.term(b);
            }
            Kind::Not(inner) => {
                if self.here() {
                    *expr = (**inner).clone();
                    // A `with` of a function that isn't called would be another kind of difference.
                    let kept = ["input", "data.d", "data.m"];
                    expr.with
                        .retain(|(target, _)| kept.iter().any(|kept| target.starts_with(kept)));
                } else {
                    self.expr(inner);
                }
            }
            Kind::Some(_, _, collection) => self.term(collection),
            Kind::Declare(_) => {}
            Kind::Every(_, _, domain, body) => {
                self.term(domain);
                self.body(body);
            }
            Kind::Print(terms) => self.list(terms, 0, Self::term),
        }
    }

    /// Puts a scalar or one of its parts in place of a term, or edits within.
    fn term(&mut self, term: &mut Term) {
        if self.done || matches!(term, Term::Plain(text) if text == "1") {
            return;
        }
        if self.here() {
            *term = Term::plain("1");
            return;
        }
        for part in parts(term) {
            if self.here() {
                *term = part;
                return;
            }
        }
        match term {
            Term::Plain(_) => {}
            Term::Ref(_, keys) => {
                if !keys.is_empty() && self.here() {
                    keys.pop();
                } else {
                    self.terms(keys);
                }
            }
            Term::Array(items) | Term::Set(items) => self.list(items, 0, Self::term),
            Term::Object(members) => self.list(members, 0, |editor, (key, value)| {
                editor.term(key);
                editor.term(value);
            }),
            Term::Call(_, operands) => self.terms(operands),
            Term::Infix(_, a, b) => {
                self.term(a);
                self.term(b);
            }
            Term::ArrayOf(head, body) | Term::SetOf(head, body) => {
                self.term(head);
                self.body(body);
            }
            Term::ObjectOf(key, value, body) => {
                self.term(key);
                self.term(value);
                self.body(body);
            }
            Term::Template(parts) => self.list(parts, 1, Self::term),
        }
    }
}

/// Terms within that can stand in a term's place.
fn parts(term: &Term) -> Vec<Term> {
    match term {
        Term::Array(items) | Term::Set(items) | Term::Call(_, items) => items.clone(),
        Term::Object(members) => members.iter().map(|(_, value)| value.clone()).collect(),
        Term::Infix(_, a, b) => vec![(**a).clone(), (**b).clone()],
        _ => Vec::new(),
    }
}
