//! What stands within other statements: the elements of a pattern, what is iterated over, blocks.

use super::Decoder;
use crate::plan::{Block, Kind, Operand, Statement};
use crate::program::index::blocks::{base_extent, comprehension};
use crate::program::index::terms::{Step, Term};

impl Decoder<'_, '_> {
    /// `[x, 1] = input.pair`, whose pattern comes element by element.
    pub(super) fn array_pattern(&mut self, source: i64, rest: &[Statement]) -> usize {
        let kinds: Vec<&Kind> = rest.iter().map(|statement| &statement.kind).collect();
        let (Some(Kind::MakeNumberInt { value: len, .. }), Some(Kind::MakeNumberInt { target: key, .. })) =
            (kinds.get(1).copied(), kinds.get(3).copied())
        else {
            return 0;
        };
        // Whatever follows, lookups by this key are the pattern's.
        self.terms.insert(*key, Term::Other);
        let mut at = 4;
        let mut items = Vec::new();
        for _ in 0..*len {
            let (Some(Kind::AssignInt { .. }), Some(Kind::Dot { target, .. })) =
                (kinds.get(at).copied(), kinds.get(at + 1).copied())
            else {
                return 0;
            };
            at += 2;
            if let Some(
                kind @ (Kind::MakeNumberRef { .. } | Kind::MakeNull { .. } | Kind::MakeNumberInt { .. }),
            ) = kinds.get(at).copied()
            {
                self.statement(kind, None, &[]);
                at += 1;
            }
            match kinds.get(at).copied() {
                Some(Kind::AssignVar {
                    source: Operand::Local(local),
                    target: var,
                }) if local == target => {
                    self.terms.insert(*var, Term::Var(*var));
                    items.push(Term::Var(*var));
                }
                Some(Kind::Equal {
                    a: Operand::Local(local),
                    b,
                }) if local == target => match self.term(*b) {
                    term @ (Term::Const(_) | Term::Var(_)) => items.push(term),
                    _ => return 0,
                },
                _ => return 0,
            }
            at += 1;
        }
        let source = self.term(Operand::Local(source));
        self.equal(source, Term::Array(items));
        at
    }

    pub(super) fn scan(&mut self, [source, key, value]: [i64; 3], block: &Block) {
        if !self.gives(&block.statements) {
            // Of an `every`: closed.
            self.acts_within(std::slice::from_ref(block));
            return;
        }
        self.terms.insert(key, Term::Other);
        let step = match block.statements.first().map(|first| &first.kind) {
            Some(Kind::AssignVar {
                source: Operand::Local(own),
                target,
            }) if *own == key => Some(Step::Var(*target)),
            Some(Kind::Equal {
                a: Operand::Local(own),
                b,
            }) if *own == key => Some(self.step(*b)),
            Some(Kind::AssignVar {
                source: Operand::Local(own),
                ..
            }) if *own == value => None,
            _ => Some(Step::Other),
        };
        let element = match (self.reference(Operand::Local(source)), step) {
            (Some(reference), Some(step)) => Term::Ref(reference.then(step)),
            _ => Term::Other,
        };
        self.terms.insert(value, element);
        self.statements(&block.statements);
    }

    pub(super) fn block(&mut self, blocks: &[Block], before: Option<&Kind>, is_last: bool) {
        if let Some(target) = comprehension(blocks, before) {
            self.acts_within(blocks);
            self.terms.insert(target, Term::Other);
            return;
        }
        if let Some(steps) = base_extent(blocks) {
            for step in steps {
                self.statement(&step.kind, None, &[]);
            }
            return;
        }
        if !blocks.iter().any(|block| self.gives(&block.statements)) {
            self.acts_within(blocks);
            return;
        }
        // What is left of the body; in several blocks where a reference goes over several documents.
        if let ([block], true) = (blocks, is_last) {
            self.statements(&block.statements);
            return;
        }
        let split = std::mem::replace(&mut self.split, true);
        self.rule.acts = true;
        blocks.iter().for_each(|block| self.statements(&block.statements));
        // The base document's place comes after the blocks, and with it the rest of the body once more, in which the variables
        // stand for no particular document.
        self.split = split || is_last;
    }
}
