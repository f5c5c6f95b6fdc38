//! Iterations over documents of which some stand under constants that are no names, as with `p[1] := x` and `p.a := y`. OPA goes
//! from one document to the next, and evaluates each when it comes to it (`v1/topdown/eval.go`, `evalTree.enumerate`); the planner
//! does so where all are names, and else makes the whole object first. Here the keys are gone over, and what is at each is asked
//! for by its key.

use std::sync::Arc;

use super::index::Key;
use super::live::reads_once;
use crate::hash::HashMap;
use crate::plan::{Block, Kind, Operand, Plan, Statement};

/// The first local that the planner never numbers so.
const FIRST_LOCAL: i64 = i64::MAX - 2_000_000;

/// Goes over the keys of functions that make such documents; `documents` has those of each function, in OPA's order.
pub(super) fn one_by_one(plan: &mut Plan, documents: Vec<Vec<Key>>) {
    let keys: HashMap<Arc<str>, Vec<Key>> = plan
        .functions
        .iter()
        .zip(documents)
        .filter(|(_, keys)| keys.len() > 1)
        .map(|(function, keys)| (function.name.clone(), keys))
        .collect();
    if keys.is_empty() {
        return;
    }
    let functions = plan.functions.iter_mut().map(|function| &mut function.blocks);
    let entrypoints = plan
        .entrypoints
        .iter_mut()
        .map(|entrypoint| &mut entrypoint.blocks);
    for blocks in functions.chain(entrypoints) {
        let mut body = Body {
            keys: &keys,
            locals: 0,
        };
        blocks
            .iter_mut()
            .for_each(|block| body.list(&mut block.statements));
    }
}

struct Body<'k> {
    keys: &'k HashMap<Arc<str>, Vec<Key>>,
    /// How many locals were added.
    locals: i64,
}

impl<'k> Body<'k> {
    fn list(&mut self, statements: &mut Vec<Statement>) {
        let mut at = 0;
        while at < statements.len() {
            if let Some(keys) = self.iterated(statements, at) {
                let taken: Vec<Statement> = statements.drain(at..at + 2).collect();
                let written = self.rewritten(taken, keys);
                statements.splice(at..at, written);
            }
            let within: &mut [Block] = match statements.get_mut(at).map(|statement| &mut statement.kind) {
                Some(Kind::Block { blocks }) => blocks,
                Some(Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. }) => {
                    std::slice::from_mut(block)
                }
                _ => &mut [],
            };
            within
                .iter_mut()
                .for_each(|block| self.list(&mut block.statements));
            at += 1;
        }
    }

    /// The keys of the documents that are called for, if the next statement iterates over them, and nothing else looks at them.
    fn iterated(&self, statements: &[Statement], at: usize) -> Option<&'k [Key]> {
        let Kind::Call {
            function,
            args,
            result,
        } = &statements.get(at)?.kind
        else {
            return None;
        };
        let keys = self.keys.get(function).filter(|_| args.len() == 2)?;
        let after = statements.get(at + 1..)?;
        let Kind::Scan { source, .. } = after.first()?.kind else {
            return None;
        };
        (source == *result && reads_once(after, *result)).then_some(keys.as_slice())
    }

    fn local(&mut self) -> i64 {
        self.locals += 1;
        FIRST_LOCAL + self.locals
    }

    /// A call and the iteration over what it gives, one document after the other.
    fn rewritten(&mut self, taken: Vec<Statement>, keys: &[Key]) -> Vec<Statement> {
        let mut taken = taken.into_iter();
        let (Some(call), Some(scan)) = (taken.next(), taken.next()) else {
            return Vec::new();
        };
        let location = scan.location;
        let statement = |kind| Statement { kind, location };
        let (
            Kind::Call { result, .. },
            Kind::Scan {
                key, value, block, ..
            },
        ) = (&call.kind, scan.kind)
        else {
            return Vec::new();
        };
        let found = statement(Kind::Dot {
            source: Operand::Local(*result),
            key: Operand::Local(key),
            target: value,
        });
        let list = self.local();
        let mut written = vec![statement(Kind::MakeArray {
            capacity: i64::try_from(keys.len()).unwrap_or(0),
            target: list,
        })];
        for own in keys {
            let made = self.local();
            written.extend(own.make(made).map(statement));
            written.push(statement(Kind::ArrayAppend {
                value: own.operand_in(made),
                array: list,
            }));
        }
        // The key's variable comes first: where it is known already, the other documents are passed over.
        let mut inner = Vec::with_capacity(block.statements.len() + 2);
        let mut rest = block.statements.into_iter().peekable();
        if let Some(first) = rest.next_if(|first| takes(&first.kind, key)) {
            inner.push(first);
        }
        inner.push(call);
        inner.push(found);
        inner.extend(rest);
        written.push(statement(Kind::Scan {
            source: list,
            key: self.local(),
            value: key,
            block: Block { statements: inner },
        }));
        written
    }
}

/// Whether a statement gives a key to a variable, or compares it.
fn takes(kind: &Kind, key: i64) -> bool {
    let is_key = |operand: &Operand| matches!(operand, Operand::Local(local) if *local == key);
    match kind {
        Kind::AssignVar { source, .. } => is_key(source),
        Kind::Equal { a, b } => is_key(a) || is_key(b),
        _ => false,
    }
}
