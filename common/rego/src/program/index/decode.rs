//! Reads a rule's body back out of its statements. What isn't understood is left out, which only means that the index
//! knows less of the rule: it is then visited more often than need be.

mod within;

use super::blocks::{acts, gives, is_quiet, prints, saved};
use super::terms::{Expr, Head, Ref, Step, Term, Var};
use crate::hash::{HashMap, HashSet};
use crate::number::Number;
use crate::plan::{Block, Kind, Operand, Plan, Statement};
use crate::value::Value;

/// A rule, as its block shows it.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// The variables of the parameters, where they are plain variables.
    pub(super) args: Vec<Option<Var>>,
    pub(super) exprs: Vec<Expr>,
    /// The value, if it is the same each time.
    pub(super) value: Option<Value>,
    /// Whether OPA would not index it, since it prints.
    pub(super) prints: bool,
    /// Whether something comes before the last expression that a rule not visited would not have done.
    pub(super) acts_before: bool,
    /// Whether it does anything of that kind.
    pub(super) acts: bool,
}

/// What the rules of a function have in common.
pub(super) struct Context<'p> {
    pub(super) plan: &'p Plan,
    /// The names of the plan's functions.
    pub(super) functions: &'p HashMap<std::sync::Arc<str>, u32>,
    /// The parameters of its own, after `input` and `data`.
    pub(super) params: &'p [i64],
    /// Whether the parameters are the rules' arguments, and nothing else.
    pub(super) plain: bool,
    pub(super) result: i64,
    pub(super) returned: i64,
}

/// Reads the rule of a block.
pub(super) fn rule(context: &Context<'_>, block: &Block) -> Rule {
    let mut decoder = Decoder {
        context,
        terms: HashMap::from_iter([
            (0, Term::Ref(Ref::root(Head::Input))),
            (1, Term::Ref(Ref::root(Head::Data))),
        ]),
        calls: HashMap::default(),
        saved: HashSet::default(),
        objects: HashMap::default(),
        muted: false,
        split: false,
        rule: Rule {
            args: vec![None; context.params.len()],
            ..Rule::default()
        },
        values: Vec::new(),
    };
    decoder.statements(&block.statements);
    let mut rule = decoder.rule;
    let (first, others) = match decoder.values.split_first() {
        Some((Some(first), others)) => (Some(first), others),
        _ => (None, &[][..]),
    };
    let is_one = others.iter().all(|other| other.as_ref() == first);
    rule.value = first.filter(|_| is_one).cloned();
    rule.prints = prints(&block.statements, false, context);
    rule
}

struct Decoder<'c, 'p> {
    context: &'c Context<'p>,
    terms: HashMap<i64, Term>,
    /// The builtins' calls, by their results.
    calls: HashMap<i64, (std::sync::Arc<str>, Vec<Term>)>,
    /// The locals that keep `input` or `data` for after a `with`.
    saved: HashSet<i64>,
    /// The objects that a pattern is being matched with, and how many members are still to come.
    objects: HashMap<i64, i64>,
    /// Under a `with`.
    muted: bool,
    /// In one of several places that give the value.
    split: bool,
    rule: Rule,
    /// The values that the rule gives, one for each place that gives one.
    values: Vec<Option<Value>>,
}

impl Decoder<'_, '_> {
    fn statements(&mut self, statements: &[Statement]) {
        let mut at = 0;
        while let Some(statement) = statements.get(at) {
            let rest = statements.get(at + 1..).unwrap_or_default();
            let before = at.checked_sub(1).and_then(|before| statements.get(before));
            at += 1 + self.statement(&statement.kind, before.map(|before| &before.kind), rest);
        }
    }

    /// Takes in one statement; says how many of those after it were taken along.
    fn statement(&mut self, kind: &Kind, before: Option<&Kind>, rest: &[Statement]) -> usize {
        match kind {
            Kind::Dot { source, key, target } => {
                let found = self.dot(*source, *key);
                self.terms.insert(*target, found);
            }
            Kind::MakeNumberInt { value, target } => self.constant(*target, Value::from(*value)),
            Kind::MakeNumberRef { index, target } => {
                let number = self.string(*index).and_then(|text| Number::from_literal(&text));
                let term = number.map_or(Term::Other, |number| Term::Const(Value::Number(number)));
                self.terms.insert(*target, term);
            }
            Kind::MakeNull { target } => self.constant(*target, Value::Null),
            Kind::MakeArray { target, .. } => self.make(*target, Term::Array(Vec::new())),
            Kind::MakeSet { target } => self.make(*target, Term::Set(Vec::new())),
            Kind::MakeObject { target } => self.make(*target, Term::Object(Vec::new())),
            Kind::ArrayAppend { value, array } => {
                let value = self.term(*value);
                if let Some(Term::Array(items)) = self.terms.get_mut(array) {
                    items.push(value);
                }
            }
            Kind::SetAdd { value, set } => {
                let value = self.term(*value);
                if let Some(Term::Set(members)) = self.terms.get_mut(set) {
                    members.push(value);
                }
            }
            Kind::ObjectInsert { key, value, object } => {
                let (key, value) = (self.term(*key), self.term(*value));
                if let Some(Term::Object(members)) = self.terms.get_mut(object) {
                    members.push((key, value));
                }
            }
            Kind::AssignVar { source, target } => self.assign(*source, *target, before),
            Kind::AssignVarOnce { source, target } if *target == self.context.result => {
                let value = self.ground(*source);
                self.values.push(value);
            }
            Kind::Equal { a, b } => {
                let (a, b) = (self.term(*a), self.term(*b));
                self.equal(a, b);
            }
            Kind::NotEqual {
                a,
                b: Operand::Bool(false),
            } => self.naked(*a),
            Kind::Call {
                function,
                args,
                result,
            } => {
                let known = self.context.functions.get(function);
                if let Some(known) = known {
                    self.acts();
                    self.terms.insert(*result, self.document(*known, args.len()));
                } else {
                    if !is_quiet(function) {
                        self.acts();
                    }
                    let args = args.iter().map(|arg| self.term(*arg)).collect();
                    self.terms.insert(*result, Term::Other);
                    self.calls.insert(*result, (function.clone(), args));
                }
            }
            Kind::CallDynamic { result, .. } => {
                self.acts();
                self.terms.insert(*result, Term::Other);
            }
            Kind::IsArray {
                source: Operand::Local(source),
            } => return self.array_pattern(*source, rest),
            Kind::IsObject {
                source: Operand::Local(source),
            } => {
                if let Some(Kind::MakeNumberInt { value, .. }) = rest.get(1).map(|next| &next.kind) {
                    self.objects.insert(*source, *value);
                }
            }
            Kind::AssignInt { target, .. } | Kind::Len { target, .. } | Kind::ObjectMerge { target, .. } => {
                self.terms.insert(*target, Term::Other);
            }
            Kind::Scan {
                source,
                key,
                value,
                block,
            } => self.scan([*source, *key, *value], block),
            Kind::Not { block } => self.acts_within(std::slice::from_ref(block)),
            Kind::Block { blocks } => self.block(blocks, before, rest.is_empty()),
            Kind::With {
                path, value, block, ..
            } => {
                let is_undo =
                    path.is_empty() && matches!(value, Operand::Local(value) if self.saved.contains(value));
                self.muted = !is_undo;
                self.statements(&block.statements);
            }
            Kind::ObjectInsertOnce { object, .. } => {
                if *object == self.context.returned {
                    self.values.push(None);
                }
            }
            Kind::AssignVarOnce { .. }
            | Kind::NotEqual { .. }
            | Kind::IsArray { .. }
            | Kind::IsObject { .. }
            | Kind::IsSet { .. }
            | Kind::IsDefined { .. }
            | Kind::IsUndefined { .. }
            | Kind::ResetLocal { .. }
            | Kind::Break { .. }
            | Kind::Nop
            | Kind::ReturnLocal { .. }
            | Kind::ResultSetAdd { .. }
            | Kind::Unknown { .. } => {}
        }
        0
    }

    /// What is referred to where a function is called that makes a document of rules. Not all below it need be one: with
    /// `p[1] := x`, OPA takes `data.p[2]` for base data.
    fn document(&self, function: u32, args: usize) -> Term {
        let known = self.context.plan.functions.get(function as usize);
        let Some(known) = known.filter(|known| known.path.len() > 1 && args == 2) else {
            return Term::Other;
        };
        let steps = known.path.iter().skip(1).cloned();
        Term::Ref(Ref {
            head: Head::Data,
            steps: steps.map(|name| Step::Const(Value::String(name))).collect(),
        })
    }

    fn constant(&mut self, target: i64, value: Value) {
        self.terms.insert(target, Term::Const(value));
    }

    fn make(&mut self, target: i64, term: Term) {
        self.terms.insert(target, term);
    }

    fn string(&self, index: i64) -> Option<std::sync::Arc<str>> {
        let index = usize::try_from(index).ok()?;
        self.context.plan.strings.get(index).cloned()
    }

    fn term(&self, operand: Operand) -> Term {
        match operand {
            Operand::Local(local) => self.terms.get(&local).cloned().unwrap_or(Term::Other),
            Operand::Bool(flag) => Term::Const(Value::Bool(flag)),
            Operand::String(index) => self
                .string(index)
                .map_or(Term::Other, |text| Term::Const(Value::String(text))),
        }
    }

    fn step(&self, operand: Operand) -> Step {
        match self.term(operand) {
            Term::Var(var) => Step::Var(var),
            term => term.constant().map_or(Step::Other, Step::Const),
        }
    }

    fn dot(&mut self, source: Operand, key: Operand) -> Term {
        if let Operand::Local(source) = source
            && let Some(left) = self.objects.get_mut(&source)
            && *left > 0
        {
            *left -= 1;
            return Term::Other;
        }
        let step = self.step(key);
        // A collection with variables is a key; what else isn't understood belongs to a pattern.
        let is_key = !matches!(step, Step::Other) || !matches!(self.term(key), Term::Other);
        match self.reference(source) {
            Some(reference) if is_key => Term::Ref(reference.then(step)),
            _ => Term::Other,
        }
    }

    /// What an operand refers to, if it can be looked into.
    fn reference(&self, operand: Operand) -> Option<Ref> {
        match self.term(operand) {
            Term::Ref(reference) => Some(reference),
            Term::Var(var) => Some(Ref::root(Head::Var(var))),
            _ => None,
        }
    }

    fn assign(&mut self, source: Operand, target: i64, before: Option<&Kind>) {
        if let Operand::Local(local) = source
            && let Some(at) = self.context.params.iter().position(|param| *param == local)
        {
            if self.context.plain
                && let Some(arg) = self.rule.args.get_mut(at)
            {
                *arg = Some(target);
            }
            self.terms.insert(target, Term::Var(target));
            return;
        }
        if let Some(saved) = saved(&Kind::AssignVar { source, target }, before) {
            self.saved.insert(saved);
            self.terms.insert(saved, Term::Other);
            return;
        }
        let term = self.term(source);
        self.terms.insert(target, Term::Var(target));
        self.equal(Term::Var(target), term);
    }

    fn equal(&mut self, a: Term, b: Term) {
        if !matches!(a, Term::Other) && !matches!(b, Term::Other) {
            self.push(Expr::Equal(a, b));
        }
    }

    fn naked(&mut self, operand: Operand) {
        if let Operand::Local(local) = operand
            && let Some((name, args)) = self.calls.remove(&local)
        {
            self.push(Expr::Call { name, args });
            return;
        }
        if let term @ (Term::Ref(_) | Term::Var(_)) = self.term(operand) {
            self.push(Expr::Naked(term));
        }
    }

    fn push(&mut self, expr: Expr) {
        if !self.muted && !self.split {
            self.rule.acts_before |= self.rule.acts;
            self.rule.exprs.push(expr);
        }
    }

    fn acts(&mut self) {
        self.rule.acts = true;
    }

    /// The value that a rule gives, if it stands there as a constant. A variable isn't one for OPA, even if it can only
    /// hold one value.
    fn ground(&self, source: Operand) -> Option<Value> {
        self.term(source).constant()
    }

    fn gives(&self, statements: &[Statement]) -> bool {
        gives(statements, self.context)
    }

    /// Notes whether something in there acts.
    fn acts_within(&mut self, blocks: &[Block]) {
        let found = blocks.iter().any(|block| acts(&block.statements, self.context));
        self.rule.acts |= found;
    }
}
